package purge

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/ingest"
	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

// ingesting runs ingest on a store until the returned function is called.
func (s *store) ingesting(k daybookkafka.Config, decoder *event.Decoder) (stop func()) {
	s.t.Helper()
	config := ingest.DefaultConfig()
	config.MaxAge, config.SessionTimeout = 300*time.Millisecond, 6*time.Second
	in, err := ingest.New(config, ingest.Deps{
		Kafka: k, Conn: s.conn, Decoder: decoder, Registry: prometheus.NewRegistry(), Log: zaptest.NewLogger(s.t, zaptest.Level(zap.WarnLevel)),
	})
	require.NoError(s.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- in.Run(ctx) }()
	return func() { cancel(); require.NoError(s.t, <-done) }
}

func (s *store) await(n uint64, where string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return s.number("SELECT count() FROM events WHERE "+where) == n }, time.Minute, 50*time.Millisecond, "%d events where %s", n, where)
}

// Where another tenant's retention is longer, ingest takes events that are too
// old for their own tenant. They are purged, and where ingest then doubts that it has
// stored them, it stores them once more and goes on: the next purge takes them again.
func TestPurge_IngestDoubtsWhatIsPurged(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		k := kafkatest.Start(t, kind)
		s := open(t)
		s.now = time.Now()
		settings := event.DefaultConfig()
		settings.RetentionDays = 730
		decoder, err := event.NewDecoder(settings)
		require.NoError(t, err)
		message := func(id string, age time.Duration) kafka.Message {
			sent := s.now.Add(-2 * time.Hour)
			return kafka.Message{Time: sent, Value: fmt.Appendf(nil, `{"tenantId":"acme","eventId":%q,"eventType":"x","createdAt":%q}`, id, sent.Add(-age).UTC().Format(time.RFC3339))}
		}
		kept := retention.Days(365).Except(map[tenant.ID]int{"other": 730})
		purge := func() { t.Helper(); require.NoError(t, s.purger(kept, Archive{}).Purge(t.Context())) }

		stop := s.ingesting(k, decoder)
		kafkatest.ProduceTo(t, k, 0, message("old", 500*day), message("young", day))
		s.await(2, "true")
		kafkatest.AwaitCommitted(t, k, 2)
		purge()
		s.await(0, "event_id = 'old'")
		stop()

		// The group's offset is set back, so the next owner verifies what it reads.
		kafkatest.SetCommitted(t, k, 0, 0, "")
		stop = s.ingesting(k, decoder)
		kafkatest.ProduceTo(t, k, 0, message("next", day))
		s.await(1, "event_id = 'next'")
		s.await(1, "event_id = 'old'")
		kafkatest.AwaitCommitted(t, k, 3) // Its counts are mended, which a purge at the same time may undo until the next.
		require.EqualValues(t, 3, s.number("SELECT count() FROM events"))
		purge()
		kafkatest.ProduceTo(t, k, 0, message("last", day))
		s.await(1, "event_id = 'last'")
		s.await(0, "event_id = 'old'")
		stop()
		s.agree()
	})
}

// A purge that dies after it has told of itself tells once more, and ingest drops
// that as a producer's repetition.
func TestPurge_ToldOnce(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		k := kafkatest.Start(t, kind)
		s := open(t)
		s.now = time.Now()
		decoder, err := event.NewDecoder(event.DefaultConfig())
		require.NoError(t, err)
		stop := s.ingesting(k, decoder)
		s.addAt("acme", "x", s.now.Add(-400*day), s.now.Add(-400*day))
		told := 0
		purger := s.purger(retention.Days(365), Archive{})
		purger.publish = func(_ context.Context, id tenant.ID, text []byte) error {
			value, _, err := decoder.Prepare(text, string(id), time.Now(), uuid.NewString)
			require.NoError(t, err)
			kafkatest.ProduceTo(t, k, told%2, kafka.Message{Value: value, Time: time.Now()})
			told++
			return nil
		}
		purger.reached = func(at state) error {
			if at == done && told == 1 {
				return errCrash
			}
			return nil
		}
		require.ErrorIs(t, purger.Purge(t.Context()), errCrash)
		s.await(1, "event_type = 'retention.purged'")
		require.NoError(t, purger.Purge(t.Context()))
		require.Equal(t, 2, told)
		kafkatest.ProduceTo(t, k, 1, kafka.Message{Value: []byte(`{"tenantId":"acme","eventType":"end"}`), Time: time.Now()})
		s.await(1, "event_type = 'end'")
		require.EqualValues(t, 1, s.number("SELECT count() FROM events WHERE event_type = 'retention.purged'"))
		var text string
		require.NoError(t, s.conn.QueryRow(t.Context(), "SELECT payload FROM events WHERE event_type = 'retention.purged'").Scan(&text))
		var p payload
		require.NoError(t, json.Unmarshal([]byte(text), &p))
		require.Equal(t, payload{"events", midnight(retention.Days(365), "acme", s.now), 1, 0}, p)
		stop()
		s.agree()
	})
}
