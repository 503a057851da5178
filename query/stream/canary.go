package stream

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

// The canary is an event of Daybook's own that each node publishes every few
// seconds and waits for on its own stream: what a user of the stream would feel
// is measured also while nobody uses it. It belongs to a tenant that no key is
// made for, and ingest doesn't store it.

// Publish puts an event, the JSON of spec/event-log.txt without tenantId,
// into the tenant's log. It returns once all in-sync replicas have it.
type Publish func(ctx context.Context, id tenant.ID, event []byte) error

// RunCanary publishes a canary at each interval and measures how long it takes
// to come back, until ctx ends. Whatever fails is counted as a canary that did
// not come.
func (h *Hub) RunCanary(ctx context.Context, publish Publish) error {
	watch := &canaryWatch{seen: make(chan string, 16)}
	var watching sync.WaitGroup
	watching.Go(func() { h.watchCanaries(ctx, watch) })
	defer watching.Wait()
	h.metrics.canarySeen.SetToCurrentTime() // As long as none was due, none is missing.
	ticker := time.NewTicker(h.config.Canary)
	defer ticker.Stop()
	prefix := "canary-" + uuid.NewString() + "-" // Other nodes have canaries too.
	for n := uint64(0); ; n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		id := prefix + strconv.FormatUint(n, 10)
		began := time.Now()
		err := h.sendCanary(ctx, publish, watch.seen, id, n)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			h.metrics.canaryMissed.Inc()
			h.log.Warn("a canary did not come", zap.String("event", id), zap.Error(err))
		default:
			h.metrics.canaryDelay.Observe(time.Since(began).Seconds())
			h.metrics.canarySeen.SetToCurrentTime()
		}
	}
}

// sendCanary publishes one canary and returns when it was seen.
func (h *Hub) sendCanary(ctx context.Context, publish Publish, seen <-chan string, id string, n uint64) error {
	ctx, cancel := context.WithTimeout(ctx, h.config.Canary)
	defer cancel()
	// The actor decides the partition: each has its turn.
	err := publish(ctx, tenant.Own, fmt.Appendf(nil, `{"eventId":%q,"eventType":%q,"source":"daybook","actorId":"%d","payload":{}}`, id, event.CanaryType, n))
	if err != nil {
		return err
	}
	for {
		select {
		case got := <-seen:
			if got == id {
				return nil
			}
		case <-ctx.Done():
			return fmt.Errorf("wait for it on the stream: %w", ctx.Err())
		}
	}
}

// watchCanaries follows the canaries' tenant as any client would, but for the
// network, the limits and the metrics of clients.
func (h *Hub) watchCanaries(ctx context.Context, watch *canaryWatch) {
	for ctx.Err() == nil {
		f, err := h.await(ctx)
		if err != nil {
			select { // A node that is starting, or draining, has nothing to show.
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
			continue
		}
		s := &session{
			hub: h, out: watch, wire: wireNDJSON, own: true,
			tenant: tenant.Own, key: groupKey{tenant: tenant.Own, canonical: event.CanaryType, wire: wireNDJSON}, matcher: isCanary{}, at: f.last().id,
		}
		end := s.begin(ctx)
		_ = s.run(ctx) // It ends by age, or with the hub.
		end()
	}
}

// isCanary accepts canaries.
type isCanary struct{}

func (isCanary) Match(e *event.Event) bool { return e.EventType == event.CanaryType }

// canaryWatch is the output that the canaries' stream is written to.
type canaryWatch struct{ seen chan string }

func (w *canaryWatch) Flush() error                     { return nil }
func (w *canaryWatch) SetWriteDeadline(time.Time) error { return nil }

func (w *canaryWatch) writeBlocks(blocks []*block) error {
	for _, b := range blocks {
		_, _ = w.Write(b.bytes) // It never fails.
	}
	return nil
}

// Write takes the ids out of lines of events.
func (w *canaryWatch) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		rest, ok := bytes.CutPrefix(line, []byte(`{"eventId":"`))
		if !ok {
			continue
		}
		id, _, _ := bytes.Cut(rest, []byte{'"'})
		select {
		case w.seen <- string(id):
		default: // Nobody waits for it.
		}
	}
	return len(p), nil
}
