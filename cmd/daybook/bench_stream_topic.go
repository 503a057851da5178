package main

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"daybook/pkg/event"
	"daybook/pkg/kafka"
	"daybook/query/stream"
)

// benchTopic is a topic in memory: where the benchmark is not about Kafka, the
// broker's work must not count as the server's.
type benchTopic struct {
	mu      sync.Mutex // guards what follows
	logs    [][]event.Message
	changed chan struct{}
	sent    int64 // events
}

func newBenchTopic() *benchTopic {
	return &benchTopic{logs: make([][]event.Message, benchPartitions), changed: make(chan struct{})}
}

// publish appends n events, each of the next tenant, and returns the number of
// the first.
func (t *benchTopic) publish(n, tenants int) int64 {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	first := t.sent
	for range n {
		p := int(t.sent % int64(len(t.logs)))
		t.logs[p] = append(t.logs[p], event.Message{
			Topic: "events", Position: event.Position{Partition: int32(p), Offset: int64(len(t.logs[p]))}, Time: now,
			Value: benchEvent(t.sent, int(t.sent)%tenants),
		})
		t.sent++
	}
	close(t.changed)
	t.changed = make(chan struct{})
	return first
}

var benchPad = strings.Repeat("x", eventBytes)

// benchEvent returns an event as a service publishes it.
func benchEvent(number int64, tenant int) []byte {
	// Plainly, since what a producer does is no part of the server.
	text := append(make([]byte, 0, eventBytes+64), benchEventMark...)
	text = append(strconv.AppendInt(text, number, 10), `","tenantId":"`...)
	text = append(text, benchTenantName(tenant)...)
	text = append(text, `","eventType":"payment.received","source":"billing","severity":"INFO","payload":{"x":"`...)
	text = append(text, benchPad[:max(0, eventBytes-len(text)-len(`"}}`))]...)
	return append(text, `"}}`...)
}

func (t *benchTopic) Partitions(context.Context) ([]int32, error) {
	list := make([]int32, len(t.logs))
	for i := range list {
		list[i] = int32(i)
	}
	return list, nil
}

func (t *benchTopic) Epoch(context.Context) (uint32, error) { return 1, nil }

func (t *benchTopic) Open(partition int32, _ int) (stream.Reader, error) {
	return &benchReader{topic: t, partition: partition}, nil
}

type benchReader struct {
	topic     *benchTopic
	partition int32
	next      int64
}

func (r *benchReader) SeekTo(offset int64) { r.next = offset }
func (r *benchReader) Close() error        { return nil }

func (r *benchReader) Fetch(ctx context.Context) (kafka.Fetch, error) {
	timer := time.NewTimer(250 * time.Millisecond)
	defer timer.Stop()
	for {
		r.topic.mu.Lock()
		log, changed := r.topic.logs[r.partition], r.topic.changed
		r.topic.mu.Unlock()
		end := int64(len(log))
		if r.next < end {
			f := kafka.Fetch{Messages: log[r.next:end:end], Next: end, HighWatermark: end}
			r.next = end
			return f, nil
		}
		select {
		case <-changed:
		case <-timer.C:
			return kafka.Fetch{Next: r.next, HighWatermark: end}, nil
		case <-ctx.Done():
			return kafka.Fetch{}, ctx.Err()
		}
	}
}

func (r *benchReader) Offsets(context.Context) (first, end int64, err error) {
	r.topic.mu.Lock()
	defer r.topic.mu.Unlock()
	return 0, int64(len(r.topic.logs[r.partition])), nil
}

func (r *benchReader) OffsetAt(_ context.Context, at time.Time) (int64, error) {
	r.topic.mu.Lock()
	defer r.topic.mu.Unlock()
	for i, m := range r.topic.logs[r.partition] {
		if !m.Time.Before(at) {
			return int64(i), nil
		}
	}
	return int64(len(r.topic.logs[r.partition])), nil
}
