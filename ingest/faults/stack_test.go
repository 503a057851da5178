//go:build faultpoints

package faults

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/ingest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
	"daybook/schema/schematest"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Nearly all of a test's time is waiting: for sessions to expire, for servers
	// to come back.
	_ = flag.Set("test.parallel", "8") // The flag exists.
	goleak.VerifyTestMain(buildOnce(kafkatest.Main(clickhousetest.Main(m))))
	os.Exit(0)
}

// patience is how long a test waits for what must come. It outlasts every
// time-out that ingest knows, and only a failing test uses it up: FAULTS_PATIENCE
// shortens it for those who want to see a failure soon.
var patience = func() time.Duration {
	if d, err := time.ParseDuration(os.Getenv("FAULTS_PATIENCE")); err == nil {
		return d
	}
	return 90 * time.Second
}()

// stack is a real broker and a real database for one test.
type stack struct {
	*testing.T
	kind    kafkatest.Kind // where onBoth has started it
	kafka   daybookkafka.Config
	store   clickhouse.Config // as ingest reaches it
	conn    driver.Conn       // the test's own way to it
	config  ingest.Config
	decoder *event.Decoder
	topic   *ledger // what the topic has held
}

// onBoth runs a test on the embedded broker and on Apache Kafka, and on the
// ClickHouse that the tests share, with a database of its own.
func onBoth(t *testing.T, test func(s *stack)) {
	t.Helper()
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		t.Parallel()
		s := newStack(t, kafkatest.Start(t, kind), clickhousetest.Start(t))
		s.kind = kind
		test(s)
	})
}

// newStack returns a stack whose tables never merge, so that no fold can hide a
// row that is there twice.
func newStack(t *testing.T, k daybookkafka.Config, c clickhouse.Config) *stack {
	t.Helper()
	schematest.Up(t, c)
	s := &stack{T: t, kafka: k, store: c, config: ingest.DefaultConfig(), topic: &ledger{}}
	s.config.MaxAge = 300 * time.Millisecond
	s.config.SessionTimeout = 4 * time.Second
	var err error
	if s.conn, err = clickhouse.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close() })
	s.decoder = s.newDecoder()
	for _, table := range []string{schema.Events, schema.Events1m, schema.Events15m, schema.DeadLetters} {
		s.exec("ALTER TABLE " + table + " MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1")
	}
	return s
}

func (s *stack) newDecoder() *event.Decoder {
	s.Helper()
	c := event.DefaultConfig()
	c.MaxEventBytes = s.config.MaxEventBytes
	decoder, err := event.NewDecoder(c)
	if err != nil {
		s.Fatal(err)
	}
	return decoder
}

// node is an ingest in this process.
type node struct {
	*ingest.Ingest
	stack    *stack
	registry *prometheus.Registry
	conn     driver.Conn
	cancel   context.CancelFunc
	done     chan error
}

// start starts a node in this process. Nodes that have to die are processes of
// their own (process_test.go).
func (s *stack) start() *node {
	s.Helper()
	conn, err := clickhouse.Open(s.Context(), s.store)
	if err != nil {
		s.Fatal(err)
	}
	n := &node{stack: s, registry: prometheus.NewRegistry(), conn: conn, done: make(chan error, 1)}
	n.Ingest, err = ingest.New(s.config, ingest.Deps{
		Kafka: s.kafka, Conn: conn, Decoder: s.newDecoder(), Registry: n.registry,
		Log: zaptest.NewLogger(s, zaptest.Level(zap.WarnLevel)),
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel = cancel
	go func() { n.done <- n.Run(ctx) }()
	s.Cleanup(n.stop)
	return n
}

// stop ends the node as SIGTERM would, and may be called again.
func (n *node) stop() {
	n.cancel()
	select {
	case err, first := <-n.done:
		if !first {
			return
		}
		if err != nil {
			n.stack.Errorf("Run: %v", err)
		}
		close(n.done)
		_ = n.conn.Close()
	case <-time.After(patience):
		n.stack.Fatal("ingest does not stop")
	}
}

// metric returns the sum of a counter over its labels.
func (n *node) metric(name string) float64 {
	families, err := n.registry.Gather()
	if err != nil {
		n.stack.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

func (s *stack) exec(statement string, args ...any) {
	s.Helper()
	if err := s.conn.Exec(context.Background(), statement, args...); err != nil {
		s.Fatalf("%s: %v", statement, err)
	}
}

// count runs a query whose answer is one number, again while the server restarts.
func (s *stack) count(query string, args ...any) uint64 {
	s.Helper()
	var n uint64
	err := clickhouse.ReadRetry(context.Background(), func() error {
		return s.conn.QueryRow(context.Background(), query, args...).Scan(&n)
	})
	if err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	return n
}

const (
	countEvents = "SELECT count() FROM " + schema.Events
	countDead   = "SELECT count() FROM " + schema.DeadLetters
)

// until polls a condition, and fails the test with what it says when it never holds.
func (s *stack) until(what string, condition func() (ok bool, state string)) {
	s.Helper()
	s.poll(what, 50*time.Millisecond, condition)
}

// poll is until with pauses that grow, for what takes a while: to ask costs the
// time of the tests beside this one.
func (s *stack) poll(what string, longest time.Duration, condition func() (ok bool, state string)) {
	s.Helper()
	began := time.Now()
	pause := min(20*time.Millisecond, longest)
	for last, changed := "", began; ; <-time.After(pause) {
		pause = min(pause*3/2, longest)
		ok, state := condition()
		if ok {
			return
		}
		if state != last {
			last, changed = state, time.Now()
		}
		// A busy machine is slow, and not in vain.
		if time.Since(changed) > patience || time.Since(began) > 4*patience {
			s.Fatalf("waited %s in vain for %s: %s", time.Since(began).Round(time.Second), what, state)
		}
	}
}

// await polls until the query's number is at least n.
func (s *stack) await(n int, query string, args ...any) {
	s.Helper()
	s.poll(fmt.Sprintf("%s to be %d", query, n), time.Second/5, func() (bool, string) {
		got := s.count(query, args...)
		return got >= uint64(n), strconv.FormatUint(got, 10)
	})
}

// wait lets a time pass that the fault itself takes.
func (s *stack) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.Context().Done():
	}
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

// mixed is sample with every twentieth message broken.
func mixed(prefix string, n int) []kafka.Message {
	messages := sample(prefix, n)
	for i := 7; i < n; i += 20 {
		messages[i].Value = fmt.Appendf(nil, `{"eventId":"%s-%d","broken":`, prefix, i)
	}
	return messages
}

func (s *stack) publish(messages ...kafka.Message) {
	s.Helper()
	kafkatest.Produce(s, s.kafka, messages...)
}

func (s *stack) publishTo(partition int, messages ...kafka.Message) {
	s.Helper()
	kafkatest.ProduceTo(s, s.kafka, partition, messages...)
}
