package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const sample = `{"eventId":"evt_1","tenantId":"t","eventType":"payment.received","severity":"WARN","payload":{"amount":450.00},` +
	`"createdAt":"2026-04-17T14:32:01.000000Z","category":"billing","ingestedAt":"2026-04-17T14:32:01.500Z","shoe":"left"}`

func newClient(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	transport := &http.Transport{}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	c, err := New(server.URL+"/", "secret", WithTenant("t"), WithUserAgent("test"), WithHTTPClient(&http.Client{Transport: transport}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestNew_URL(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:8080", "ftp://host", "http://", "http://user:pw@host", "http://host?a=b", ":"} {
		if _, err := New(bad, "k"); err == nil {
			t.Errorf("%q is taken for a URL", bad)
		}
	}
	for _, good := range []string{"http://127.0.0.1:8080", "https://host/", "https://host/daybook"} {
		if _, err := New(good, "k"); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestSearch(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/events" || r.URL.Query().Get("attr.amount>100") != "" || !r.URL.Query().Has("attr.amount>100") {
			t.Errorf("called %s", r.URL)
		}
		for name, want := range map[string]string{"Authorization": "Bearer secret", "X-Tenant-Id": "t", "User-Agent": "test"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		_, _ = fmt.Fprintf(w, `{"events":[%s],"nextCursor":"abc","meta":{"elapsedMs":3}}`, sample)
	})
	page, err := c.Search(t.Context(), url.Values{"attr.amount>100": {""}})
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Events) != 1 || page.NextCursor != "abc" || page.Events[0].EventID != "evt_1" || string(page.Events[0].JSON) != sample {
		t.Errorf("got %+v", page)
	}
}

func TestEvent_IDIsEscaped(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.EscapedPath() != "/api/v1/events/a%2Fb%3Fc" {
			t.Errorf("called %s", r.URL.EscapedPath())
		}
		_, _ = w.Write([]byte(sample))
	})
	e, err := c.Event(t.Context(), "a/b?c", nil)
	if err != nil || e.EventType != "payment.received" {
		t.Errorf("got %+v, %v", e, err)
	}
}

func TestInclude(t *testing.T) {
	var asked []string
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		_, _ = w.Write([]byte(sample))
	})
	include := url.Values{"include": {"archive"}}
	_, err := c.Event(t.Context(), "a", include)
	require.NoError(t, err)
	_, err = c.Diff(t.Context(), "a", "b", include)
	require.NoError(t, err)
	require.Equal(t, []string{"/api/v1/events/a?include=archive", "/api/v1/events/a/diff?include=archive&with=b"}, asked)
	require.Equal(t, url.Values{"include": {"archive"}}, include, "what the caller gave is as it was")
}

func TestError(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
		status           int
		header           http.Header
		temporary        bool
	}{
		{
			name: "problem", status: 400, body: `{"type":"/problems/invalid-request","title":"x","status":400,"detail":"q: unclosed quote","requestId":"r1","errors":[{"field":"q","message":"unclosed quote","position":3}]}`,
			want: "q: unclosed quote (status 400, request r1)",
		},
		{name: "a proxy's page", status: 502, body: "<html>bad gateway</html>", want: "<html>bad gateway</html> (status 502)", temporary: true},
		{name: "nothing", status: 503, header: http.Header{"Retry-After": {"7"}}, want: "Service Unavailable (status 503)", temporary: true},
		{name: "too many", status: 429, body: `{"detail":"there are 5"}`, want: "there are 5 (status 429)", temporary: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				maps.Copy(w.Header(), c.header)
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			})
			_, err := client.Search(t.Context(), nil)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if e.Error() != c.want || e.Temporary() != c.temporary || e.Status != c.status {
				t.Errorf("got %q (temporary: %t), want %q", e, e.Temporary(), c.want)
			}
			if c.header != nil && e.RetryAfter != 7*time.Second {
				t.Errorf("retry after %s", e.RetryAfter)
			}
			if c.name == "problem" && (len(e.Errors) != 1 || *e.Errors[0].Position != 3) {
				t.Errorf("errors: %+v", e.Errors)
			}
		})
	}
}

// script serves one step per connection.
type script struct {
	mu    sync.Mutex // guards calls
	calls []string   // Last-Event-ID and query of each connection
	steps []func(http.ResponseWriter)
}

func (s *script) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	n := len(s.calls)
	s.calls = append(s.calls, r.Header.Get("Last-Event-ID")+"?"+r.URL.RawQuery)
	s.mu.Unlock()
	s.steps[min(n, len(s.steps)-1)](w)
}

func body(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = w.Write([]byte(text))
	}
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { w.WriteHeader(code) }
}

func message(id, name string) string {
	return "id: " + id + "\ndata: " + strings.Replace(sample, "evt_1", name, 1) + "\n\n"
}

// A stream that is cut goes on after the last whole frame, through errors that
// pass, and ends at one that does not.
func TestStream_Resumes(t *testing.T) {
	s := &script{steps: []func(http.ResponseWriter){
		body("retry: 1\n\nevent: hello\nid: h\ndata: {\"heartbeatMs\":60000}\n\n" + message("1", "a") + message("2", "b") + "id: 3\ndata: {\"cut"),
		status(503),
		body("event: gap\nid: 4\ndata: {\"missing\":3}\n\n" + message("5", "c") + "event: checkpoint\nid: 6\ndata: {}\n\n"),
		status(401),
	}}
	c := newClient(t, s.serve)
	var got []string
	reconnects := 0
	options := StreamOptions{Since: "now-1h", OnReconnect: func(error, time.Duration) { reconnects++ }}
	var last error
	for item, err := range c.Stream(t.Context(), url.Values{"severity": {"WARN+"}}, options) {
		if err != nil {
			last = err
			continue
		}
		name := item.Name + " " + item.ID
		if item.Event != nil {
			name += " " + item.Event.EventID
		}
		got = append(got, name)
	}
	if diff := cmp.Diff([]string{"hello h", "message 1 a", "message 2 b", "gap 4", "message 5 c", "checkpoint 6"}, got); diff != "" {
		t.Error(diff)
	}
	var answer *Error
	if !errors.As(last, &answer) || answer.Status != 401 {
		t.Errorf("ended with %v", last)
	}
	want := []string{"?severity=WARN%2B&since=now-1h", "2?severity=WARN%2B", "2?severity=WARN%2B", "6?severity=WARN%2B"}
	if diff := cmp.Diff(want, s.calls); diff != "" {
		t.Error(diff)
	}
	if reconnects != 3 {
		t.Errorf("%d reconnects were reported", reconnects)
	}
}

func TestStream_FirstConnectionFails(t *testing.T) {
	c, err := New("http://127.0.0.1:1", "k")
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range c.Stream(t.Context(), nil, StreamOptions{}) {
		if err == nil {
			t.Fatal("an item came out of nowhere")
		}
		return
	}
	t.Fatal("the stream ended without an error")
}

func TestStream_SilentConnectionIsLeft(t *testing.T) {
	release := make(chan struct{})
	s := &script{steps: []func(http.ResponseWriter){
		func(w http.ResponseWriter) {
			_, _ = w.Write([]byte("retry: 1\n\nevent: hello\nid: h\ndata: {\"heartbeatMs\":20}\n\n"))
			w.(http.Flusher).Flush()
			<-release
		},
		body(message("1", "a")),
	}}
	c := newClient(t, s.serve)
	defer close(release)
	var cause error
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for item, err := range c.Stream(ctx, nil, StreamOptions{OnReconnect: func(err error, _ time.Duration) { cause = err }}) {
		if err != nil {
			t.Fatal(err)
		}
		if item.Event != nil {
			break
		}
	}
	if !errors.Is(cause, errSilent) {
		t.Errorf("the first connection ended with %v", cause)
	}
}

func TestStream_UnreadableEventIsNotSkipped(t *testing.T) {
	s := &script{steps: []func(http.ResponseWriter){body("id: 1\ndata: {nonsense\n\n")}}
	c := newClient(t, s.serve)
	for _, err := range c.Stream(t.Context(), nil, StreamOptions{}) {
		if err == nil {
			t.Fatal("nonsense is an event")
		}
	}
	if len(s.calls) != 1 {
		t.Errorf("connected %d times", len(s.calls))
	}
}

func TestStream_EndsWithItsContext(t *testing.T) {
	s := &script{steps: []func(http.ResponseWriter){body("retry: 60000\n\n" + message("1", "a"))}}
	c := newClient(t, s.serve)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for item, err := range c.Stream(ctx, nil, StreamOptions{OnReconnect: func(error, time.Duration) { cancel() }}) {
		if err == nil && item.Event == nil {
			t.Errorf("got %+v", item)
		}
		last = err
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("ended with %v", last)
	}
}
