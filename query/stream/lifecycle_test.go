package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"daybook/pkg/client"
	"daybook/pkg/kafka/kafkatest"
)

func heartbeat(d time.Duration) func(*stack) { return func(s *stack) { s.config.Heartbeat = d } }

func problem(t *testing.T, s *stack, status int, options ...option) (detail string, header http.Header) {
	t.Helper()
	response, err := s.request(t.Context(), "a", options...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != status {
		t.Errorf("answers %s, want %d: %s", response.Status, status, body)
	}
	return string(body), response.Header
}

func TestStream_BadRequests(t *testing.T) {
	s := newStack(t)
	for _, c := range []struct {
		name   string
		option option
		want   string
	}{
		{"malformed Last-Event-ID", header("Last-Event-ID", "12"), "Last-Event-ID"},
		{"malformed lastEventId", param("lastEventId", "12"), "lastEventId"},
		{"huge id", header("Last-Event-ID", "1.0.0."+strings.Repeat("0,", 20_000)+"0x"), "Last-Event-ID"},
		{"since", param("since", "yesterday"), "since"},
		{"negative tail", param("tail", "-1"), "tail"},
		{"too long a tail", param("tail", "1001"), "tail"},
		{"severity", param("severity", "LOUD"), "severity"},
		{"unknown parameter", param("sevrity", "WARN"), "sevrity"},
		{"broken query", func(r *http.Request) { r.URL.RawQuery = "q=%zz" }, "invalid URL escape"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if detail, _ := problem(t, s, http.StatusBadRequest, c.option); !strings.Contains(detail, c.want) {
				t.Errorf("%s does not name %s", detail, c.want)
			}
		})
	}
}

// Both of the server's deadlines pass several times while the stream is idle.
func TestStream_OutlivesServerTimeouts(t *testing.T) {
	s := newStack(t, heartbeat(time.Second))
	r := s.connect("a")
	r.frame("hello")
	scanner := newLineReader(r.response.Body)
	for range 3 {
		if line := scanner.next(t); !strings.HasPrefix(line, ": hb ") {
			t.Fatalf("got %q, want a heartbeat", line)
		}
	}
	s.publish(0, "a", "late")
	if line := scanner.next(t); !strings.HasPrefix(line, "id: ") {
		t.Fatalf("got %q, want an event", line)
	}
}

// lineReader returns lines that are not empty.
type lineReader struct{ lines chan string }

func newLineReader(r io.Reader) *lineReader {
	l := &lineReader{make(chan string, 1000)}
	go func() {
		defer close(l.lines)
		var rest []byte
		buffer := make([]byte, 4096)
		for {
			n, err := r.Read(buffer)
			rest = append(rest, buffer[:n]...)
			for {
				line, after, found := bytes.Cut(rest, []byte("\n"))
				if !found {
					break
				}
				if rest = after; len(line) > 0 {
					l.lines <- string(line)
				}
			}
			if err != nil {
				return
			}
		}
	}()
	return l
}

func (l *lineReader) next(t *testing.T) string {
	t.Helper()
	select {
	case line, ok := <-l.lines:
		if !ok {
			t.Fatal("the stream ended")
		}
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("nothing came")
	}
	return ""
}

// While nothing matches, the position moves on, so that a client which returns
// does not read again what it did not want.
func TestStream_Checkpoint(t *testing.T) {
	s := newStack(t, heartbeat(time.Second))
	r := s.connect("a", param("severity", "CRITICAL"))
	hello := r.frame("hello")
	s.publish(0, "a", "unwanted-1", "unwanted-2")
	s.publish(1, "b", "foreign-1")
	var checkpoint client.Frame
	poll(t, "a checkpoint has passed all three", func() bool {
		checkpoint = r.frame("checkpoint")
		return slices.Equal(mustParseCursor([]byte(checkpoint.ID)).next, vector{2, 1, 0})
	})
	if checkpoint.ID == hello.ID || !json.Valid(checkpoint.Data) {
		t.Errorf("checkpoint %+v", checkpoint)
	}
	r.close()
	again := s.connect("a", header("Last-Event-ID", checkpoint.ID))
	again.frame("hello")
	s.publish(0, "a", "wanted")
	if got := again.events(1); got[0] != "wanted" {
		t.Errorf("got %v", got)
	}
}

func TestStream_RevokedKey(t *testing.T) {
	s := newStack(t)
	r, other := s.connect("a"), s.connect("b")
	r.frame("hello")
	other.frame("hello")
	s.revoked.Store("key-a", true)
	began := time.Now()
	bye := r.frame("bye")
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("the stream ended after %s", took)
	}
	if !strings.Contains(string(bye.Data), `"revoked"`) {
		t.Errorf("bye: %s", bye.Data)
	}
	if _, err := r.sse.Next(); err != io.EOF { //nolint:errorlint // The reader returns it as it is.
		t.Errorf("the stream goes on: %v", err)
	}
	s.publish(0, "b", "still")
	if got := other.events(1); got[0] != "still" {
		t.Errorf("got %v", got)
	}
}

func TestStream_Age(t *testing.T) {
	s := newStack(t, heartbeat(time.Second), func(s *stack) { s.config.MaxAge = 2 * time.Second })
	r := s.connect("a")
	r.frame("hello")
	began := time.Now()
	if bye := r.frame("bye"); !strings.Contains(string(bye.Data), `"age"`) || bye.ID == "" {
		t.Errorf("bye: %+v", bye)
	}
	if took := time.Since(began); took < time.Second || took > 5*time.Second {
		t.Errorf("it ended after %s", took)
	}
}

func TestStream_ShutdownAndDrain(t *testing.T) {
	for _, drain := range []bool{false, true} {
		s := newStack(t)
		r := s.connect("a")
		r.frame("hello")
		s.publish(0, "a", "one")
		r.events(1)
		stopped := make(chan error, 1)
		go func() {
			var err error
			if drain {
				err = s.hub.Drain(context.Background(), 100*time.Millisecond)
				if s.hub.Ready() == nil {
					t.Error("a draining node says that it is ready")
				}
			}
			s.stop()
			stopped <- err
		}()
		bye := r.frame("bye")
		if !strings.Contains(string(bye.Data), `"shutdown"`) {
			t.Errorf("bye: %s", bye.Data)
		}
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		s.start()
		s.publish(1, "a", "two")
		again := s.connect("a", header("Last-Event-ID", bye.ID))
		if got := again.events(1); got[0] != "two" {
			t.Errorf("got %v", got)
		}
	}
}

func TestStream_Limits(t *testing.T) {
	s := newStack(t, func(s *stack) { s.config.MaxClients, s.config.MaxClientsPerTenant = 3, 2 })
	first := s.connect("a")
	first.frame("hello")
	s.connect("a").frame("hello")
	detail, head := problem(t, s, http.StatusTooManyRequests)
	if !strings.Contains(detail, "stream.max_clients_per_tenant") || head.Get("Retry-After") == "" {
		t.Errorf("%s, %v", detail, head)
	}
	s.connect("b").frame("hello")
	if detail, _ = problem(t, s, http.StatusTooManyRequests, header("X-Tenant-Id", "c")); !strings.Contains(detail, "stream.max_clients;") &&
		!strings.Contains(detail, `stream.max_clients"`) {
		t.Errorf("%s does not name stream.max_clients", detail)
	}
	// A browser's own EventSource would give up for ever on a 429.
	native := s.connect("c", header("Sec-Fetch-Mode", "cors"), func(r *http.Request) { r.Header.Del("Authorization") })
	native.frame("error")
	native.frame("bye")
	if native.sse.Retry < 10*time.Second {
		t.Errorf("retry after %s", native.sse.Retry)
	}
	first.close()
	poll(t, "the place is free again", func() bool {
		response, err := s.request(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	})
}

func TestStream_NDJSON(t *testing.T) {
	s := newStack(t)
	r := s.connect("a", header("Accept", "application/x-ndjson"))
	if got := r.response.Header.Get("Content-Type"); got != "application/x-ndjson" {
		t.Errorf("Content-Type: %s", got)
	}
	lines := newLineReader(r.response.Body)
	var hello struct {
		Stream string `json:"_stream"`
		ID     string
	}
	if err := json.Unmarshal([]byte(lines.next(t)), &hello); err != nil || hello.Stream != "hello" || hello.ID == "" {
		t.Errorf("%+v, %v", hello, err)
	}
	s.publish(0, "a", "one", "two")
	for _, want := range []string{"one", "two"} {
		if got := eventID(t, []byte(lines.next(t))); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	r.close()
	again := s.connect("a", header("Accept", "application/x-ndjson"), param("lastEventId", hello.ID))
	lines = newLineReader(again.response.Body)
	lines.next(t)
	if got := eventID(t, []byte(lines.next(t))); got != "one" {
		t.Errorf("got %s", got)
	}
}

func TestStream_SinceAndTail(t *testing.T) {
	for _, preload := range []time.Duration{0, 30 * time.Second} {
		t.Run(preload.String(), func(t *testing.T) {
			s := newStack(t, func(s *stack) { s.config.Preload = preload })
			s.stop()
			at := time.Now().Add(-10 * time.Second).Truncate(time.Millisecond)
			for i, name := range names("x", 0, 10) {
				kafkatest.ProduceTo(t, s.kafka, i%3,
					kafka.Message{Value: eventJSON("a", name), Time: at.Add(time.Duration(i) * time.Second)},
					kafka.Message{Value: eventJSON("b", "foreign-"+name), Time: at.Add(time.Duration(i) * time.Second)})
			}
			s.start()
			for _, c := range []struct {
				name   string
				option option
				want   []string
			}{
				{"since", param("since", at.Add(4*time.Second).UTC().Format(time.RFC3339Nano)), names("x", 4, 10)},
				{"since the future", param("since", at.Add(time.Hour).UTC().Format(time.RFC3339Nano)), nil},
				{"tail", param("tail", "3"), names("x", 7, 10)},
				{"a longer tail than there is", param("tail", "500"), names("x", 0, 10)},
				{"no tail", param("tail", "0"), nil},
			} {
				t.Run(c.name, func(t *testing.T) {
					r := s.connect("a", c.option)
					got := r.events(len(c.want))
					slices.Sort(got)
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Error(diff)
					}
				})
			}
		})
	}
}

// Messages that are no events are passed over, and do not come again.
func TestStream_Undecodable(t *testing.T) {
	s := newStack(t, heartbeat(time.Second))
	r := s.connect("a")
	hello := r.frame("hello")
	kafkatest.ProduceTo(t, s.kafka, 0, kafka.Message{Value: []byte("{broken")}, kafka.Message{Value: nil, Key: []byte("tombstone")},
		kafka.Message{Value: eventJSON("a", "good")}, kafka.Message{Value: []byte("[]")})
	if got := r.events(1); got[0] != "good" {
		t.Errorf("got %v", got)
	}
	kafkatest.ProduceTo(t, s.kafka, 0, kafka.Message{Value: []byte("7")})
	poll(t, "the position is behind the last of them", func() bool {
		return mustParseCursor([]byte(r.frame("checkpoint").ID)).next.of(0) == 5
	})
	again := s.connect("a", header("Last-Event-ID", hello.ID))
	if got := again.events(1); got[0] != "good" {
		t.Errorf("got %v", got)
	}
}

// One key can't take the room of its whole tenant.
func TestStream_LimitPerKey(t *testing.T) {
	s := newStack(t, func(s *stack) { s.config.MaxClientsPerKey = 1 })
	first := s.connect("a")
	first.frame("hello")
	if detail, head := problem(t, s, http.StatusTooManyRequests); !strings.Contains(detail, "stream.max_clients_per_key") || head.Get("Retry-After") == "" {
		t.Errorf("%s, %v", detail, head)
	}
	s.connect("a", header("Authorization", "Bearer another-key")).frame("hello")
	first.close()
	poll(t, "the key's place is free again", func() bool {
		response, err := s.request(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		return response.StatusCode == http.StatusOK
	})
}
