package kafkatest_test

import (
	"strconv"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/kafka/kafkatest"
)

func TestStartEmbedded(t *testing.T) {
	config := kafkatest.StartEmbedded(t)
	var messages []kafka.Message
	for i := range 1000 {
		messages = append(messages, kafka.Message{Value: []byte(strconv.Itoa(i))})
	}
	kafkatest.ProduceTo(t, config, 1, messages...)
	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: config.Brokers, Topic: config.Topic, Partition: 1, MaxBytes: 32 << 20})
	t.Cleanup(func() { require.NoError(t, reader.Close()) })
	for i := range 1000 {
		message, err := reader.ReadMessage(t.Context())
		require.NoError(t, err)
		require.Equal(t, int64(i), message.Offset)
		require.Equal(t, strconv.Itoa(i), string(message.Value))
	}
}
