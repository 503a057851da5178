package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	daybookkafka "daybook/pkg/kafka"
)

// Produce publishes messages to the settings' topic and returns once every
// replica has them. A message goes where its key says; where Partition is set
// in all of them, use ProduceTo.
func Produce(t testing.TB, config daybookkafka.Config, messages ...kafka.Message) {
	t.Helper()
	write(t, config, &kafka.Writer{Balancer: &kafka.Hash{}}, messages)
}

// ProduceTo publishes messages to one partition of the settings' topic, in order.
func ProduceTo(t testing.TB, config daybookkafka.Config, partition int, messages ...kafka.Message) {
	t.Helper()
	write(t, config, &kafka.Writer{Balancer: only(partition)}, messages)
}

// ProduceCompressed is ProduceTo with batches that are compressed.
func ProduceCompressed(t testing.TB, config daybookkafka.Config, partition int, codec kafka.Compression, messages ...kafka.Message) {
	t.Helper()
	write(t, config, &kafka.Writer{Balancer: only(partition), Compression: codec}, messages)
}

func only(partition int) kafka.Balancer {
	return kafka.BalancerFunc(func(kafka.Message, ...int) int { return partition })
}

func write(t testing.TB, config daybookkafka.Config, writer *kafka.Writer, messages []kafka.Message) {
	t.Helper()
	client, done := connect(config)
	defer done()
	writer.Addr, writer.Transport, writer.Topic = client.Addr, client.Transport, config.Topic
	writer.RequiredAcks, writer.BatchTimeout = kafka.RequireAll, time.Millisecond
	writer.BatchSize, writer.BatchBytes = 10_000, 15<<20
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := writer.WriteMessages(ctx, messages...); err != nil {
		t.Fatalf("produce to %s: %v", config.Topic, err)
	}
	if err := writer.Close(); err != nil {
		t.Fatalf("close the producer of %s: %v", config.Topic, err)
	}
}
