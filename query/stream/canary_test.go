package stream

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/tenant"
)

// A canary comes back and is measured; no user's stream shows it, and no figure
// of users' streams counts it.
func TestStream_Canary(t *testing.T) {
	s := newStack(t, heartbeat(time.Second), func(s *stack) { s.config.Canary = 200 * time.Millisecond })
	r := s.connect("a")
	r.frame("hello")
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var failing error
	n := 0
	var running sync.WaitGroup
	running.Go(func() {
		err := s.hub.RunCanary(ctx, func(_ context.Context, id tenant.ID, raw []byte) error {
			mu.Lock()
			defer mu.Unlock()
			n++
			value := `{"tenantId":"` + string(id) + `",` + strings.TrimPrefix(string(raw), "{")
			if failing == nil {
				kafkatest.ProduceTo(t, s.kafka, n%kafkatest.Partitions, kafka.Message{Value: []byte(value)})
			}
			return failing
		})
		if err != nil {
			t.Errorf("the canary ended with %v", err)
		}
	})
	poll(t, "three canaries came back", func() bool { return metric(t, s.registry, "daybook_stream_canary_delay_seconds") >= 3 })
	if n := metric(t, s.registry, "daybook_stream_clients"); n != 1 {
		t.Errorf("%v open streams, want the user's own", n)
	}
	mu.Lock()
	failing = errors.New("no broker")
	mu.Unlock()
	poll(t, "a canary is missed", func() bool { return metric(t, s.registry, "daybook_stream_canary_missed_total") >= 1 })
	if seen := metric(t, s.registry, "daybook_stream_canary_last_seen_timestamp_seconds"); time.Since(time.Unix(int64(seen), 0)) > time.Minute {
		t.Errorf("the last was seen at %v", seen)
	}
	s.publish(0, "a", "one")
	if got := r.events(1); got[0] != "one" {
		t.Errorf("a user's stream brought %v", got)
	}
	r.close()
	poll(t, "the delivered events are counted", func() bool { return metric(t, s.registry, "daybook_stream_delivered_events_total") == 1 })
	cancel()
	running.Wait()
}
