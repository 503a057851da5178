package ingest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/kafka/kafkatest"
)

// A plan that was acknowledged is what the next owner reads, also right after the
// group's coordinator has moved. Without the fence Apache Kafka answers with the
// plan before it nearly each time.
func TestLedger_ReadsTheNewestPlan(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		cluster := kafkatest.StartCluster(t, kind)
		config := cluster.Config(t)
		l := &ledger{client: kafkatest.Client(t, config), group: config.Group, topic: config.Topic, generation: -1, fence: config.DeadLetterTopic,
			unfenced: func(err error) { t.Error(err) }}
		for i := range int64(10) {
			_, found, err := l.read(t.Context(), 1)
			require.NoError(t, err)
			require.Equal(t, i > 0, found)
			want := plan{offset: i, end: i + 5}
			require.NoError(t, l.commit(t.Context(), 1, want))
			cluster.MoveCoordinator(t, config)
			var got plan
			require.Eventually(t, func() bool { // It refuses until it has loaded what it took over.
				got, found, err = l.read(t.Context(), 1)
				return err == nil
			}, 30*time.Second, time.Millisecond)
			require.True(t, found)
			require.Equal(t, want, got)
		}
	})
}
