//go:build faultpoints

package faults

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/ingest"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/generate"
	"daybook/pkg/kafka/kafkatest"
)

// maxResident is what a node with the role ingest may hold while ClickHouse is
// away and events are published as fast as the machine can.
const maxResident = 400_000_000

// TestFault20_MemoryWhileClickHouseIsDown runs a node with the default settings
// for 20 s without ClickHouse, or 10 minutes with FAULTS_LONG=1.
func TestFault20_MemoryWhileClickHouseIsDown(t *testing.T) {
	down := 20 * time.Second
	if long() {
		down = 10 * time.Minute
	}
	v := startServer(t)
	v.s = newStack(t, kafkatest.StartEmbedded(t), clickhousetest.Config(t, v.ClickHouse))
	s := v.s
	kafkatest.AddPartitions(s, s.kafka, 8)
	s.config = ingest.DefaultConfig()
	way := s.behindProxy()
	flood := s.flood()
	p := s.startProcess("")
	s.await(50_000, countEvents)
	working := p.watchMemory(5 * time.Second)
	way.Refuse()
	before := flood.published.Load()
	most := p.watchMemory(down)
	published := flood.published.Load() - before
	way.Heal()
	stored, began := s.count(countEvents), time.Now()
	catchingUp := p.watchMemory(15 * time.Second)
	rate := float64(s.count(countEvents)-stored) / time.Since(began).Seconds()
	flood.stop()
	s.Logf("resident: at work %d MB, ClickHouse away for %s and %d events published meanwhile (%.0f/s) %d MB, catching up at %.0f events/s %d MB",
		working/1e6, down, published, float64(published)/down.Seconds(), most/1e6, rate, catchingUp/1e6)
	if most := max(working, most, catchingUp); most >= maxResident {
		s.Errorf("the node held %d bytes, want less than %d", most, maxResident)
	}
	p.kill()
}

// watchMemory returns the most that the process has held resident over a time.
func (p *process) watchMemory(d time.Duration) (most int64) {
	p.stack.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); p.stack.wait(100 * time.Millisecond) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
		if err != nil {
			p.stack.Fatal(err)
		}
		_, rest, _ := strings.Cut(string(text), "VmRSS:")
		kib, err := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		if err != nil {
			p.stack.Fatal(err)
		}
		most = max(most, kib<<10)
	}
	return most
}

// flood publishes generated events as fast as the broker takes them.
type flood struct {
	s         *stack
	cancel    context.CancelFunc
	done      chan error
	published atomic.Int64
}

func (s *stack) flood() *flood {
	ctx, cancel := context.WithCancel(context.Background())
	f := &flood{s: s, cancel: cancel, done: make(chan error, 1)}
	go func() { f.done <- f.run(ctx) }()
	s.Cleanup(func() { cancel() })
	return f
}

func (f *flood) run(ctx context.Context) error {
	writer, err := f.s.kafka.Writer(f.s.kafka.Topic)
	if err != nil {
		return err
	}
	defer func() { _ = writer.Close() }()
	writer.BatchSize = 20_000
	g := generate.New(generate.Config{Seed: 1, Events: 1 << 30, Days: 1, End: time.Now()})
	for ctx.Err() == nil {
		batch := make([]kafka.Message, 40_000)
		for i := range batch {
			value, key, _, _ := g.Next(nil)
			batch[i] = kafka.Message{Key: key, Value: value}
		}
		if err := writer.WriteMessages(context.WithoutCancel(ctx), batch...); err != nil {
			return err
		}
		f.published.Add(int64(len(batch)))
	}
	return nil
}

func (f *flood) stop() {
	f.s.Helper()
	f.cancel()
	if err := <-f.done; err != nil {
		f.s.Errorf("flood: %v", err)
	}
}
