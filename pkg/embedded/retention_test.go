package embedded

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/bytesize"
)

// retained starts a broker with a topic `a/b-1` of one partition, whose segments
// hold about ten messages each.
func retained(t *testing.T, config BrokerConfig, segment string) (*Broker, *kafka.Writer) {
	t.Helper()
	config.Addr, config.Partitions = "127.0.0.1:0", 1
	broker, err := StartBroker(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, broker.Close()) })
	transport := &kafka.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client := &kafka.Client{Addr: kafka.TCP(broker.Addr()), Transport: transport}
	answer, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: "a.b-1", NumPartitions: 1, ReplicationFactor: 1,
		ConfigEntries: []kafka.ConfigEntry{{ConfigName: "segment.bytes", ConfigValue: segment}},
	}}})
	require.NoError(t, err)
	require.NoError(t, answer.Errors["a.b-1"])
	writer := &kafka.Writer{Addr: client.Addr, Topic: "a.b-1", RequiredAcks: kafka.RequireAll, BatchSize: 1, BatchBytes: 15 << 20, Transport: transport}
	t.Cleanup(func() { require.NoError(t, writer.Close()) })
	return broker, writer
}

func bounds(t *testing.T, addr string) (first, last int64) {
	t.Helper()
	conn, err := kafka.DialLeader(t.Context(), "tcp", addr, "a.b-1", 0)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	first, last, err = conn.ReadOffsets()
	require.NoError(t, err)
	return first, last
}

func TestBroker_RetentionByArrival(t *testing.T) {
	dir := t.TempDir()
	broker, writer := retained(t, BrokerConfig{Dir: dir}, "1000")
	for range 50 { // From a client whose clock is at 1970.
		require.NoError(t, writer.WriteMessages(t.Context(), kafka.Message{Time: time.Unix(1, 0), Value: make([]byte, 30)}))
	}
	week := time.Now().Add(-7 * 24 * time.Hour)
	require.NoError(t, broker.deleteOlder(t.Context(), dir, week))
	broker.cluster.ApplyRetention()
	first, last := bounds(t, broker.Addr())
	require.Zero(t, first, "the messages have just arrived, whatever they say")
	require.Equal(t, int64(50), last)

	segments, err := filepath.Glob(filepath.Join(dir, "partitions", "*", "*.dat"))
	require.NoError(t, err)
	require.Greater(t, len(segments), 3)
	for _, path := range segments {
		require.NoError(t, os.Chtimes(path, week, week.Add(-time.Hour)))
	}
	require.NoError(t, broker.deleteOlder(t.Context(), dir, week))
	first, last = bounds(t, broker.Addr())
	require.Positive(t, first)
	require.Less(t, first, int64(50), "the last segment stays")
	require.Equal(t, int64(50), last)
	left, err := filepath.Glob(filepath.Join(dir, "partitions", "*", "*.dat"))
	require.NoError(t, err)
	require.Len(t, left, 1)
	require.NoError(t, broker.deleteOlder(t.Context(), dir, week), "nothing left to do")

	// What a crash leaves: the files as they are now.
	crashed := t.TempDir()
	require.NoError(t, os.CopyFS(crashed, os.DirFS(dir)))
	again, err := StartBroker(BrokerConfig{Dir: crashed, Addr: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, again.Close()) })
	firstAgain, lastAgain := bounds(t, again.Addr())
	require.Equal(t, first, firstAgain)
	require.Equal(t, last, lastAgain, "offsets are never given twice")
}

func TestBroker_RetentionBySize(t *testing.T) {
	dir := t.TempDir()
	broker, writer := retained(t, BrokerConfig{Dir: dir, RetentionBytes: 64 * bytesize.MiB}, "8000000")
	for range 30 {
		require.NoError(t, writer.WriteMessages(context.Background(), kafka.Message{Value: make([]byte, 4<<20)}))
	}
	broker.cluster.ApplyRetention()
	first, last := bounds(t, broker.Addr())
	require.Equal(t, int64(30), last)
	require.InDelta(t, 14, first, 2, "64 MiB of 120 are left")
}
