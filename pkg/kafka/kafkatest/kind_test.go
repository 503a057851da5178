package kafkatest_test

import (
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

func TestTopics_GrowAndGo(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		config := kafkatest.Start(t, kind)
		kafkatest.ProduceTo(t, config, 0, kafka.Message{Value: []byte("a")})
		kafkatest.AddPartitions(t, config, 5)
		kafkatest.ProduceTo(t, config, 4, kafka.Message{Value: []byte("b")})
		require.Equal(t, "b", string(read(t, config, 4, 1)[0].Value))

		kafkatest.DeleteTopic(t, config)
		_, err := daybookkafka.Partitions(t.Context(), config, config.Topic)
		require.ErrorIs(t, err, kafka.UnknownTopicOrPartition)
		kafkatest.CreateTopic(t, config, config.Topic, 1)
		kafkatest.ProduceTo(t, config, 0, kafka.Message{Value: []byte("anew")})
		got := read(t, config, 0, 1)[0]
		require.Equal(t, "anew", string(got.Value))
		require.Zero(t, got.Offset)
	})
}

func TestSetCommitted(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		config := kafkatest.Start(t, kind)
		for _, offset := range []int64{7, 3} { // Backwards as well.
			kafkatest.SetCommitted(t, config, 0, offset, "note")
			got, err := kafkatest.Committed(t.Context(), kafkatest.Client(t, config), config)
			require.NoError(t, err)
			require.Equal(t, offset, got)
		}
	})
}
