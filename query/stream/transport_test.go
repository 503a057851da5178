package stream

import (
	"context"
	"crypto/tls"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"

	"daybook/pkg/client"
)

// With HTTP/2, a deadline that passes on an idle stream would reset it.
func TestStream_HTTP2(t *testing.T) {
	s := newStack(t, heartbeat(2*time.Second), func(s *stack) { s.http2, s.config.WriteTimeout = true, time.Second })
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-Tenant-Id", "a")
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.ProtoMajor != 2 {
		t.Fatalf("the server speaks %s", response.Proto)
	}
	lines := newLineReader(response.Body)
	for seen := 0; seen < 3; {
		if strings.HasPrefix(lines.next(t), ": hb ") {
			seen++
		}
	}
	s.publish(0, "a", "late")
	if line := lines.next(t); !strings.HasPrefix(line, "id: ") {
		t.Errorf("got %q", line)
	}
}

// The memory of a feed that has ended is free, although its clients go on.
func TestStream_FreesTheRing(t *testing.T) {
	topic := newMemoryTopic(1, rand.New(rand.NewPCG(1, 1)))
	s := newStack(t, func(s *stack) {
		s.kafka.Brokers = []string{"none"} // The topic is in memory.
		s.deps = func(d *Deps) { d.Source = topic }
	})
	r := s.connect("a")
	r.frame("hello")
	ring := func() weak.Pointer[feed] {
		f, _ := s.hub.current()
		return weak.Make(f)
	}()
	topic.recreate()
	r.frame("resync")
	poll(t, "the ring is free", func() bool {
		runtime.GC()
		return ring.Value() == nil
	})
}

// The Go client follows the stream over restarts of the node.
func TestStream_ClientFollows(t *testing.T) {
	s := newStack(t, smallRing)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	transport := &http.Transport{DisableKeepAlives: true}
	c, err := client.New(s.url, "key-a", client.WithTenant("a"), client.WithHTTPClient(&http.Client{Transport: rewriter{s, transport}}))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	want := names("x", 0, 60)
	for item, err := range c.Stream(ctx, nil, client.StreamOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case item.Name == "hello" && len(got) == 0:
			s.publish(0, "a", want[:20]...)
		case item.Event != nil:
			got = append(got, item.Event.EventID)
			if len(got) == 20 || len(got) == 40 {
				s.mu.Lock()
				s.stop()
				s.publish(0, "a", want[len(got):len(got)+20]...)
				s.start()
				s.mu.Unlock()
			}
		}
		if len(got) == len(want) {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// rewriter sends requests to where the node is now.
type rewriter struct {
	stack *stack
	next  http.RoundTripper
}

func (r rewriter) RoundTrip(request *http.Request) (*http.Response, error) {
	r.stack.mu.Lock()
	address := r.stack.url
	r.stack.mu.Unlock()
	clone := request.Clone(request.Context())
	clone.URL.Host = strings.TrimPrefix(address, "http://")
	return r.next.RoundTrip(clone)
}
