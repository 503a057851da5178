package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/ingest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/embedded"
	"daybook/pkg/event"
	"daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

const patience = time.Minute

// stack is a topic, a store, and the nodes of a test.
type stack struct {
	*testing.T
	Deps
	name string
	conn driver.Conn // of no database, since those come and go

	maxRows int // of a block; 0: the default
}

func onBoth(t *testing.T, test func(s *stack)) {
	t.Helper()
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		test(newStack(t, kafkatest.Start(t, kind), clickhousetest.Start(t), Place{}))
	})
}

// inFolder is a stack whose place the test reaches as files.
func inFolder(t *testing.T) *stack {
	t.Helper()
	folder := t.TempDir()
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Backups, c.Log = folder, nil })
	return newStack(t, kafkatest.StartEmbedded(t), clickhousetest.Config(t, server), Place{Folder: folder})
}

func newStack(t *testing.T, k kafka.Config, c clickhouse.Config, p Place) *stack {
	t.Helper()
	s := &stack{T: t, Deps: Deps{ClickHouse: c, Kafka: k, Place: p, Now: time.Now}, name: "b-" + strings.Trim(c.Database, "_")}
	if err := s.up(); err != nil {
		t.Fatal(err)
	}
	c.Database = "system"
	var err error
	if s.conn, err = clickhouse.Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.conn.Close() })
	t.Cleanup(func() { s.exec("DROP DATABASE IF EXISTS " + schema.RestoreMark(s.ClickHouse.Database)) })
	for _, table := range []string{schema.Events, schema.Events1m, schema.Events15m, schema.DeadLetters} {
		// A merge could hide what is there twice.
		s.exec("ALTER TABLE " + s.table(table) + " MODIFY SETTING max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1")
	}
	return s
}

func (s *stack) up() error { return schema.Up(s.Context(), s.ClickHouse) }

func (s *stack) table(name string) string { return s.ClickHouse.Database + "." + name }

func (s *stack) exec(statement string) {
	s.Helper()
	if err := s.conn.Exec(context.Background(), statement); err != nil {
		s.Fatalf("%s: %v", statement, err)
	}
}

func (s *stack) count(query string) uint64 {
	s.Helper()
	var n uint64
	if err := s.conn.QueryRow(context.Background(), query).Scan(&n); err != nil {
		s.Fatalf("%s: %v", query, err)
	}
	return n
}

func (s *stack) events() uint64 {
	s.Helper()
	return s.count("SELECT count() FROM " + s.table(schema.Events))
}
func (s *stack) letters() uint64 {
	s.Helper()
	return s.count("SELECT count() FROM " + s.table(schema.DeadLetters))
}

func (s *stack) until(what string, condition func() bool) {
	s.Helper()
	for end := time.Now().Add(patience); !condition(); <-time.After(50 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("waited %s in vain for %s", patience, what)
		}
	}
}

// node starts an ingest; the returned function stops it as SIGTERM would.
func (s *stack) node() (in *ingest.Ingest, stop func()) {
	s.Helper()
	conn, err := clickhouse.Open(s.Context(), s.ClickHouse)
	if err != nil {
		s.Fatal(err)
	}
	config := ingest.DefaultConfig()
	config.MaxAge, config.SessionTimeout = 200*time.Millisecond, 4*time.Second
	if s.maxRows > 0 {
		config.MaxRows = s.maxRows
	}
	in, err = ingest.New(config, ingest.Deps{
		Kafka: s.Kafka, Conn: conn, Decoder: s.decoder(), Registry: prometheus.NewRegistry(),
		Log: zaptest.NewLogger(s, zaptest.Level(zap.WarnLevel)),
	})
	if err != nil {
		s.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	var stopped atomic.Bool
	stop = func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil {
			s.Errorf("Run: %v", err)
		}
		_ = conn.Close()
	}
	s.Cleanup(stop)
	return in, stop
}

func (s *stack) decoder() *event.Decoder {
	s.Helper()
	d, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		s.Fatal(err)
	}
	return d
}

// sample makes messages with ids of their own, of three months.
func sample(prefix string, n int) []kafkago.Message {
	return sampleAt(prefix, n, func(i int) time.Time { return time.Now().Add(-time.Duration(i%3) * 31 * 24 * time.Hour) })
}

func sampleAt(prefix string, n int, when func(i int) time.Time) []kafkago.Message {
	out := make([]kafkago.Message, n)
	for i := range out {
		at := when(i).UTC().Format(time.RFC3339)
		out[i] = kafkago.Message{
			Key: fmt.Appendf(nil, "%d", i),
			Value: fmt.Appendf(nil, `{"eventId":"%s-%d","tenantId":"t%d","eventType":"payment.received","source":"billing","createdAt":%q,"payload":{"n":%d,"note":"Überweisung"}}`,
				prefix, i, i%3, at, i),
		}
	}
	return out
}

func broken(prefix string, n int) []kafkago.Message {
	out := make([]kafkago.Message, n)
	for i := range out {
		out[i].Value = fmt.Appendf(nil, `{"eventId":"%s-%d","broken":`, prefix, i)
	}
	return out
}

// load publishes events until it is stopped, every 30 ms some, into every
// partition but the last. There are no dead letters among them: they would show
// ingest how far the partition had been stored when the counts were taken. Their
// times go on by a bucket of the rollups each time: mending one bucket mends what
// it is ahead by as well.
func (s *stack) load() (stop func()) {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		writer, err := s.Kafka.Writer(s.Kafka.Topic)
		if err != nil {
			done <- err
			return
		}
		defer func() { _ = writer.Close() }()
		writer.Balancer = kafkago.BalancerFunc(func(m kafkago.Message, _ ...int) int { return len(m.Value) % (kafkatest.Partitions - 1) })
		from := time.Now().AddDate(0, 0, -60)
		for round := 0; ctx.Err() == nil; round++ {
			if err := writer.WriteMessages(context.WithoutCancel(ctx), sampleAt(fmt.Sprintf("load%d", round), 20, func(int) time.Time { return from.Add(time.Duration(round) * 15 * time.Minute) })...); err != nil {
				done <- err
				return
			}
			<-time.After(30 * time.Millisecond) // The pace of the load.
		}
		done <- nil
	}()
	var stopped atomic.Bool
	stop = func() {
		if stopped.Swap(true) {
			return
		}
		cancel()
		if err := <-done; err != nil {
			s.Errorf("load: %v", err)
		}
	}
	s.Cleanup(stop)
	return stop
}

// read passes what the topic holds.
func (s *stack) read(each func(event.Message)) {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	logs, err := logBounds(ctx, s.Kafka)
	if err != nil {
		s.Fatal(err)
	}
	for partition, log := range logs {
		reader, err := kafka.NewReader(s.Kafka, s.Kafka.Topic, partition, kafka.ReaderConfig{})
		if err != nil {
			s.Fatal(err)
		}
		reader.SeekTo(log.first)
		for next := log.first; next < log.end; {
			fetched, err := reader.Fetch(ctx)
			if err != nil {
				s.Fatal(err)
			}
			for _, m := range fetched.Messages {
				each(m)
			}
			next = fetched.Next
		}
		_ = reader.Close()
	}
}

// settled waits until the group has acknowledged the whole topic.
func (s *stack) settled() {
	s.Helper()
	s.until("the group to acknowledge everything", func() bool {
		logs, err := logBounds(context.Background(), s.Kafka)
		now, err2 := committed(context.Background(), s.Kafka)
		if errors.Join(err, err2) != nil {
			return false
		}
		for _, o := range now {
			if o.Offset != logs[o.Partition].end && logs[o.Partition].end > 0 || strings.Contains(o.Plan, "E=") {
				return false
			}
		}
		return true
	})
}

// oracle waits, and compares the store with what the topic holds: each event
// once, with its payload, each broken message once, and both rollups equal.
// also are events that the topic no longer has.
func (s *stack) oracle(also int) {
	s.Helper()
	s.settled()
	want, dead, decoder := map[string]string{}, 0, s.decoder()
	s.read(func(m event.Message) {
		var e event.Event
		if err := decoder.Decode(&m, &e); err != nil {
			dead++
			return
		}
		want[fmt.Sprintf("%s %d/%d", e.EventID, m.Partition, m.Offset)] = string(e.Payload)
	})
	rows, err := s.conn.Query(context.Background(), "SELECT event_id, kafka_partition, kafka_offset, payload FROM "+s.table(schema.Events))
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	unknown, n, faults := 0, 0, 0
	fault := func(format string, args ...any) {
		if faults++; faults <= 8 {
			s.Errorf(format, args...)
		}
	}
	seen := map[string]int{}
	for rows.Next() {
		var id, payload string
		var partition int32
		var offset int64
		if err := rows.Scan(&id, &partition, &offset, &payload); err != nil {
			s.Fatal(err)
		}
		n++
		key := fmt.Sprintf("%s %d/%d", id, partition, offset)
		seen[key]++
		switch expected, ok := want[key]; {
		case seen[key] > 1:
			fault("%s is there %d times", key, seen[key])
		case !ok:
			unknown++
		case expected != payload:
			fault("%s has the payload %s", key, payload)
		}
	}
	for key := range want {
		if seen[key] == 0 {
			fault("%s is lost", key)
		}
	}
	if unknown != also || rows.Err() != nil || faults > 0 {
		s.Errorf("%d events stored, %d of the topic, %d unknown (want %d); %d faults; %v", n, len(want), unknown, also, faults, rows.Err())
	}
	if got := s.letters(); also == 0 && got != uint64(dead) {
		s.Errorf("%d dead letters, want %d", got, dead)
	}
	for _, r := range schema.Rollups {
		key := "tenant_id, bucket, event_type, category, source, severity, kafka_partition"
		wrong := s.count(fmt.Sprintf(`SELECT count() FROM (SELECT %[1]s, sum(n) AS difference FROM
			(
				SELECT %[1]s, toInt64(1) AS n FROM (SELECT *, toStartOfInterval(created_at, INTERVAL %[2]d SECOND, 'UTC') AS bucket FROM %[3]s)
				UNION ALL SELECT %[1]s, -events AS n FROM %[4]s
			) GROUP BY %[1]s HAVING difference != 0)`, key, int(r.Bucket.Seconds()), s.table(schema.Events), s.table(r.Table)))
		if wrong > 0 {
			s.Errorf("%s: %d counts are not what the events say: it has %d events, the table %d", r.Table, wrong,
				s.count("SELECT toUInt64(sum(events)) FROM "+s.table(r.Table)), n)
		}
	}
	s.Logf("%d events, %d dead letters, each once", n, dead)
}
