package ingest

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/generate"
	"daybook/pkg/kafka/kafkatest"
)

// BenchmarkIngest moves generated events from the embedded broker into
// ClickHouse, from joining the group until every event can be read. One
// operation is 200,000 events; `daybook bench ingest` compares with baselines.
func BenchmarkIngest(b *testing.B) {
	const events = 200_000
	s := newStack(b)
	s.config = DefaultConfig()
	g := generate.New(generate.Config{Seed: 1, Events: events * max(b.N, 1), Days: 90, End: time.Now()})
	group := s.kafka.Group
	stored := uint64(0)
	for round := 0; b.Loop(); round++ {
		b.StopTimer()
		messages := make([]kafka.Message, events)
		for i := range messages {
			value, key, _, ok := g.Next(nil)
			if !ok {
				g = generate.New(generate.Config{Seed: uint64(round + 2), Events: 1 << 30, Days: 90, End: time.Now()})
				value, key, _, _ = g.Next(nil)
			}
			messages[i] = kafka.Message{Key: key, Value: value}
		}
		kafkatest.Produce(b, s.kafka, messages...)
		stored += events
		b.StartTimer()
		s.kafka.Group = group
		r := s.start()
		s.await(stored, countEvents)
		b.StopTimer()
		s.awaitSettled()
		r.stop()
		b.StartTimer()
	}
	b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
