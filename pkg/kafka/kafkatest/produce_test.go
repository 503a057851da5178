package kafkatest_test

import (
	"bytes"
	"compress/gzip"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/stretchr/testify/require"

	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

// odd are messages that events never look like.
var odd = []kafka.Message{
	{Key: []byte("key"), Value: []byte("value"), Headers: []kafka.Header{{Key: "a", Value: []byte("1")}, {Key: "a", Value: []byte("2")}}},
	{Key: []byte("tombstone")},
	{Value: []byte("no key")},
	{},
}

func requireOdd(t *testing.T, config daybookkafka.Config) {
	t.Helper()
	for i, got := range read(t, config, 0, len(odd)) {
		require.Equal(t, odd[i].Key == nil, got.Key == nil)
		require.Equal(t, odd[i].Value == nil, got.Value == nil)
		require.Equal(t, string(odd[i].Key), string(got.Key))
		require.Equal(t, string(odd[i].Value), string(got.Value))
		require.ElementsMatch(t, odd[i].Headers, got.Headers)
	}
}

func TestProduceCompressed(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		for _, codec := range []kafka.Compression{kafka.Gzip, kafka.Snappy, kafka.Lz4, kafka.Zstd} {
			config := kafkatest.Start(t, kind)
			kafkatest.ProduceCompressed(t, config, 0, codec, odd...)
			requireOdd(t, config)
			answer, err := kafkatest.Client(t, config).Fetch(t.Context(), &kafka.FetchRequest{Topic: config.Topic, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second})
			require.NoError(t, err)
			require.NoError(t, answer.Error)
			batch := answer.Records.(*protocol.RecordStream).Records[0].(*protocol.RecordBatch)
			require.Equal(t, codec, batch.Attributes.Compression())
		}
	})
}

func TestProduceRaw(t *testing.T) {
	records := kafkatest.Records(odd...)
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write(records)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	badSum := kafkatest.Batch(0, len(odd), records)
	badSum[len(badSum)-1] ^= 1

	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		for name, batch := range map[string][]byte{"plain": kafkatest.Batch(0, len(odd), records), "gzip": kafkatest.Batch(1, len(odd), zipped.Bytes())} {
			config := kafkatest.Start(t, kind)
			require.NoError(t, kafkatest.ProduceRaw(t, config, 0, batch), name)
			requireOdd(t, config)
		}
		config := kafkatest.Start(t, kind)
		for codec := int16(5); codec <= 7; codec++ {
			require.Error(t, kafkatest.ProduceRaw(t, config, 0, kafkatest.Batch(codec, len(odd), records)), "neither takes an unknown codec")
		}
		require.ErrorIs(t, kafkatest.ProduceRaw(t, config, 0, badSum), kafka.InvalidMessage)
		// Apache Kafka looks into a batch before it takes it, the embedded broker
		// doesn't: there it is the reader who finds out.
		for name, batch := range map[string][]byte{
			"no gzip":                    kafkatest.Batch(1, len(odd), []byte("no gzip")),
			"no snappy":                  kafkatest.Batch(2, len(odd), []byte("no snappy")),
			"no lz4":                     kafkatest.Batch(3, len(odd), []byte("no lz4")),
			"no zstd":                    kafkatest.Batch(4, len(odd), []byte("no zstd")),
			"gzip that ends early":       kafkatest.Batch(1, len(odd), zipped.Bytes()[:zipped.Len()/2]),
			"no records":                 kafkatest.Batch(0, len(odd), []byte("\x02ga")),
			"fewer records than it says": kafkatest.Batch(0, len(odd)+1, records),
		} {
			err := kafkatest.ProduceRaw(t, config, 0, batch)
			require.Equal(t, kind == kafkatest.ApacheKafka, err != nil, "%s: %v", name, err)
		}
	})
}
