package kafkatest

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"

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

// ProduceRaw sends a batch as it is to one partition of the settings' topic, and
// returns what the broker says to it.
func ProduceRaw(t testing.TB, config daybookkafka.Config, partition int, batch []byte) error {
	t.Helper()
	client, done := connect(config)
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	answer, err := client.RawProduce(ctx, &kafka.RawProduceRequest{
		Topic: config.Topic, Partition: partition, RequiredAcks: kafka.RequireAll,
		RawRecords: protocol.RawRecordSet{Reader: bytes.NewReader(append(binary.BigEndian.AppendUint32(nil, uint32(len(batch))), batch...))},
	})
	if err != nil {
		return err
	}
	return answer.Error
}

// Batch encodes a batch whose attributes say that records is compressed with a
// codec (1 gzip, 2 snappy, 3 lz4, 4 zstd; there is none from 5 to 7), whatever
// it is. Its checksum is right.
func Batch(codec int16, count int, records []byte) []byte {
	now := time.Now().UnixMilli()
	batch := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, Attributes: codec, LastOffsetDelta: int32(count - 1),
		FirstTimestamp: now, MaxTimestamp: now, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(count), Records: records,
	}
	encoded := batch.AppendTo(nil)
	binary.BigEndian.PutUint32(encoded[8:], uint32(len(encoded)-12))
	binary.BigEndian.PutUint32(encoded[17:], crc32.Checksum(encoded[21:], crc32.MakeTable(crc32.Castagnoli)))
	return encoded
}

// Records encodes the keys and values of messages as a batch has them.
func Records(messages ...kafka.Message) []byte {
	var encoded []byte
	for i, message := range messages {
		record := kmsg.Record{OffsetDelta: int32(i), Key: message.Key, Value: message.Value}
		for _, header := range message.Headers {
			record.Headers = append(record.Headers, kmsg.Header{Key: header.Key, Value: header.Value})
		}
		body := record.AppendTo(nil)
		record.Length = int32(len(body) - 1) // Without itself, which takes one byte as 0.
		encoded = record.AppendTo(encoded)
	}
	return encoded
}
