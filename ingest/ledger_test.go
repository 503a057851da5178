package ingest

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
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

// Ingest goes on, and says so, where the topic of the fence was deleted meanwhile.
func TestLedger_WithoutItsFence(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		config := kafkatest.Start(t, kind)
		var told error
		l := &ledger{client: kafkatest.Client(t, config), group: config.Group, topic: config.Topic, generation: -1, fence: config.Topic + ".gone",
			unfenced: func(err error) { told = err }}
		want := plan{offset: 3, end: 5}
		require.NoError(t, l.commit(t.Context(), 1, want))
		got, found, err := l.read(t.Context(), 1)
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, want, got)
		require.ErrorIs(t, told, kafka.UnknownTopicOrPartition)
	})
}
