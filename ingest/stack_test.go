package ingest

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(clickhousetest.Main(m))
	os.Exit(0)
}

// patience is how long a test waits for what must come.
const patience = 30 * time.Second

// stack is a real broker and a real database for one test.
type stack struct {
	testing.TB
	kafka  daybookkafka.Config
	store  clickhouse.Config
	conn   driver.Conn
	config Config
}

func newStack(t testing.TB) *stack {
	t.Helper()
	return stackOn(t, kafkatest.StartEmbedded(t), clickhousetest.Start(t))
}

func stackOn(t testing.TB, k daybookkafka.Config, c clickhouse.Config) *stack {
	t.Helper()
	if err := schema.Up(t.Context(), c, 365); err != nil {
		t.Fatal(err)
	}
	s := &stack{TB: t, kafka: k, store: c, config: DefaultConfig()}
	s.config.MaxAge = 300 * time.Millisecond
	s.conn = s.open()
	return s
}

func (s *stack) open() driver.Conn {
	s.Helper()
	conn, err := clickhouse.Open(s.Context(), s.store)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = conn.Close() })
	return conn
}

// running is an Ingest at work.
type running struct {
	*Ingest
	stack  *stack
	cancel context.CancelFunc
	done   chan error
}

func (s *stack) start() *running {
	s.Helper()
	c := event.DefaultConfig()
	c.MaxEventBytes = s.config.MaxEventBytes
	decoder, err := event.NewDecoder(c)
	if err != nil {
		s.Fatal(err)
	}
	in, err := New(s.config, Deps{
		Kafka: s.kafka, Conn: s.open(), Decoder: decoder, Registry: prometheus.NewRegistry(),
		Log: zaptest.NewLogger(s, zaptest.Level(zap.WarnLevel)),
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Ingest: in, stack: s, cancel: cancel, done: make(chan error, 1)}
	go func() { r.done <- in.Run(ctx) }()
	s.Cleanup(r.stop)
	return r
}

// stop ends it as SIGTERM would, and may be called again.
func (r *running) stop() {
	r.cancel()
	select {
	case err, first := <-r.done:
		if first && err != nil {
			r.stack.Errorf("Run: %v", err)
		}
		if first {
			close(r.done)
		}
	case <-time.After(patience):
		r.stack.Fatal("ingest does not stop")
	}
}

// count runs a query whose answer is one number.
func (s *stack) count(query string, args ...any) uint64 {
	s.Helper()
	var n uint64
	if err := s.conn.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	return n
}

// await polls until the query's number is at least n.
func (s *stack) await(n uint64, query string, args ...any) {
	s.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		got := s.count(query, args...)
		if got >= n {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			s.Fatalf("%s: %d, want %d", query, got, n)
		}
	}
}

const countEvents = "SELECT count() FROM " + schema.Events

// awaitSettled polls until the group has acknowledged the whole topic.
func (s *stack) awaitSettled() {
	s.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		if at, end := s.progress(); at == end {
			tick.Stop()
			return
		} else if time.Now().After(deadline) {
			s.Fatalf("the group has acknowledged %s, the topic ends at %s", at, end)
		}
	}
}

// progress returns what the group has acknowledged and where the topic ends,
// as texts to compare: partition by partition, with the plan's state.
func (s *stack) progress() (acknowledged, end string) {
	s.Helper()
	client, release, err := s.kafka.Client()
	if err != nil {
		s.Fatal(err)
	}
	defer release()
	l := &ledger{client: client, group: s.kafka.Group, topic: s.kafka.Topic}
	partitions, err := daybookkafka.Partitions(s.Context(), s.kafka, s.kafka.Topic)
	if err != nil {
		s.Fatal(err)
	}
	var have, want strings.Builder
	for _, partition := range partitions {
		p, _, err := l.read(s.Context(), partition)
		if err != nil {
			s.Fatal(err)
		}
		fmt.Fprintf(&have, " %d:%d/%t", partition, p.offset, p.pending())
		fmt.Fprintf(&want, " %d:%d/false", partition, s.end(partition))
	}
	return have.String(), want.String()
}

func (s *stack) end(partition int32) int64 {
	s.Helper()
	reader, err := daybookkafka.NewReader(s.kafka, s.kafka.Topic, partition, daybookkafka.ReaderConfig{})
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	_, end, err := reader.Offsets(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	return end
}

// setPlan commits a plan from outside the group, as a former owner left it.
func (s *stack) setPlan(partition int32, p plan) {
	s.Helper()
	client, release, err := s.kafka.Client()
	if err != nil {
		s.Fatal(err)
	}
	defer release()
	l := &ledger{client: client, group: s.kafka.Group, topic: s.kafka.Topic, generation: -1}
	if err := l.commit(s.Context(), partition, p); err != nil {
		s.Fatal(err)
	}
}

// oracle checks what must hold after every fault once the group has settled:
// as many rows as events were published, each event and each offset once,
// without FINAL, and rollups that agree.
func (s *stack) oracle(events int) {
	s.Helper()
	for what, query := range map[string]string{
		"rows":             countEvents,
		"distinct ids":     "SELECT uniqExact(tenant_id, event_id) FROM " + schema.Events,
		"distinct offsets": "SELECT uniqExact(kafka_partition, kafka_offset) FROM " + schema.Events,
		"1m rollup":        "SELECT toUInt64(sum(events)) FROM " + schema.Events1m,
		"15m rollup":       "SELECT toUInt64(sum(events)) FROM " + schema.Events15m,
	} {
		if got := s.count(query); got != uint64(events) {
			s.Errorf("%s: %d, want %d", what, got, events)
		}
	}
}

// settlesAt waits until so many events are stored and everything is
// acknowledged, and then asks the oracle.
func (s *stack) settlesAt(events int) {
	s.Helper()
	s.await(uint64(events), countEvents)
	s.awaitSettled()
	s.oracle(events)
}

// sample makes n messages of events with ids of their own.
func sample(prefix string, n int) []kafka.Message {
	messages := make([]kafka.Message, n)
	for i := range messages {
		messages[i] = kafka.Message{
			Key: strconv.AppendInt(nil, int64(i), 10),
			Value: fmt.Appendf(nil, `{"eventId":"%s-%d","tenantId":"t%d","eventType":"payment.received","source":"billing",`+
				`"severity":"info","actorId":"a%d","payload":{"amount":%d,"note":"Überweisung %d"}}`, prefix, i, i%3, i%7, i, i),
		}
	}
	return messages
}

// readBlock forms the block [from, to] as an owner of the partition would.
func (s *stack) readBlock(partition int32, from, to int64) *block {
	s.Helper()
	reader, err := daybookkafka.NewReader(s.kafka, s.kafka.Topic, partition, daybookkafka.ReaderConfig{})
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = reader.Close() }()
	decoder, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		s.Fatal(err)
	}
	b := &block{topic: s.kafka.Topic, partition: partition, start: from}
	for reader.SeekTo(from); ; {
		fetched, err := reader.Fetch(s.Context())
		if err != nil {
			s.Fatal(err)
		}
		for i := range fetched.Messages {
			if fetched.Messages[i].Offset > to {
				return b
			}
			var e event.Event
			if err := decoder.Decode(&fetched.Messages[i], &e); err != nil {
				s.Fatal(err)
			}
			b.add(&fetched.Messages[i], &e)
		}
	}
}
