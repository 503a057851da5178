package ingest

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/segmentio/kafka-go"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// ClickHouse is killed again and again while blocks are inserted.
func TestIngest_ClickHouseKilled(t *testing.T) {
	server := clickhousetest.Server(t)
	s := stackOn(t, kafkatest.StartEmbedded(t), clickhousetest.Config(t, server))
	s.config.MaxRows = 500
	s.start()
	const rounds, each = 5, 4000
	for round := range rounds {
		kafkatest.Produce(t, s.kafka, sample(fmt.Sprint("round", round), each)...)
		before := server.Pid()
		if err := syscall.Kill(before, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(patience)
		for pid := before; pid == before || pid == 0; pid = server.Pid() {
			if time.Now().After(deadline) {
				t.Fatal("ClickHouse is not back")
			}
			<-time.After(20 * time.Millisecond)
		}
	}
	s.awaitSettled()
	s.oracle(rounds * each)
}

// The broker goes away in the middle, with everything it has promised.
func TestIngest_BrokerRestarted(t *testing.T) {
	dir := t.TempDir()
	broker := kafkatest.Broker(t, dir, "127.0.0.1:0")
	k := kafkatest.Fresh(t, broker.Addr(), 1)
	s := stackOn(t, k, clickhousetest.Start(t))
	s.start()
	for round := range 3 {
		kafkatest.Produce(t, s.kafka, sample(fmt.Sprint("round", round), 2000)...)
		addr := broker.Addr()
		if err := broker.Close(); err != nil {
			t.Fatal(err)
		}
		broker = kafkatest.Broker(t, dir, addr)
	}
	s.settlesAt(6000)
}

func TestIngest_RetentionPassedWhileDown(t *testing.T) {
	s := newStack(t)
	kafkatest.ProduceTo(t, s.kafka, 0, sample("x", 1000)...)
	s.leaveBehind(0, 0, 99, func(int) bool { return true }) // planned and stored, not acknowledged
	s.deleteBelow(0, 400)
	r := s.start()
	s.await(700, countEvents)
	s.awaitSettled()
	gaps := r.Gaps()
	if len(gaps) != 1 || gaps[0].Reason != gapRetention || gaps[0].Messages != 300 || gaps[0].To != 400 {
		t.Errorf("gaps: %+v, want one of 300 messages up to offset 400", gaps)
	}
	if got := testutil.ToFloat64(r.metrics.gapMessages.WithLabelValues(gapRetention)); got != 300 {
		t.Errorf("the metric says %g messages are lost, want 300", got)
	}
	s.oracle(700)
}

func TestIngest_TopicMadeAnew(t *testing.T) {
	for name, second := range map[string]int{"shorter": 50, "longer": 500} {
		t.Run(name, func(t *testing.T) {
			s := newStack(t)
			kafkatest.ProduceTo(t, s.kafka, 0, sample("x", 200)...)
			r := s.start()
			s.await(200, countEvents)
			s.awaitSettled()
			r.stop()
			s.recreateTopic()
			<-time.After(5 * time.Millisecond) // A record's timestamp has milliseconds.
			kafkatest.ProduceTo(t, s.kafka, 0, sample("y", second)...)
			r = s.start()
			s.await(uint64(200+second), countEvents)
			s.awaitSettled()
			if gaps := r.Gaps(); len(gaps) != 1 || gaps[0].Reason != gapRecreated {
				t.Errorf("gaps: %+v, want one that says the topic was made anew", gaps)
			}
			if got := s.count("SELECT uniqExact(event_id) FROM " + schema.Events); got != uint64(200+second) {
				t.Errorf("%d distinct events, want %d", got, 200+second)
			}
		})
	}
}

// A dead letter that is no fault any more becomes the event it would have been.
func TestDeadLetters_Replay(t *testing.T) {
	s := newStack(t)
	s.config.MaxEventBytes = 1024
	large := `{"tenantId":"t","eventType":"x","payload":{"s":"` + fmt.Sprintf("%01500d", 7) + `"}}`
	at := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
	kafkatest.ProduceTo(t, s.kafka, 1,
		kafka.Message{Key: []byte("k"), Value: []byte(large), Time: at, Headers: []kafka.Header{{Key: "h", Value: []byte("v")}}},
		kafka.Message{Value: []byte(`broken`)})
	r := s.start()
	s.await(2, "SELECT count() FROM "+schema.DeadLetters)
	s.awaitSettled()
	r.stop()

	s.config.MaxEventBytes = DefaultConfig().MaxEventBytes
	s.start()
	writer, err := s.kafka.Writer(s.kafka.Topic)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = writer.Close() }()
	d := DeadLetters{Conn: s.conn, Topic: s.kafka.Topic, Writer: writer, Now: time.Now}
	if n, err := d.Replay(t.Context(), DeadLetterFilter{Class: event.ClassTooLarge, Pending: true}); n != 1 || err != nil {
		t.Fatalf("replayed %d, %v", n, err)
	}
	s.await(1, countEvents)
	// Once more, as after a crash before it was noted: the event is known.
	if n, err := d.Replay(t.Context(), DeadLetterFilter{Class: event.ClassTooLarge}); n != 1 || err != nil {
		t.Fatalf("replayed %d, %v", n, err)
	}
	if n, err := d.Replay(t.Context(), DeadLetterFilter{Class: event.ClassTooLarge, Pending: true}); n != 0 || err != nil {
		t.Fatalf("replayed %d again, %v", n, err)
	}
	s.awaitSettled()
	s.oracle(1)

	letters, err := d.List(t.Context(), DeadLetterFilter{})
	if err != nil || len(letters) != 2 {
		t.Fatalf("%d letters, %v", len(letters), err)
	}
	for _, l := range letters {
		if replayed := l.Reason.Class == event.ClassTooLarge; replayed == l.Replayed.IsZero() {
			t.Errorf("%s %s: replayed %s", l.ID, l.Reason.Class, l.Replayed)
		}
	}
	var id string
	var created time.Time
	if err := s.conn.QueryRow(t.Context(), "SELECT event_id, created_at FROM "+schema.Events).Scan(&id, &created); err != nil {
		t.Fatal(err)
	}
	var want event.Event
	decoder, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	first := event.Message{Topic: s.kafka.Topic, Position: event.Position{Partition: 1}, Time: at, Value: []byte(large)}
	if err := decoder.Decode(&first, &want); err != nil || id != want.EventID || !created.Equal(at) {
		t.Errorf("the event is %s of %s, want %s of %s (%v)", id, created, want.EventID, at, err)
	}
}

// deleteBelow does what retention does.
func (s *stack) deleteBelow(partition int, offset int64) {
	s.Helper()
	kafkatest.DeleteRecords(s, s.kafka, partition, offset)
}

func (s *stack) recreateTopic() {
	s.Helper()
	client, release, err := s.kafka.Client()
	if err != nil {
		s.Fatal(err)
	}
	defer release()
	answer, err := client.DeleteTopics(s.Context(), &kafka.DeleteTopicsRequest{Topics: []string{s.kafka.Topic}})
	if err == nil {
		err = answer.Errors[s.kafka.Topic]
	}
	if err != nil {
		s.Fatal(err)
	}
	kafkatest.CreateTopic(s, s.kafka, s.kafka.Topic, kafkatest.Partitions)
}
