package ingest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema/schematest"
)

// What a transaction has committed is stored, what one has aborted never is, and
// markers are no dead letters. The group's offset comes to the end of the log also
// where that is nothing but these, with one owner and with the next.
func TestIngest_Transactions(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		k, conn := kafkatest.Start(t, kind), schematest.Open(t)
		decoder, err := event.NewDecoder(event.DefaultConfig())
		require.NoError(t, err)
		run := func() (stop func()) {
			config := DefaultConfig()
			config.MaxAge, config.SessionTimeout = 300*time.Millisecond, 6*time.Second
			in, err := New(config, Deps{Kafka: k, Conn: conn, Decoder: decoder, Registry: prometheus.NewRegistry(), Log: zaptest.NewLogger(t, zaptest.Level(zap.WarnLevel))})
			require.NoError(t, err)
			ctx, cancel := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- in.Run(ctx) }()
			return func() { cancel(); require.NoError(t, <-done) }
		}
		var offset int64
		messages := func(state string, n int) (out []kafka.Message) {
			for range n {
				out = append(out, kafka.Message{Time: time.Now(), Value: fmt.Appendf(nil, `{"tenantId":"acme","eventType":%q,"eventId":"%d"}`, state, offset)})
				offset++
			}
			return out
		}
		end := func(commit bool, x *kafkatest.Transaction) {
			if commit {
				x.Commit()
			} else {
				x.Abort()
			}
			offset++ // The marker's.
		}
		transaction := func(commit bool, n int) {
			x := kafkatest.Begin(t, k, "one")
			x.ProduceTo(0, messages(map[bool]string{true: "kept", false: "aborted"}[commit], n)...)
			end(commit, x)
		}
		committed := 0
		check := func() {
			t.Helper()
			kafkatest.AwaitCommitted(t, k, offset)
			for query, want := range map[string]int{
				"SELECT count() FROM events":                                   committed,
				"SELECT count() FROM events WHERE event_type = 'kept'":         committed,
				"SELECT toUInt64(sum(events)) FROM events_15m":                 committed,
				"SELECT count() FROM dead_letters":                             0,
				"SELECT uniqExact(event_id) FROM events":                       committed,
				"SELECT count() FROM gaps":                                     0,
				"SELECT toUInt64(sum(events)) FROM events_1m WHERE bucket > 0": committed,
			} {
				var got uint64
				require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&got))
				require.EqualValues(t, want, got, query)
			}
		}

		transaction(false, 3) // Nothing but this at first.
		stop := run()
		check()
		for _, commit := range []bool{true, false, true, true, false} {
			transaction(commit, 5)
			if commit {
				committed += 5
			}
			check()
		}
		open := kafkatest.Begin(t, k, "two")
		open.ProduceTo(0, messages("aborted", 4)...)
		transaction(true, 2)
		committed += 2
		stop() // While one is open.
		stop = run()
		end(false, open)
		check()
		stop()
		transaction(false, 2)
		transaction(true, 1)
		transaction(false, 1)
		committed++
		stop = run()
		check()
		stop()
	})
}
