package stream

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"daybook/pkg/auth"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

// Clients of a node that stops leave over the time of the drain, not at once,
// and few of them sooner than many.
func TestStream_DrainIsSpread(t *testing.T) {
	for _, c := range []struct {
		clients int
		within  time.Duration
	}{{400, 4 * time.Second}, {5, 50 * time.Millisecond}} {
		synctest.Test(t, func(t *testing.T) {
			decoder, err := event.NewDecoder(event.DefaultConfig())
			if err != nil {
				t.Fatal(err)
			}
			h := New(DefaultConfig(), Deps{Source: newMemoryTopic(1, rand.New(rand.NewPCG(1, 1))), Decoder: decoder, ParseFilter: everything})
			ctx, cancel := context.WithCancel(t.Context())
			var running sync.WaitGroup
			running.Go(func() { _ = h.Run(ctx) })
			var mu sync.Mutex
			var left []time.Time
			for range c.clients {
				s := &socket{cancel: func() {}, budget: 1 << 20, header: http.Header{}}
				ctx := tenant.NewContext(auth.NewContext(t.Context(), auth.Principal{KeyID: "k"}), "a")
				r, err := http.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
				if err != nil {
					t.Fatal(err)
				}
				running.Go(func() {
					if err := h.Serve(s, r); err != nil {
						t.Error(err)
					}
					if text := string(s.bytes()); !strings.Contains(text, "event: bye") || !strings.Contains(text, `"shutdown"`) {
						t.Errorf("its last words: %s", text)
					}
					mu.Lock()
					defer mu.Unlock()
					left = append(left, time.Now())
				})
			}
			synctest.Wait()
			began := time.Now()
			if err := h.Drain(t.Context(), 5*time.Second); err != nil {
				t.Error(err)
			}
			if took := time.Since(began); took > c.within {
				t.Errorf("%d clients took %s", c.clients, took)
			}
			cancel()
			running.Wait()
			// Of equal parts of the time, none is empty and none has half of the clients.
			var parts [4]int
			for _, at := range left {
				parts[min(3, int(4*at.Sub(began)/c.within))]++
			}
			for _, n := range parts {
				if c.clients > 100 && (n == 0 || n > c.clients/2) {
					t.Errorf("they left like %v", parts)
				}
			}
		})
	}
}
