package stream

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/client"
	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/retention"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/search"
	"daybook/query/statement"
)

// storedLog plays ingest: it takes a topic into the real table, up to where a
// test wants it to be.
type storedLog struct {
	t    *testing.T
	conn driver.Conn

	mu   sync.Mutex // guards next
	next []int64
}

func (l *storedLog) Stored(context.Context) (search.Log, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return search.Log{Topic: querytest.Topic, Next: slices.Clone(l.next)}, nil
}

// ingest stores a partition up to an offset.
func (l *storedLog) ingest(config daybookkafka.Config, partition int32, to int64) {
	l.t.Helper()
	decoder, err := event.NewDecoder(event.DefaultConfig())
	require.NoError(l.t, err)
	reader, err := daybookkafka.NewReader(config, config.Topic, partition, daybookkafka.ReaderConfig{})
	require.NoError(l.t, err)
	defer func() { require.NoError(l.t, reader.Close()) }()
	l.mu.Lock()
	defer l.mu.Unlock()
	reader.SeekTo(l.next[partition])
	for l.next[partition] < to {
		fetch, err := reader.Fetch(l.t.Context())
		require.NoError(l.t, err)
		var rows []querytest.Row
		for i := range fetch.Messages {
			var e event.Event
			if m := &fetch.Messages[i]; m.Offset < to && decoder.Decode(m, &e) == nil {
				rows = append(rows, querytest.Row{Event: e, Position: m.Position})
			}
		}
		querytest.Insert(l.t, l.conn, rows)
		l.next[partition] = min(to, fetch.Next)
	}
}

// withStore gives a stack a table of events that a storedLog fills.
func withStore(t *testing.T, change ...func(*Hub)) (*storedLog, func(*stack)) {
	t.Helper()
	log := &storedLog{t: t, conn: querytest.Open(t), next: make([]int64, kafkatest.Partitions)}
	return log, func(s *stack) {
		s.config.Preload = 0
		s.deps = func(d *Deps) {
			d.Store = Table(statement.NewReader(log.conn, statement.DefaultConfig()), log, querytest.Topic, retention.Days(365), time.Now)
		}
		s.tune = func(h *Hub) {
			for _, f := range change {
				f(h)
			}
		}
	}
}

// published is what a test has published to one partition for a tenant.
func published(names []string, partition int) []string {
	var list []string
	for i, name := range names {
		if i%kafkatest.Partitions == partition {
			list = append(list, name)
		}
	}
	return list
}

// publishAll spreads events over the partitions, another tenant's among them.
func (s *stack) publishAll(list []string) {
	s.t.Helper()
	for p := range kafkatest.Partitions {
		var messages []kafka.Message
		for _, name := range published(list, p) {
			messages = append(messages, kafka.Message{Value: eventJSON("a", name)}, kafka.Message{Value: eventJSON("b", "other-"+name)})
		}
		kafkatest.ProduceTo(s.t, s.kafka, p, messages...)
	}
}

// checkAll checks that the names came, each once and in order within their
// partition.
func checkAll(t *testing.T, want, got []string) {
	t.Helper()
	for p := range kafkatest.Partitions {
		mine := published(want, p)
		in := map[string]bool{}
		for _, name := range mine {
			in[name] = true
		}
		came := slices.DeleteFunc(slices.Clone(got), func(name string) bool { return !in[name] })
		if diff := cmp.Diff(mine, came); diff != "" {
			t.Errorf("partition %d (-want +got):\n%s", p, diff)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events came, want %d", len(got), len(want))
	}
}

// What Kafka no longer has comes from ClickHouse, then Kafka and the ring go on,
// and nobody can tell from the bytes.
func TestStream_FromClickHouse(t *testing.T) {
	log, use := withStore(t, func(h *Hub) { h.storeWindow = 10 })
	s := newStack(t, use)
	all := names("x", 0, 300)
	r := s.connect("a")
	hello := r.frame("hello")
	s.publishAll(all)
	live := map[string]string{}
	for range all {
		f := r.next()
		live[eventID(t, f.Data)] = string(f.Data)
	}
	r.close()
	for p := range int32(kafkatest.Partitions) {
		log.ingest(s.kafka, p, 120+int64(p)*20)
	}
	s.stop()
	for p := range kafkatest.Partitions {
		kafkatest.DeleteRecords(t, s.kafka, p, 100+int64(p)*7)
	}
	s.start()
	again := s.connect("a", header("Last-Event-ID", hello.ID))
	again.frame("hello")
	if lag := again.frame("lag"); !json.Valid(lag.Data) {
		t.Errorf("lag %s", lag.Data)
	}
	var got []string
	for len(got) < len(all) {
		f := again.next()
		switch f.Name {
		case "message":
			id := eventID(t, f.Data)
			got = append(got, id)
			if live[id] != string(f.Data) {
				t.Fatalf("live it was\n%s\nand from the store\n%s", live[id], f.Data)
			}
		case "lag", "checkpoint":
		default:
			t.Fatalf("after %d events came %s: %s", len(got), f.Name, f.Data)
		}
	}
	checkAll(t, all, got)
	s.publish(1, "a", "live-again")
	if got := again.events(1); got[0] != "live-again" {
		t.Errorf("got %v", got)
	}
	if n := metric(t, s.registry, "daybook_stream_handover_overlap_events_total"); n != 0 {
		t.Errorf("%v events came from two sources", n)
	}
}

// A client far behind whose tenant has little of the topic reads by tenant; one
// whose tenant has most of it reads Kafka. Both get everything.
func TestStream_FarBehind(t *testing.T) {
	log, use := withStore(t, func(h *Hub) { h.storeBehind = 100 })
	s := newStack(t, use, smallRing)
	first := s.connect("a")
	hello := first.frame("hello")
	first.close()
	small, large := names("s", 0, 30), names("l", 0, 3000)
	for p := range kafkatest.Partitions {
		s.publish(p, "a", published(small, p)...)
		s.publish(p, "b", published(large, p)...)
	}
	f, _ := s.hub.current()
	poll(t, "the tail has read it all", func() bool { return f.last().next.behind(vector{1010, 1010, 1010}) == 0 })
	for p := range int32(kafkatest.Partitions) {
		log.ingest(s.kafka, p, 1000)
	}
	for _, c := range []struct {
		tenant string
		want   []string
		source string
	}{{"a", small, modeStore}, {"b", large, modeKafka}} {
		r := s.connect(c.tenant, header("Last-Event-ID", hello.ID))
		checkAll(t, c.want, r.events(len(c.want)))
		if n := metricOf(t, s.registry, "daybook_stream_catchup_started_total", c.source); n == 0 {
			t.Errorf("%s did not read from the %s", c.tenant, c.source)
		}
		r.close()
	}
	if n := metricOf(t, s.registry, "daybook_stream_catchup_events_total", modeStore); n != float64(len(small)) {
		t.Errorf("%v events came from the store, want those of a", n)
	}
}

// What ingest had not stored when Kafka lost it is a gap, once it is clear that
// ingest does not come.
func TestStream_LostBeforeIngest(t *testing.T) {
	log, use := withStore(t, func(h *Hub) { h.storePatience = 100 * time.Millisecond })
	s := newStack(t, use)
	r := s.connect("a")
	hello := r.frame("hello")
	s.publish(0, "a", names("x", 0, 20)...)
	r.events(20)
	r.close()
	log.ingest(s.kafka, 0, 8)
	s.stop()
	kafkatest.DeleteRecords(t, s.kafka, 0, 12)
	s.start()
	again := s.connect("a", header("Last-Event-ID", hello.ID))
	if diff := cmp.Diff(names("x", 0, 8), again.events(8)); diff != "" {
		t.Error(diff)
	}
	gap := again.frame("gap")
	if !strings.Contains(string(gap.Data), `"missing":4,`) || !strings.Contains(string(gap.Data), `[{"partition":0,"from":8,"to":12}]`) {
		t.Errorf("gap %s", gap.Data)
	}
	if diff := cmp.Diff(names("x", 12, 20), again.events(8)); diff != "" {
		t.Error(diff)
	}
}

// What ingest has reported as lost is told to the stream as well, though ingest
// has gone on behind it.
func TestStream_LostByIngest(t *testing.T) {
	log, use := withStore(t)
	s := newStack(t, use)
	r := s.connect("a")
	hello := r.frame("hello")
	s.publish(0, "a", names("x", 0, 20)...)
	r.events(20)
	r.close()
	log.ingest(s.kafka, 0, 5)
	log.next[0] = 9
	log.ingest(s.kafka, 0, 20)
	require.NoError(t, log.conn.Exec(t.Context(), `INSERT INTO gaps (topic, partition, from_offset, to_offset, messages, reason, noticed_at)
		VALUES (?, 0, 5, 9, 4, 'retention', now64(3)), (?, 0, 20, 20, 0, 'topic_recreated', now64(3))`, querytest.Topic, querytest.Topic))
	s.stop()
	kafkatest.DeleteRecords(t, s.kafka, 0, 18)
	s.start()
	again := s.connect("a", header("Last-Event-ID", hello.ID))
	if diff := cmp.Diff(names("x", 0, 5), again.events(5)); diff != "" {
		t.Error(diff)
	}
	if gap := again.frame("gap"); !strings.Contains(string(gap.Data), `[{"partition":0,"from":5,"to":9}]`) {
		t.Errorf("gap %s", gap.Data)
	}
	if diff := cmp.Diff(names("x", 9, 20), again.events(11)); diff != "" {
		t.Error(diff)
	}
}

// A client that was away for longer than the retention is told how much may be
// missing.
func TestStream_PurgedByClickHouse(t *testing.T) {
	log, use := withStore(t)
	s := newStack(t, use)
	r := s.connect("a")
	c := mustParseCursor([]byte(r.frame("hello").ID))
	s.publish(0, "a", names("x", 0, 20)...)
	r.events(20)
	r.close()
	log.next[0] = 7 // The first seven are no longer in the table.
	log.ingest(s.kafka, 0, 20)
	s.stop()
	kafkatest.DeleteRecords(t, s.kafka, 0, 15)
	s.start()
	c.time = time.Now().AddDate(-2, 0, 0).UnixMilli()
	again := s.connect("a", header("Last-Event-ID", c.String()))
	if gap := again.frame("gap"); !strings.Contains(string(gap.Data), `"missingAtMost":7,`) {
		t.Errorf("gap %s", gap.Data)
	}
	if diff := cmp.Diff(names("x", 7, 20), again.events(13)); diff != "" {
		t.Error(diff)
	}
}

// since= reaches back as far as the table does.
func TestStream_SinceBeforeKafka(t *testing.T) {
	log, use := withStore(t)
	s := newStack(t, use)
	at := time.Now().Add(-time.Hour).Truncate(time.Second)
	all := names("x", 0, 30)
	for p := range kafkatest.Partitions {
		var messages []kafka.Message
		for i, name := range all {
			if i%kafkatest.Partitions == p {
				messages = append(messages, kafka.Message{Value: eventJSON("a", name), Time: at.Add(time.Duration(i) * time.Second)})
			}
		}
		kafkatest.ProduceTo(t, s.kafka, p, messages...)
		log.ingest(s.kafka, int32(p), 10)
		kafkatest.DeleteRecords(t, s.kafka, p, 8)
	}
	r := s.connect("a", param("since", at.Add(6*time.Second).UTC().Format(time.RFC3339)))
	r.frame("hello")
	checkAll(t, all[6:], r.events(24))
}

// While ClickHouse is away a client that needs it is kept company, and goes on
// when it is back.
func TestStream_ClickHouseAway(t *testing.T) {
	log, use := withStore(t)
	away := &awayStore{}
	s := newStack(t, use, heartbeat(time.Second), func(s *stack) {
		inner := s.deps
		s.deps = func(d *Deps) {
			inner(d)
			away.Store = d.Store
			d.Store = away
		}
	})
	r := s.connect("a")
	hello := r.frame("hello")
	s.publish(0, "a", names("x", 0, 20)...)
	r.events(20)
	r.close()
	log.ingest(s.kafka, 0, 20)
	s.stop()
	kafkatest.DeleteRecords(t, s.kafka, 0, 12)
	s.start()
	away.set(true)
	again := s.connect("a", header("Last-Event-ID", hello.ID))
	again.frame("hello")
	again.frame("lag")
	again.frame("lag")
	away.set(false)
	if diff := cmp.Diff(names("x", 0, 20), again.events(20)); diff != "" {
		t.Error(diff)
	}
}

// awayStore is a Store that a test takes away.
type awayStore struct {
	Store
	mu   sync.Mutex // guards away
	away bool
}

func (a *awayStore) set(away bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away = away
}

func (a *awayStore) Read(ctx context.Context, s Span, restart func(), row func(int32, int64, *event.Event) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.away {
		return errBroken
	}
	return a.Store.Read(ctx, s, restart, row)
}

// A cut at any byte loses and repeats nothing, wherever what follows comes from.
func TestStream_CutAtEveryByte(t *testing.T) {
	const count = 200
	log, use := withStore(t, func(h *Hub) { h.storeWindow = 60 })
	for _, c := range []struct {
		path    string
		stored  int64 // of each partition
		deleted int64 // of each partition of Kafka
		preload time.Duration
		small   bool // the ring
	}{
		{path: "ring", preload: time.Hour},
		{path: "kafka", small: true},
		{path: "store", stored: 134, deleted: 132},
		{path: "store, kafka, ring", stored: 70, deleted: 50, preload: time.Hour},
	} {
		t.Run(c.path, func(t *testing.T) {
			require.NoError(t, log.conn.Exec(t.Context(), "TRUNCATE TABLE events"))
			log.next = make([]int64, kafkatest.Partitions)
			s := newStack(t, use)
			r := s.connect("a")
			hello := r.frame("hello")
			r.close()
			all := names("x", 0, count)
			s.publishAll(all)
			for p := range kafkatest.Partitions {
				end := int64(2 * len(published(all, p)))
				log.ingest(s.kafka, int32(p), min(c.stored, end))
				if c.deleted > 0 {
					kafkatest.DeleteRecords(t, s.kafka, p, min(c.deleted, end))
				}
			}
			s.stop()
			if s.config.Preload = c.preload; c.small {
				smallRing(s)
			}
			s.start()
			whole := s.readRaw(t, hello.ID, count)
			// Read a byte at a time: what a client has that is cut there, and its last id.
			received := map[string][]string{}
			sse := client.NewSSEReader(iotest.OneByteReader(strings.NewReader(whole)))
			var got []string
			for {
				f, err := sse.Next()
				if err != nil {
					break
				}
				if f.Name == "message" {
					got = append(got, eventID(t, f.Data))
				}
				if before, ok := received[sse.LastID()]; ok && len(before) != len(got) {
					t.Fatalf("the id %s stands for %d events and for %d", sse.LastID(), len(before), len(got))
				}
				received[sse.LastID()] = slices.Clone(got)
			}
			if len(received) < count {
				t.Fatalf("%d ids", len(received))
			}
			for id, before := range received {
				rest := s.readRaw(t, id, count-len(before))
				checkAll(t, all, append(slices.Clone(before), idsOf(t, rest)...))
				if t.Failed() {
					t.Fatalf("cut after %s, which has %d events", id, len(before))
				}
			}
		})
	}
}

func idsOf(t *testing.T, text string) []string {
	t.Helper()
	var got []string
	sse := client.NewSSEReader(strings.NewReader(text))
	for {
		f, err := sse.Next()
		if err != nil {
			return got
		}
		switch f.Name {
		case "message":
			got = append(got, eventID(t, f.Data))
		case "gap", "resync", "error":
			t.Fatalf("%s: %s", f.Name, f.Data)
		}
	}
}

// readRaw returns the bytes of a stream behind an id, up to so many events.
func (s *stack) readRaw(t *testing.T, id string, n int) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	response, err := s.request(ctx, "a", header("Last-Event-ID", id))
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var text []byte
	buffer := make([]byte, 32<<10)
	for {
		if strings.Count(string(text), "\ndata: {\"eventId\"") >= n && strings.HasSuffix(string(text), "\n\n") {
			return string(text)
		}
		read, err := response.Body.Read(buffer)
		text = append(text, buffer[:read]...)
		require.NoError(t, err, "after %s", text)
	}
}

// TestTable_Golden holds the statements of the store.
func TestTable_Golden(t *testing.T) {
	now := time.Date(2026, 4, 17, 14, 0, 0, 0, time.UTC)
	f, err := filter.ParseRequest(t.Context(), url.Values{"q": {"refund"}, "severity": {"ERROR"}}, now)
	require.NoError(t, err)
	store := Table(nil, nil, "events", retention.Days(365), func() time.Time { return now }).(*table)
	span := Span{Tenant: "acme", Matcher: f, From: vector{5, 9, 100}, To: vector{50, 9, 400}}
	anew := span
	anew.Since = now
	out := querytest.Golden{Columns: search.Columns}
	for _, shape := range []struct {
		title string
		*filter.Builder
	}{
		{"what lies between two positions", store.readStatement(span)},
		{"the same, of a topic that was made anew", store.readStatement(anew)},
		{"where it begins", store.firstStatement(span, now)},
		{"what ingest has lost", store.lostStatement(span.From, span.To, now)},
	} {
		out.Add(shape.title, shape)
	}
	out.Check(t, "statements.golden")
}
