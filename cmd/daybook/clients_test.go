package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"daybook/pkg/client"
	"daybook/pkg/event"
)

const clientEvent = `{"eventId":%q,"tenantId":"t","eventType":%q,"severity":"ERROR","actorType":"USER","actorId":"u1",` +
	`"payload":{"amount":1},"createdAt":"2026-04-17T14:32:01.000000Z","category":"billing","ingestedAt":"2026-04-17T14:32:01.500Z"}`

// runClient runs a client command against a server.
func runClient(t *testing.T, c *cobra.Command, handler http.HandlerFunc, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	var out, notes bytes.Buffer
	c.SetArgs(append([]string{"--url", server.URL, "--key", "k"}, args...))
	c.SetOut(&out)
	c.SetErr(&notes)
	c.SilenceErrors, c.SilenceUsage = true, true
	err = c.ExecuteContext(t.Context())
	return out.String(), notes.String(), err
}

func TestClientFlags_AreTheParameters(t *testing.T) {
	var got url.Values
	_, _, err := runClient(t, newSearchCommand(), func(w http.ResponseWriter, r *http.Request) {
		got = r.URL.Query()
		if r.Header.Get("X-Tenant-Id") != "acme" || r.Header.Get("Authorization") != "Bearer k" {
			t.Errorf("headers: %v", r.Header)
		}
		_, _ = w.Write([]byte(`{"events":[],"nextCursor":null,"meta":{}}`))
	}, "--tenant", "acme", "--q", "card -test", "--event-type", "login.*", "--event-type", "logout", "--severity", "WARN+",
		"--actor-id", "u1", "--actor-type", "USER", "--target-type", "INVOICE", "--target-id", "i1", "--source", "billing",
		"--correlation-id", "c1", "--category", "auth", "--from", "now-1d", "--to", "now", "--tz", "Europe/Prague",
		"--attr", "status=a=b", "--attr", "amount>100", "--attr", "total>=5", "--attr", "n=1..5", "--limit", "7", "--order", "asc", "--include", "archive")
	if err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"q": {"card -test"}, "eventType": {"login.*", "logout"}, "severity": {"WARN+"}, "actorId": {"u1"}, "actorType": {"USER"},
		"targetType": {"INVOICE"}, "targetId": {"i1"}, "source": {"billing"}, "correlationId": {"c1"}, "category": {"auth"},
		"from": {"now-1d"}, "to": {"now"}, "tz": {"Europe/Prague"}, "attr.status": {"a=b"}, "attr.amount>100": {""},
		"attr.total>": {"5"}, "attr.n": {"1..5"}, "limit": {"7"}, "order": {"asc"}, "include": {"archive"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClients_Usage(t *testing.T) {
	for _, c := range []struct {
		name    string
		command *cobra.Command
		args    []string
		want    string
	}{
		{"unknown output", newSearchCommand(), []string{"--output", "xml"}, "--output"},
		{"csv is not for tail", newTailCommand(), []string{"--output", "csv"}, "--output"},
		{"bad condition", newSearchCommand(), []string{"--attr", "amount"}, "PATH=VALUE"},
		{"negative limit", newSearchCommand(), []string{"--limit", "-1"}, "--limit"},
		{"two beginnings", newTailCommand(), []string{"--since", "now-1h", "--tail", "5"}, "give one"},
		{"bad URL", newSearchCommand(), []string{"--url", "localhost"}, "--url"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := runClient(t, c.command, func(http.ResponseWriter, *http.Request) { t.Error("the server was called") }, c.args...)
			var usage usageError
			if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want a usage error about %s", err, c.want)
			}
		})
	}
	t.Run("no key", func(t *testing.T) {
		t.Setenv("DAYBOOK_API_KEY", "")
		c := newTailCommand()
		c.SetArgs(nil)
		c.SilenceErrors, c.SilenceUsage = true, true
		var usage usageError
		if err := c.ExecuteContext(t.Context()); !errors.As(err, &usage) || !strings.Contains(err.Error(), "DAYBOOK_API_KEY") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a fault that the server finds", func(t *testing.T) {
		_, _, err := runClient(t, newTailCommand(), func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"detail":"severity: \"LOUD\" is no severity"}`))
		}, "--severity", "LOUD")
		var usage usageError
		if !errors.As(err, &usage) || err.Error() != `severity: "LOUD" is no severity` {
			t.Errorf("got %v", err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		_, _, err := runClient(t, newSearchCommand(), func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
		var usage usageError
		if err == nil || errors.As(err, &usage) {
			t.Errorf("got %v, want a failure that is no usage error", err)
		}
	})
}

// pages serves events e-0 to e-(n-1) in pages of what is asked for.
func pages(t *testing.T, n int) http.HandlerFunc {
	t.Helper()
	return func(w http.ResponseWriter, r *http.Request) {
		var from, limit int
		_, _ = fmt.Sscan(r.URL.Query().Get("cursor"), &from)
		if _, err := fmt.Sscan(r.URL.Query().Get("limit"), &limit); err != nil {
			t.Errorf("limit: %v", err)
		}
		var list []string
		for i := from; i < min(n, from+limit); i++ {
			list = append(list, fmt.Sprintf(clientEvent, fmt.Sprintf("e-%d", i), "payment.failed"))
		}
		cursor := "null"
		if from+limit < n {
			cursor = strconv.Quote(strconv.Itoa(from + limit))
		}
		_, _ = fmt.Fprintf(w, `{"events":[%s],"nextCursor":%s}`, strings.Join(list, ","), cursor)
	}
}

func TestSearch_Pages(t *testing.T) {
	for _, c := range []struct {
		limit string
		want  int
	}{{"1", 1}, {"1000", 1000}, {"1500", 1500}, {"0", 2500}, {"9999", 2500}} {
		stdout, _, err := runClient(t, newSearchCommand(), pages(t, 2500), "--limit", c.limit, "--output", "json")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(stdout, "\n"); got != c.want {
			t.Errorf("--limit %s shows %d events, want %d", c.limit, got, c.want)
		}
	}
}

func TestSearch_Formats(t *testing.T) {
	table, _, err := runClient(t, newSearchCommand(), pages(t, 2))
	if err != nil {
		t.Fatal(err)
	}
	want := "TIME                      SEVERITY  TYPE            SOURCE  ACTOR    TARGET  EVENT ID  PAYLOAD\n" +
		"2026-04-17T14:32:01.000Z  ERROR     payment.failed          USER:u1          e-0       {\"amount\":1}\n" +
		"2026-04-17T14:32:01.000Z  ERROR     payment.failed          USER:u1          e-1       {\"amount\":1}\n"
	if diff := cmp.Diff(want, table); diff != "" {
		t.Error(diff)
	}
	text, _, err := runClient(t, newSearchCommand(), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprintf(w, `{"events":[`+clientEvent+`],"nextCursor":null}`, `=HYPERLINK("http://x")`, "+1,\r\n@x")
	}, "--output", "csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 2 || len(rows[0]) != len(rows[1]) {
		t.Fatalf("%v: %q", err, text)
	}
	if rows[1][0] != `'=HYPERLINK("http://x")` || !strings.HasPrefix(rows[1][2], "'+1,") {
		t.Errorf("a spreadsheet would run %q or %q", rows[1][0], rows[1][2])
	}
}

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"plain … ž": "plain … ž", "\x1b[2Jgone": `\u001b[2Jgone`, "a\nb\tc": `a\u000ab\u0009c`,
		"evil\u202etxt.exe": `evil\u202etxt.exe`, "\u009b31m": `\u009b31m`, "\U000e0041": `\U000e0041`,
	} {
		if got := visible(in); got != want {
			t.Errorf("%q is shown as %q, want %q", in, got, want)
		}
	}
}

func TestScreen_Line(t *testing.T) {
	e := &client.Event{Event: event.Event{EventType: "deploy.failed", Severity: event.Error, Payload: []byte(`{"long":"` + strings.Repeat("x", 100) + `"}`)}}
	var out bytes.Buffer
	s := screen{out: &out, color: true, width: 60}
	if err := s.line(columnsOf(e), [columnCount]int{}, e.Severity); err != nil {
		t.Fatal(err)
	}
	if want := "\x1b[38;5;208mERROR\x1b[0m  \x1b[38;5;208mdeploy.failed\x1b[0m"; !strings.Contains(out.String(), want) {
		t.Errorf("%q does not have %q", out.String(), want)
	}
	plain := strings.NewReplacer("\x1b[38;5;208m", "", "\x1b[0m", "").Replace(strings.TrimSuffix(out.String(), "\n"))
	if n := len([]rune(plain)); n != 60 || !strings.HasSuffix(plain, "…") {
		t.Errorf("%d columns instead of 60: %q", n, plain)
	}
}

func TestTail(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	var ids []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ids = append(ids, r.Header.Get("Last-Event-ID"))
		w.Header().Set("Content-Type", "text/event-stream")
		n := len(ids)
		_, _ = fmt.Fprintf(w, "retry: 1\n\nevent: hello\nid: h%d\ndata: {}\n\nid: %d\ndata: "+clientEvent+"\n\n", n, n, fmt.Sprintf("e-%d", n), "a.b")
		switch n {
		case 1:
			_, _ = w.Write([]byte("event: gap\nid: g\ndata: {\"missing\":4,\"reason\":\"retention\"}\n\n"))
		case 2:
			_, _ = w.Write([]byte("event: bye\nid: b\ndata: {\"reason\":\"age\"}\n\n"))
		default:
			w.(http.Flusher).Flush()
			interrupt()
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	var out, notes bytes.Buffer
	c := newTailCommand()
	c.SetArgs([]string{"--url", server.URL, "--key", "k", "--output", "json"})
	c.SetOut(&out)
	c.SetErr(&notes)
	if err := c.ExecuteContext(ctx); err != nil {
		t.Errorf("interrupted, it ends with %v", err)
	}
	// The third event may or may not have come before the interrupt.
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) < 2 || !strings.Contains(lines[0], "e-1") || !strings.Contains(lines[1], "e-2") {
		t.Errorf("printed %q", out.String())
	}
	if want := []string{"", "g", "b"}; !slices.Equal(ids, want) {
		t.Errorf("went on after %q, want %q", ids, want)
	}
	if got := strings.Count(notes.String(), "disconnected"); got != 1 || !strings.Contains(notes.String(), "4 records") {
		t.Errorf("told: %s", notes.String())
	}
}
