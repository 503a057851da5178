package stream

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"daybook/pkg/auth"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

// BenchmarkBroadcast delivers events of about 300 bytes to 1,000 clients over
// loopback TCP, server and clients in one process. bare writes the same bytes
// from a plain net/http loop that wakes all clients every 10 ms.
func BenchmarkBroadcast(b *testing.B) {
	for _, rate := range []int{500, 1500} {
		b.Run(fmt.Sprintf("hub/rate=%d", rate), func(b *testing.B) {
			h := New(DefaultConfig(), Deps{})
			f := newFeed(1, vector{0}, time.Now(), int(h.config.RingBytes), h.metrics)
			h.setFeed(f)
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				c := tenant.NewContext(auth.NewContext(r.Context(), auth.Principal{KeyID: "k"}), "a")
				if err := h.Serve(w, r.WithContext(c)); err != nil {
					b.Error(err)
				}
			})
			h.deps.ParseFilter = everything
			broadcast(b, handler, rate, func(events []record) {
				next := f.head().of(0)
				for i := range events {
					events[i].offset = next + int64(i)
				}
				f.append(batch{records: events, next: next + int64(len(events)), time: time.Now().UnixMilli()})
				f.publish()
			}, func() bool {
				h.clients.mu.Lock()
				defer h.clients.mu.Unlock()
				return h.clients.open == benchClients
			})
		})
		b.Run(fmt.Sprintf("bare/rate=%d", rate), func(b *testing.B) {
			var mu sync.Mutex
			block, more := []byte(nil), make(chan struct{})
			var open atomic.Int64
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rc := http.NewResponseController(w)
				mu.Lock()
				wait := more
				mu.Unlock()
				open.Add(1)
				for {
					select {
					case <-wait:
					case <-r.Context().Done():
						return
					}
					mu.Lock()
					bytes, next := block, more
					mu.Unlock()
					wait = next
					if _, err := w.Write(bytes); err != nil {
						return
					}
					if err := rc.Flush(); err != nil {
						return
					}
				}
			})
			broadcast(b, handler, rate, func(events []record) {
				var bytes []byte
				for _, e := range events {
					bytes = wireSSE.appendEvent(bytes, []byte("1.0.mo30bht4.3yc3"), e.json)
				}
				mu.Lock()
				block = bytes
				close(more)
				more = make(chan struct{})
				mu.Unlock()
			}, func() bool { return open.Load() == benchClients })
		})
	}
}

const benchClients = 1000

func broadcast(b *testing.B, handler http.Handler, rate int, send func([]record), ready func() bool) {
	b.Helper()
	server := httptest.NewServer(handler)
	var received atomic.Int64
	var clients sync.WaitGroup
	var connections []net.Conn
	for range benchClients {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		connections = append(connections, c)
		if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			b.Fatal(err)
		}
		clients.Go(func() {
			buffer := make([]byte, 64<<10)
			for {
				n, err := c.Read(buffer)
				received.Add(int64(n))
				if err != nil {
					return
				}
			}
		})
	}
	poll(b, "all clients are connected", ready)
	e := &event.Event{TenantID: "a", IngestedAt: time.Now()}
	json := make([]byte, 250)
	for i := range json {
		json[i] = 'x'
	}
	events := rate / 100
	b.ResetTimer()
	for range b.N {
		list := make([]record, events)
		for i := range list {
			list[i] = record{event: e, json: json}
		}
		want := received.Load() + int64(benchClients*events*len(json))
		send(list)
		pollEvery(b, 200*time.Microsecond, "all clients have their events", func() bool { return received.Load() >= want })
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N*benchClients*events)/b.Elapsed().Seconds(), "deliveries/s")
	b.ReportMetric(0, "ns/op")
	for _, c := range connections {
		_ = c.Close()
	}
	clients.Wait()
	server.Close()
}

func everything(context.Context, url.Values, time.Time) (Matcher, string, error) {
	return severityMatcher(""), "", nil
}
