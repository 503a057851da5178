package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The two events of the specifications, as their producers would send them now.
const (
	specEvent = `{"eventId":"evt_abc123","tenantId":"tenant_xyz","eventType":"payment.received","source":"billing","severity":"INFO",` +
		`"actorType":"SYSTEM","actorId":"billing-pipeline","targetType":"INVOICE","targetId":"inv_def456",` +
		`"payload":{"amount":450.00,"currency":"USD","invoiceId":"inv_def456","customerId":"cust_ghi789"},"correlationId":"req_jkl012"}`
	specAudit = `{"eventId":"audit-uuid","tenantId":"tenant_xyz","eventType":"user_login","actorId":"user-uuid","actorEmail":"jane@example.com",` +
		`"actorName":"Jane Doe","ipAddress":"203.0.113.1","userAgent":"Mozilla/5.0...","payload":{"idp":"github"}}`
)

// TestServe_Kcat publishes with a plain Kafka client, the specifications'
// events and the lines of a log file of this machine, and finds them
// everywhere: by search, histogram and aggregate, and on the live stream.
func TestServe_Kcat(t *testing.T) {
	if _, err := exec.LookPath("kcat"); err != nil {
		missing(t, "kcat is not installed: apt-get install kcat")
	}
	s := configure(t)
	s.start(t)
	lines := logLines(t)
	live := s.watch(t, "bootstrap-secret", "?tail=0", "X-Tenant-Id", "tenant_xyz")

	published := time.Now()
	s.kcat(t, append([]string{specEvent, specAudit}, lines...)...)
	want := 2 + len(lines)
	total := func(body string) int {
		var answer struct {
			Total  int       `json:"total"`
			Totals []float64 `json:"totals"`
		}
		require.NoError(t, json.Unmarshal([]byte(body), &answer), body)
		if len(answer.Totals) > 0 {
			return int(answer.Totals[0])
		}
		return answer.Total
	}
	for seen := 0; seen < want; {
		select {
		case data := <-live:
			if strings.Contains(data, `"eventId"`) {
				seen++
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%d of %d events on the stream", seen, want)
		}
	}
	t.Logf("all %d events on the stream after %s", want, time.Since(published))
	require.Eventually(t, func() bool {
		status, body := s.call(t, http.MethodGet, "/api/v1/events/histogram?from=now-1h&to=now%2B1m", "bootstrap-secret", "", "X-Tenant-Id", "tenant_xyz")
		return status == http.StatusOK && total(body) == want
	}, 10*time.Second, 20*time.Millisecond)
	t.Logf("in the histogram after %s", time.Since(published))
	status, body := s.call(t, http.MethodPost, "/api/v1/events/aggregate", "bootstrap-secret",
		`{"from":"now-1h","to":"now+1m","bucket":null,"metrics":[{"op":"count"}]}`, "X-Tenant-Id", "tenant_xyz")
	require.Equal(t, http.StatusOK, status, body)
	require.Equal(t, want, total(body))
	for _, parameters := range []string{"q=cust_ghi789", "correlationId=req_jkl012", "targetId=inv_def456", "eventType=user_login", "q=GitHub", "category=auth"} {
		s.find(t, "bootstrap-secret", "/api/v1/events?"+parameters, `"tenant_xyz"`, "X-Tenant-Id", "tenant_xyz")
	}
	var line struct {
		Payload struct {
			Line string `json:"line"`
		} `json:"payload"`
	}
	require.NoError(t, json.Unmarshal([]byte(lines[len(lines)/2]), &line))
	text, err := json.Marshal(line.Payload.Line)
	require.NoError(t, err)
	s.find(t, "bootstrap-secret", "/api/v1/events?q="+url.QueryEscape(quoteText(line.Payload.Line)), string(text[1:len(text)-1]), "X-Tenant-Id", "tenant_xyz")
}

// quoteText writes a string as q takes it.
func quoteText(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// logLines makes events of the lines of a log that every Debian machine has,
// or of a few lines like it.
func logLines(t *testing.T) []string {
	t.Helper()
	content, err := os.ReadFile("/var/log/dpkg.log")
	if err != nil {
		content = []byte("2026-01-05 10:00:00 install ca-certificates:all <none> 20230311\n2026-01-05 10:00:01 status installed \"ü\":amd64 1\\2\n")
	}
	var events []string
	for i, text := range bytes.Split(bytes.TrimSpace(content), []byte("\n")) {
		if i == 500 {
			break
		}
		payload, err := json.Marshal(map[string]any{"line": string(text), "number": i})
		require.NoError(t, err)
		events = append(events, fmt.Sprintf(`{"tenantId":"tenant_xyz","eventType":"dpkg.%s","source":"dpkg","payload":%s}`, field(text, 2), payload))
	}
	return events
}

func field(line []byte, n int) string {
	if fields := bytes.Fields(line); len(fields) > n {
		return string(fields[n])
	}
	return "line"
}

func (s *server) kcat(t *testing.T, messages ...string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "kcat", "-b", os.Getenv("DAYBOOK_EMBEDDED_KAFKA_ADDR"), "-P", "-t", "events")
	command.Stdin = strings.NewReader(strings.Join(messages, "\n") + "\n")
	out, err := command.CombinedOutput()
	require.NoError(t, err, string(out))
}
