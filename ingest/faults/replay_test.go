//go:build faultpoints

package faults

import (
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/ingest"
	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// An operator sets the group's offsets back: nothing doubles.
func TestFault13_OffsetsSetBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, mixed("x", 12_000)...)
		n := s.start()
		s.awaitSettled()
		n.stop()
		kafkatest.SetCommitted(s, s.kafka, 0, 2_000, "")
		n = s.start()
		s.publishTo(0, sample("y", 10)...)
		s.settles()
		n.stop()
		kafkatest.SetCommitted(s, s.kafka, 0, 0, "set by hand")
		s.start()
		s.publishTo(0, sample("z", 10)...)
		s.settles()
	})
}

// An operator sets the offsets back to where nothing but dead letters follows:
// these lie beyond the end of the table of events.
func TestFault13_OffsetsSetBackBeforeDeadLetters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, sample("x", 100)...)
		n := s.start()
		s.awaitSettled()
		broken := make([]kafka.Message, 50)
		for i := range broken {
			broken[i].Value = fmt.Appendf(nil, `{"eventId":"%d","broken":`, i)
		}
		s.publishTo(0, broken...)
		s.awaitSettled()
		n.stop()
		kafkatest.SetCommitted(s, s.kafka, 0, 100, "v1")
		s.start()
		s.publishTo(0, sample("y", 10)...)
		s.settles()
	})
}

// An operator sets the group's offsets forward: what is skipped is said, and
// setting them back brings it.
func TestFault13_OffsetsSetForward(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, sample("x", 500)...)
		n := s.start()
		s.awaitSettled()
		n.stop()
		s.publishTo(0, sample("y", 300)...)
		kafkatest.SetCommitted(s, s.kafka, 0, 700, "")
		n = s.start()
		s.awaitSettled()
		s.oracle(exceptions{lost: func(at position) bool { return at.offset >= 500 && at.offset < 700 }})
		s.wantGap(n, ingest.Gap{From: 500, To: 700, Messages: 200, Reason: "offset_set"})
		n.stop()
		kafkatest.SetCommitted(s, s.kafka, 0, 400, "")
		s.start()
		s.await(800, countEvents)
		s.settles()
	})
}

// wantGap checks that a node reports exactly this gap, in what /readyz shows, in
// the table and in the metric, and that the next node still knows.
func (s *stack) wantGap(n *node, want ingest.Gap) {
	s.Helper()
	check := func(gaps []ingest.Gap) {
		s.Helper()
		if len(gaps) != 1 {
			s.Fatalf("gaps: %+v, want one", gaps)
		}
		got := gaps[0]
		if got.Topic != s.kafka.Topic || got.Partition != want.Partition || got.From != want.From || got.To != want.To ||
			got.Messages != want.Messages || got.Reason != want.Reason || time.Since(got.Noticed) > time.Hour {
			s.Errorf("gap: %+v, want %+v", got, want)
		}
	}
	check(n.Gaps())
	if got := n.metric("daybook_ingest_gap_messages_total"); got != float64(want.Messages) {
		s.Errorf("the metric says %g messages are lost, want %d", got, want.Messages)
	}
	n.stop()
	next := s.start()
	s.until("the next node to know of the gap", func() (bool, string) { return len(next.Gaps()) > 0, "it knows of none" })
	check(next.Gaps())
	next.stop()
}

// The group's offsets have expired, or it has another name: the table says
// where to go on.
func TestFault13_OffsetsExpired(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, mixed("x", 1000)...)
		n := s.start()
		s.awaitSettled()
		n.stop()
		s.kafka.Group += ".anew"
		s.start()
		s.publishTo(0, sample("y", 10)...)
		s.settles()
	})
}

// Producers send an event twice: in one block, in the next, in another
// partition, after a restart, and to a node that never saw the first.
func TestFault14_ProducersSendTwice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		once := sample("x", 200)
		s.publishTo(0, append(append([]kafka.Message{}, once...), once...)...)
		n := s.start()
		s.await(200, countEvents)
		s.publishTo(0, once...)
		s.publishTo(1, once...)
		s.settles()
		n.stop()
		s.publishTo(0, once...)
		s.publishTo(2, once...)
		n = s.start()
		s.settles()

		s.publishTo(0, sample("y", 100)...)
		s.settles()
		other := s.startProcess("") // It has read the table before it gets partitions.
		s.wait(3 * time.Second)
		s.publishTo(0, sample("z", 100)...)
		s.publishTo(1, sample("z2", 100)...)
		s.publishTo(2, sample("z3", 100)...)
		s.settles()
		n.stop()
		s.publishTo(0, sample("z", 100)...)
		s.publishTo(1, sample("z2", 100)...)
		s.publishTo(2, sample("z3", 100)...)
		s.settles()
		other.stop()
	})
}

// Two partitions bring the same new events at the same moment.
func TestFault14_ProducersSendTwiceAtOnce(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		for _, prefix := range []string{"a", "b", "c"} {
			for partition := range 3 {
				s.publishTo(partition, sample(prefix, 500)...)
			}
		}
		s.start()
		s.settles()
	})
}

// The memory of recent ids says that an event is there and the table does not
// have it: the memory is only a suspicion.
func TestFault15_SeenButNotStored(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, sample("x", 300)...)
		s.start()
		s.settles()
		for _, table := range []string{schema.Events, schema.Events1m, schema.Events15m} {
			s.exec("TRUNCATE TABLE " + table)
		}
		s.publishTo(0, sample("x", 300)...)
		s.publishTo(1, sample("x", 300)...)
		s.settles()
	})
}

// Retention takes what was not stored yet, while ingest is down.
func TestFault21_RetentionPassedWhileDown(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, sample("x", 1000)...)
		s.leaveBehind(0, 100, func(int) bool { return true }) // planned and stored, not acknowledged
		s.collect()
		kafkatest.DeleteRecords(s, s.kafka, 0, 400)
		n := s.start()
		s.awaitSettled()
		s.oracle(exceptions{lost: func(at position) bool { return at.offset >= 100 && at.offset < 400 }})
		s.wantGap(n, ingest.Gap{From: 0, To: 400, Messages: 300, Reason: "retention"})
	})
}

// The topic is deleted and made anew, shorter or longer than before; its events
// have ids of their own, or ids made of their offsets, which repeat.
func TestFault21_TopicMadeAnew(t *testing.T) {
	t.Parallel()
	for name, second := range map[string]int{"shorter": 50, "longer": 500} {
		for _, ids := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, ids %t", name, ids), func(t *testing.T) {
				t.Parallel()
				onBoth(t, func(s *stack) {
					messages := func(prefix string, n int) []kafka.Message {
						out := sample(prefix, n)
						for i := range out {
							if !ids {
								out[i].Value = fmt.Appendf(nil, `{"tenantId":"t","eventType":"%s.x"}`, prefix)
							}
						}
						return out
					}
					s.publishTo(0, messages("x", 200)...)
					n := s.start()
					s.awaitSettled()
					n.stop()
					s.collect()
					kafkatest.DeleteTopic(s, s.kafka)
					kafkatest.CreateTopic(s, s.kafka, s.kafka.Topic, kafkatest.Partitions)
					s.topic.anew()
					s.wait(5 * time.Millisecond) // A record's timestamp has milliseconds.
					s.publishTo(0, messages("y", second)...)
					n = s.start()
					s.await(200+second, countEvents)
					s.settles()
					s.wantGap(n, ingest.Gap{Reason: "topic_recreated"})
				})
			})
		}
	}
}

// The end of the log was cut off, as when a replica that lagged becomes the
// leader: the committed offset is beyond the end. All of it is verified, and
// nothing doubles.
func TestFault21_LogCutShort(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, mixed("x", 300)...)
		n := s.start()
		s.awaitSettled()
		n.stop()
		kafkatest.SetCommitted(s, s.kafka, 0, 350, "v1;t=1")
		n = s.start()
		s.publishTo(0, mixed("y", 100)...)
		s.settles()
		s.wantGap(n, ingest.Gap{Reason: "topic_recreated"})
	})
}

// A dead letter that is no fault any more becomes the event it would have been,
// once, however often it is replayed.
func TestReplay_DeadLetters(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.config.MaxEventBytes = 1024
		large := `{"tenantId":"t","eventType":"x","payload":{"s":"` + fmt.Sprintf("%01500d", 7) + `"}}`
		at := time.Now().Add(-time.Minute).Truncate(time.Millisecond)
		s.publishTo(1,
			kafka.Message{Key: []byte("k"), Value: []byte(large), Time: at, Headers: []kafka.Header{{Key: "h", Value: []byte("v")}}},
			kafka.Message{Value: []byte(`broken`)})
		n := s.start()
		s.await(2, countDead)
		s.awaitSettled()
		n.stop()

		s.config.MaxEventBytes = ingest.DefaultConfig().MaxEventBytes
		s.start()
		writer, err := s.kafka.Writer(s.kafka.Topic)
		if err != nil {
			s.Fatal(err)
		}
		defer func() { _ = writer.Close() }()
		d := ingest.DeadLetters{Conn: s.conn, Topic: s.kafka.Topic, Writer: writer, Now: time.Now}
		replay := func(f ingest.DeadLetterFilter, want int) {
			s.Helper()
			if n, err := d.Replay(s.Context(), f); n != want || err != nil {
				s.Fatalf("replayed %d, %v, want %d", n, err, want)
			}
		}
		replay(ingest.DeadLetterFilter{Class: event.ClassTooLarge, Pending: true}, 1)
		s.await(1, countEvents)
		replay(ingest.DeadLetterFilter{Class: event.ClassTooLarge}, 1) // As after a crash before it was noted.
		replay(ingest.DeadLetterFilter{Class: event.ClassTooLarge, Pending: true}, 0)
		s.awaitSettled()
		if got := s.count(countEvents); got != 1 {
			s.Errorf("%d events of one dead letter that was replayed twice", got)
		}
		s.checkRollups()

		letters, err := d.List(s.Context(), ingest.DeadLetterFilter{})
		if err != nil || len(letters) != 2 {
			s.Fatalf("%d letters, %v", len(letters), err)
		}
		for _, l := range letters {
			if replayed := l.Reason.Class == event.ClassTooLarge; replayed == l.Replayed.IsZero() {
				s.Errorf("%s %s: replayed %s", l.ID, l.Reason.Class, l.Replayed)
			}
		}
		var id string
		var created time.Time
		if err := s.conn.QueryRow(s.Context(), "SELECT event_id, created_at FROM "+schema.Events).Scan(&id, &created); err != nil {
			s.Fatal(err)
		}
		var want event.Event
		first := event.Message{Topic: s.kafka.Topic, Position: event.Position{Partition: 1}, Time: at, Value: []byte(large)}
		if err := s.newDecoder().Decode(&first, &want); err != nil || id != want.EventID || !created.Equal(at) {
			s.Errorf("the event is %s of %s, want %s of %s (%v)", id, created, want.EventID, at, err)
		}
	})
}
