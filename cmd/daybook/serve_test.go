package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/embedded"
)

// server is a node that a test runs, with all commands pointed at it.
type server struct {
	url, admin string
	dir        string
	stop       func() (code int, log string)
	stdout     *syncBuffer
}

type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// missing ends a test without what it needs; with CI=true in the environment it fails.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip("SKIP: ", what)
}

// configure points this process's settings at a data folder and free
// addresses.
func configure(t *testing.T) server {
	t.Helper()
	if _, err := embedded.EnginePath(); err != nil {
		missing(t, err.Error())
	}
	t.Chdir(t.TempDir())
	s := server{url: "http://" + free(t), admin: "http://" + free(t), dir: filepath.Join(t.TempDir(), "data")}
	for name, value := range map[string]string{
		"HTTP_ADDR": strings.TrimPrefix(s.url, "http://"), "ADMIN_ADDR": strings.TrimPrefix(s.admin, "http://"),
		"EMBEDDED_DIR": s.dir, "EMBEDDED_KAFKA_ADDR": free(t), "EMBEDDED_CLICKHOUSE_ADDR": free(t),
		"AUTH_BOOTSTRAP_KEY": "bootstrap-secret", "LOG_LEVEL": "warn", "KAFKA_PARTITIONS": "2",
	} {
		t.Setenv("DAYBOOK_"+name, value)
	}
	return s
}

// start runs serve and waits until it is ready.
func (s *server) start(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s.stdout = &syncBuffer{}
	var stderr syncBuffer
	code := make(chan int, 1)
	go func() { code <- run(ctx, append([]string{"serve"}, args...), strings.NewReader(""), s.stdout, &stderr) }()
	var once sync.Once
	var got int
	s.stop = func() (int, string) {
		once.Do(func() { cancel(); got = <-code })
		return got, stderr.String()
	}
	t.Cleanup(func() {
		if code, log := s.stop(); code != exitOK || t.Failed() {
			t.Errorf("serve ended with %d and said:\n%s", code, log)
		}
	})
	require.Eventually(t, func() bool {
		if len(code) > 0 {
			return true
		}
		response, err := http.Get(s.admin + "/readyz")
		if err != nil {
			return false
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	}, 60*time.Second, 50*time.Millisecond)
	require.Empty(t, code, "serve has ended: %s", &stderr)
}

// call makes a call and returns its status and body.
func (s *server) call(t *testing.T, method, path, key, body string, headers ...string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	require.NoError(t, err)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, string(content)
}

// find calls until the answer has the text in it: what was published can be
// found within 1.5 s, and a little more on a busy machine.
func (s *server) find(t *testing.T, key, path, text string, headers ...string) {
	t.Helper()
	var body string
	require.Eventually(t, func() bool {
		var status int
		status, body = s.call(t, "GET", path, key, "", headers...)
		return status == http.StatusOK && strings.Contains(body, text)
	}, 10*time.Second, 20*time.Millisecond, "no answer with %s, but %s", text, &body)
}

// metrics returns what the node measures, as Prometheus reads it.
func (s *server) metrics(t *testing.T) string {
	t.Helper()
	response, err := http.Get(s.admin + "/metrics")
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return string(content)
}

// watch opens a stream and returns the payloads of its data lines.
func (s *server) watch(t *testing.T, key, parameters string, headers ...string) <-chan string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/api/v1/events/stream"+parameters, nil)
	require.NoError(t, err)
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	request.Header.Set("Accept", "text/event-stream")
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request) //nolint:bodyclose // By the goroutine below.
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, response.StatusCode)
	events := make(chan string, 1000)
	go func() {
		defer close(events)
		defer func() { _ = response.Body.Close() }()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				select {
				case events <- data:
				case <-t.Context().Done():
					return
				}
			}
		}
	}()
	return events
}

// next waits for a stream's event with the text in it.
func next(t *testing.T, events <-chan string, text string) string {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatalf("the stream ended before an event with %s", text)
			}
			if strings.Contains(e, text) {
				return e
			}
		case <-deadline:
			t.Fatalf("no event with %s", text)
		}
	}
}

func TestServe_FromKeyToStream(t *testing.T) {
	s := configure(t)
	s.start(t)

	made := runWith(t, "", "keys", "create", "--tenant", "acme", "--scopes", "events:read,events:write", "--name", "test")
	require.Equal(t, exitOK, made.code, made.stderr)
	key := strings.TrimSpace(made.stdout)
	require.Regexp(t, `^dbk_[a-z2-7]{16}_[a-z2-7]{52}$`, key)

	stream := s.watch(t, key, "")
	status, body := s.call(t, "POST", "/api/v1/events", key, `{"eventType":"login.success","actorId":"jane","payload":{"idp":"github"}}`)
	require.Equal(t, http.StatusAccepted, status, body)
	var accepted struct{ EventIDs []string }
	require.NoError(t, json.Unmarshal([]byte(body), &accepted))
	next(t, stream, accepted.EventIDs[0])

	published := runWith(t, `{"tenantId":"acme","eventType":"a.b","eventId":"one"}
{"tenantId":"acme"}

not json
{"tenantId":"acme","eventType":"a.b","eventId":"two"}
{"tenantId":"other","eventType":"a.b","eventId":"three"}
`, "publish")
	if published.code != exitFailed {
		t.Errorf("publish with bad lines: %d", published.code)
	}
	for _, want := range []string{"standard input:2: missing_field: eventType", "standard input:4: invalid_json", "published 3 events", "2 lines are no events"} {
		if !strings.Contains(published.stderr, want) {
			t.Errorf("publish said %q, not %q", published.stderr, want)
		}
	}
	first := next(t, stream, `"eventType":"a.b"`) // In any order: they are in two partitions.
	second := next(t, stream, `"eventType":"a.b"`)
	if both := first + second; !strings.Contains(both, `"eventId":"one"`) || !strings.Contains(both, `"eventId":"two"`) {
		t.Errorf("streamed: %s", both)
	}

	s.find(t, key, "/api/v1/events?q=GITHUB&actorId=jane", accepted.EventIDs[0])
	s.find(t, key, "/api/v1/events/"+accepted.EventIDs[0], `"idp":"github"`)
	if _, body := s.call(t, "GET", "/api/v1/events", key, ""); strings.Contains(body, "three") {
		t.Errorf("another tenant's event is shown: %s", body)
	}
	s.find(t, "bootstrap-secret", "/api/v1/events", `"eventId":"three"`, "X-Tenant-Id", "other")

	generated := runWith(t, "", "generate", "--events", "3000", "--tenants", "1", "--days", "3")
	require.Equal(t, exitOK, generated.code, generated.stderr)
	require.Contains(t, generated.stderr, "published 3,000 events")

	for _, c := range []struct {
		name, method, path, key, body string
		headers                       []string
		status                        int
	}{
		{"no key", "GET", "/api/v1/events/stream", "", "", nil, 401},
		{"another tenant", "GET", "/api/v1/events/stream", key, "", []string{"X-Tenant-Id", "other"}, 403},
		{"no scope", "GET", "/api/v1/keys", key, "", nil, 403},
		{"unknown parameter", "GET", "/api/v1/events/stream?severty=WARN", key, "", nil, 400},
		{"bad filter", "GET", "/api/v1/events/stream?q=%28", key, "", nil, 400},
		{"bad search", "GET", "/api/v1/events?limit=x", key, "", nil, 400},
		{"search in another tenant", "GET", "/api/v1/events", key, "", []string{"X-Tenant-Id", "other"}, 403},
		{"search of every tenant", "GET", "/api/v1/events", "bootstrap-secret", "", nil, 400},
		{"no such event", "GET", "/api/v1/events/nosuch", key, "", nil, 404},
		{"bad event", "POST", "/api/v1/events", key, `{"payload":{}}`, nil, 400},
		{"another tenant's event", "POST", "/api/v1/events", key, `{"tenantId":"other","eventType":"a"}`, nil, 403},
		{"too large", "POST", "/api/v1/events", key, strings.Repeat(" ", 33<<20), nil, 413},
		{"no such path", "GET", "/api/v2/events", key, "", nil, 404},
		{"no such method", "DELETE", "/api/v1/events", key, "", nil, 405},
	} {
		if status, body := s.call(t, c.method, c.path, c.key, c.body, c.headers...); status != c.status || !strings.Contains(body, `"requestId"`) {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}

	if got := runWith(t, "", "health"); got.code != exitOK || !strings.Contains(got.stdout, `"ready"`) {
		t.Errorf("health: %d %s %s", got.code, got.stdout, got.stderr)
	}
	t.Run("second node on the data folder", func(t *testing.T) {
		t.Setenv("DAYBOOK_HTTP_ADDR", free(t))
		t.Setenv("DAYBOOK_ADMIN_ADDR", free(t))
		got := runWith(t, "", "serve")
		if got.code != exitFailed || !strings.Contains(got.stderr, "embedded.dir: "+s.dir+" is in use by another daybook") || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%d %s", got.code, got.stderr)
		}
	})
	t.Run("metrics of the dashboard and the alerts", func(t *testing.T) { s.checkDeployedMetrics(t) })

	began := time.Now()
	if code, log := s.stop(); code != exitOK || time.Since(began) > 10*time.Second {
		t.Errorf("stopped with %d after %v:\n%s", code, time.Since(began), log)
	}
	next(t, stream, `"reason":"shutdown"`)
	for range stream { // Closed by the node, after its goodbye.
	}
	if got := runWith(t, "", "health"); got.code != exitFailed {
		t.Errorf("health of a stopped node: %d", got.code)
	}

	again := s
	again.start(t)
	if status, _ := again.call(t, "GET", "/api/v1/events/stream", "dbk_x", ""); status != http.StatusUnauthorized {
		t.Errorf("after the restart a wrong key gets %d", status)
	}
	next(t, again.watch(t, key, "?since=now-1h"), accepted.EventIDs[0])
	again.find(t, key, "/api/v1/events/"+accepted.EventIDs[0], `"idp":"github"`)
}

// Whoever stops a node that is still starting gets no error for it.
func TestServe_StoppedWhileStarting(t *testing.T) {
	configure(t)
	t.Setenv("DAYBOOK_KAFKA_BROKERS", "127.0.0.1:1")
	ctx, stop := context.WithCancel(t.Context())
	var log syncBuffer
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"serve"}, strings.NewReader(""), io.Discard, &log) }()
	require.Eventually(t, func() bool { return strings.Contains(log.String(), "waiting for Kafka") }, time.Minute, 10*time.Millisecond)
	stop()
	select {
	case code := <-ended:
		require.Zero(t, code, log.String())
		require.NotContains(t, log.String(), "daybook:")
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}

func TestServe_Demo(t *testing.T) {
	s := configure(t)
	s.start(t, "--demo")
	keyLine := regexp.MustCompile(`DAYBOOK_API_KEY=(dbk_\S+)`)
	require.Eventually(t, func() bool { return keyLine.MatchString(s.stdout.String()) }, 10*time.Second, 10*time.Millisecond)
	key := keyLine.FindStringSubmatch(s.stdout.String())[1]
	require.Contains(t, s.stdout.String(), "  "+s.url+"/#key="+key+"\n")
	next(t, s.watch(t, key, ""), `"tenantId":"demo"`)
	if code, log := s.stop(); code != exitOK {
		t.Fatalf("stopped with %d:\n%s", code, log)
	}
	s.start(t, "--demo")
	if again := keyLine.FindStringSubmatch(s.stdout.String()); again == nil || again[1] != key {
		t.Errorf("a second start printed another key:\n%s", s.stdout)
	}
	if info, err := os.Stat(filepath.Join(s.dir, demoKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the demo's key: %v %v", info, err)
	}
}
