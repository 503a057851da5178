package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

func TestIngest_StoresEachEventOnce(t *testing.T) {
	s := newStack(t)
	kafkatest.Produce(t, s.kafka, sample("early", 2000)...)
	r := s.start()
	kafkatest.Produce(t, s.kafka, sample("late", 1000)...)
	s.settlesAt(3000)
	r.stop()

	// What was settled is not read again.
	s.start()
	kafkatest.Produce(t, s.kafka, sample("after", 10)...)
	s.settlesAt(3010)
}

func TestIngest_KeepsEveryMember(t *testing.T) {
	s := newStack(t)
	at := time.Now().Add(-time.Hour).UTC().Truncate(time.Millisecond)
	kafkatest.ProduceTo(t, s.kafka, 1, kafka.Message{Time: at, Value: []byte(
		`{"eventId":"evt_abc123","tenantId":"tenant_xyz","eventType":"payment.received","source":"billing","severity":"WARNING",` +
			`"actorType":"SYSTEM","actorId":"billing-pipeline","actorName":"Pipe","actorEmail":"p@example.com","targetType":"INVOICE",` +
			`"targetId":"inv_def456","ipAddress":"203.0.113.1","userAgent":"curl/8","payload":{"amount": 450.00, "note":"\u00c9T\u00c9"},` +
			`"correlationId":"req_jkl012","createdAt":"` + at.Format(time.RFC3339Nano) + `","shard":7}`)})
	s.start()
	s.await(1, countEvents)
	var e event.Event
	var severity, payload, text, extra, topic string
	var partition int32
	var offset int64
	row := s.conn.QueryRow(t.Context(), `SELECT tenant_id, created_at, event_id, event_type, category, source, toString(severity), actor_type,
		actor_id, actor_name, actor_email, target_type, target_id, correlation_id, ip_address, user_agent, payload, payload_text, extra,
		ingested_at, kafka_topic, kafka_partition, kafka_offset FROM `+schema.Events)
	if err := row.Scan(&e.TenantID, &e.CreatedAt, &e.EventID, &e.EventType, &e.Category, &e.Source, &severity, &e.ActorType,
		&e.ActorID, &e.ActorName, &e.ActorEmail, &e.TargetType, &e.TargetID, &e.CorrelationID, &e.IPAddress, &e.UserAgent,
		&payload, &text, &extra, &e.IngestedAt, &topic, &partition, &offset); err != nil {
		t.Fatal(err)
	}
	got := strings.Join([]string{e.TenantID, e.EventID, e.EventType, e.Category, e.Source, severity, e.ActorType, e.ActorID, e.ActorName,
		e.ActorEmail, e.TargetType, e.TargetID, e.CorrelationID, e.IPAddress, e.UserAgent, payload, text, extra, topic}, "|")
	want := `tenant_xyz|evt_abc123|payment.received|billing|billing|WARN|SYSTEM|billing-pipeline|Pipe|p@example.com|INVOICE|inv_def456|` +
		`req_jkl012|203.0.113.1|curl/8|{"amount": 450.00, "note":"\u00c9T\u00c9"}|{"amount": 450.00, "note":"été"}|{"shard":7}|` + s.kafka.Topic
	if got != want {
		t.Errorf("stored\n%s\nwant\n%s", got, want)
	}
	if !e.CreatedAt.Equal(at) || !e.IngestedAt.Equal(at) || partition != 1 || offset != 0 {
		t.Errorf("createdAt %s, ingestedAt %s, position %d/%d", e.CreatedAt, e.IngestedAt, partition, offset)
	}
}

func TestIngest_BadMessagesBecomeDeadLetters(t *testing.T) {
	s := newStack(t)
	s.config.MaxEventBytes = 4096
	huge := `{"tenantId":"t","eventType":"x","payload":{"s":"` + strings.Repeat("x", 2<<20) + `"}}`
	bad := map[string]string{ // by what stands in the message
		`{"tenantId":`:                   event.ClassInvalidJSON,
		`not json`:                       event.ClassInvalidJSON,
		``:                               event.ClassTombstone, // kafka-go does not tell null from empty
		`{"eventType":"x"}`:              event.ClassMissingField,
		`{"tenantId":"t"}`:               event.ClassMissingField,
		`{"tenantId":1,"eventType":"x"}`: event.ClassWrongType,
		"{\"tenantId\":\"\xff\",\"eventType\":\"x\"}":                         event.ClassInvalidUTF8,
		`{"tenantId":"t","eventType":"x","createdAt":"2199-01-01T00:00:00Z"}`: event.ClassOutOfBounds,
		`{"tenantId":"t","eventType":"x","createdAt":"1999-01-01T00:00:00Z"}`: event.ClassOutOfBounds,
		`{"tenantId":"t","eventType":"x","severity":"LOUD"}`:                  event.ClassInvalidField,
		`{"tenantId":"t","eventType":"x","payload":"text"}`:                   event.ClassWrongType,
		huge: event.ClassTooLarge,
	}
	var messages []kafka.Message
	for value := range bad {
		messages = append(messages, kafka.Message{Key: []byte("k"), Value: []byte(value), Headers: []kafka.Header{{Key: "h", Value: []byte("v")}}})
	}
	messages = append(messages, sample("good", 5)...)
	for value := range bad { // The last message of a partition may be bad too.
		messages = append(messages, kafka.Message{Key: []byte("k"), Value: []byte(value)})
	}
	kafkatest.ProduceTo(t, s.kafka, 0, messages...)
	s.start()
	s.await(5, countEvents)
	s.await(uint64(2*len(bad)), "SELECT count() FROM "+schema.DeadLetters)
	s.awaitSettled()
	s.oracle(5)

	rows, err := s.conn.Query(t.Context(), "SELECT value, error_class, error, key, offset FROM "+schema.DeadLetters)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	seen := map[int64]bool{}
	for rows.Next() {
		var value, class, message, key string
		var offset int64
		if err := rows.Scan(&value, &class, &message, &key, &offset); err != nil {
			t.Fatal(err)
		}
		if want, ok := bad[value]; !ok || class != want || message == "" || key != "k" || seen[offset] {
			t.Errorf("dead letter at %d: class %s (want %s), error %q, key %q, value %.60q", offset, class, want, message, key, value)
		}
		seen[offset] = true
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}

	topic := s.kafka
	topic.Topic = s.kafka.DeadLetterTopic
	if got := (&stack{TB: t, kafka: topic}).end(0); got != int64(2*len(bad)) {
		t.Errorf("the dead letter topic holds %d messages, want %d", got, 2*len(bad))
	}
}

// The plan of a former owner who died at each point between plan and
// acknowledgement.
func TestIngest_KillBetweenPlanAndAcknowledge(t *testing.T) {
	for name, stored := range map[string]func(i int) bool{
		"before the insert": func(int) bool { return false },
		"after the insert":  func(int) bool { return true },
		"half inserted":     func(i int) bool { return i%2 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			kafkatest.ProduceTo(t, s.kafka, 0, sample("x", 500)...)
			s.leaveBehind(0, 100, 299, stored)
			s.start()
			s.await(400, countEvents)
			s.awaitSettled()
			// Offsets below the plan were stored by nobody here; the plan says they were.
			s.oracle(400)
		})
	}
}

// The rollup's part is written after the events' own: a server that dies in
// between must not leave the counts short.
func TestIngest_KillBetweenEventsAndRollup(t *testing.T) {
	s := newStack(t)
	kafkatest.ProduceTo(t, s.kafka, 0, sample("x", 300)...)
	s.leaveBehind(0, 0, 199, func(int) bool { return true })
	if err := s.conn.Exec(t.Context(), "TRUNCATE TABLE "+schema.Events1m); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.settlesAt(300)
}

// The server remembers the token of a part that it has lost: the insert is
// "deduplicated" and nothing is stored.
func TestIngest_TokenWithoutPart(t *testing.T) {
	s := newStack(t)
	kafkatest.ProduceTo(t, s.kafka, 0, sample("x", 300)...)
	s.leaveBehind(0, 0, 199, func(int) bool { return true })
	if err := s.conn.Exec(t.Context(), "DELETE FROM "+schema.Events+" WHERE kafka_offset % 2 = 1 SETTINGS lightweight_deletes_sync = 2"); err != nil {
		t.Fatal(err)
	}
	s.start()
	s.settlesAt(300)
}

func TestIngest_OffsetsSetBack(t *testing.T) {
	s := newStack(t)
	kafkatest.ProduceTo(t, s.kafka, 0, sample("x", 1000)...)
	r := s.start()
	s.await(1000, countEvents)
	s.awaitSettled()
	r.stop()
	s.setPlan(0, plan{offset: 10, end: 9})
	s.start()
	kafkatest.ProduceTo(t, s.kafka, 0, sample("y", 10)...)
	s.settlesAt(1010)
}

func TestIngest_OffsetsExpired(t *testing.T) {
	s := newStack(t)
	kafkatest.ProduceTo(t, s.kafka, 0, sample("x", 1000)...)
	r := s.start()
	s.await(1000, countEvents)
	s.awaitSettled()
	r.stop()
	s.kafka.Group += ".anew"
	s.start()
	kafkatest.ProduceTo(t, s.kafka, 0, sample("y", 10)...)
	s.settlesAt(1010)
}

func TestIngest_ProducerSendsTwice(t *testing.T) {
	s := newStack(t)
	once := sample("x", 50)
	kafkatest.ProduceTo(t, s.kafka, 0, append(once, once...)...) // in one block
	r := s.start()
	s.await(50, countEvents)
	kafkatest.ProduceTo(t, s.kafka, 0, once...) // in a later block
	kafkatest.ProduceTo(t, s.kafka, 1, once...) // in another partition
	s.awaitSettled()
	s.oracle(50)
	r.stop()
	kafkatest.ProduceTo(t, s.kafka, 2, once...) // after a restart
	kafkatest.ProduceTo(t, s.kafka, 2, sample("y", 1)...)
	s.start()
	s.settlesAt(51)
}

// Two partitions bring the same new events at the same moment.
func TestIngest_ProducerSendsTwiceAtOnce(t *testing.T) {
	s := newStack(t)
	for _, prefix := range []string{"a", "b", "c"} {
		kafkatest.ProduceTo(t, s.kafka, 0, sample(prefix, 500)...)
		kafkatest.ProduceTo(t, s.kafka, 1, sample(prefix, 500)...)
		kafkatest.ProduceTo(t, s.kafka, 2, sample(prefix, 500)...)
	}
	s.start()
	s.settlesAt(1500)
}

func TestIngest_SeveralNodes(t *testing.T) {
	s := newStack(t)
	first := s.start()
	kafkatest.Produce(t, s.kafka, sample("a", 1000)...)
	second := s.start()
	kafkatest.Produce(t, s.kafka, sample("b", 1000)...)
	s.await(2000, countEvents)
	first.stop()
	kafkatest.Produce(t, s.kafka, sample("c", 1000)...)
	s.await(3000, countEvents)
	s.awaitSettled()
	second.stop()
	s.oracle(3000)
}

// leaveBehind does what an owner does that dies: it plans [from, to] and has
// inserted some of it, with the block's own token.
func (s *stack) leaveBehind(partition int32, from, to int64, stored func(i int) bool) {
	s.Helper()
	b := s.readBlock(partition, from, to)
	s.setPlan(partition, plan{offset: from, end: to})
	part := b.subset(stored)
	if len(part.rows) == 0 {
		return
	}
	ctx := chgo.Context(context.Background(), chgo.WithSettings(insertSettings(b.token())))
	batch, err := s.conn.PrepareBatch(ctx, schema.Insert(schema.Events, schema.EventColumns))
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = batch.Close() }()
	if err := part.appendTo(batch); err != nil {
		s.Fatal(err)
	}
	if err := batch.Send(); err != nil {
		s.Fatal(err)
	}
}
