package embedded_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/embedded"
	daybookkafka "daybook/pkg/kafka"
)

// brokerProcess is a process that runs the broker until it is killed.
func brokerProcess() {
	_, err := embedded.StartBroker(embedded.BrokerConfig{Dir: os.Getenv("DAYBOOK_TEST_DIR"), Addr: os.Getenv("DAYBOOK_TEST_ADDR")})
	fmt.Println(err)
	select {}
}

func startBroker(t *testing.T, change func(*embedded.BrokerConfig)) *embedded.Broker {
	t.Helper()
	config := embedded.BrokerConfig{Dir: t.TempDir(), Addr: "127.0.0.1:0"}
	change(&config)
	broker, err := embedded.StartBroker(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, broker.Close()) })
	return broker
}

func kafkaClient(t *testing.T, addr string) *kafka.Client {
	t.Helper()
	transport := &kafka.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(addr), Transport: transport, Timeout: 10 * time.Second}
}

func createTopic(t *testing.T, addr, topic string, partitions int) {
	t.Helper()
	answer, err := kafkaClient(t, addr).CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}},
	})
	require.NoError(t, err)
	require.NoError(t, answer.Errors[topic])
}

// writeTo returns a writer whose messages all go to one partition.
func writeTo(t *testing.T, addr, topic string, partition int) *kafka.Writer {
	t.Helper()
	transport := &kafka.Transport{}
	writer := &kafka.Writer{
		Addr: kafka.TCP(addr), Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, BatchBytes: 15 << 20,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return partition }), Transport: transport, MaxAttempts: 1,
	}
	t.Cleanup(func() { _ = writer.Close(); transport.CloseIdleConnections() })
	return writer
}

// readAll reads a partition from its start to its end, without gaps.
func readAll(t *testing.T, addr, topic string, partition int) []kafka.Message {
	t.Helper()
	conn, err := kafka.DialLeader(t.Context(), "tcp", addr, topic, partition)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	first, last, err := conn.ReadOffsets()
	require.NoError(t, err)
	var messages []kafka.Message
	for next := first; next < last; {
		_, err := conn.Seek(next, kafka.SeekAbsolute)
		require.NoError(t, err)
		batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 32 << 20, MaxWait: time.Second})
		for {
			message, err := batch.ReadMessage()
			if err != nil {
				if !errors.Is(err, io.EOF) {
					require.NoError(t, err)
				}
				break
			}
			require.Equal(t, next, message.Offset)
			messages = append(messages, message)
			next++
		}
		require.NoError(t, batch.Close())
	}
	return messages
}

func TestBroker_KilledKeepsWhatItAcknowledged(t *testing.T) {
	dir, addr := t.TempDir(), freeAddr(t)
	environment := []string{"DAYBOOK_TEST_DIR=" + dir, "DAYBOOK_TEST_ADDR=" + addr}
	process, line := startSelf(t, "broker", environment...)
	require.Equal(t, "<nil>", line)
	createTopic(t, addr, "events", 2)

	const metadata = `v1;E=12345;n=6789`
	acknowledged := 0
	for round := range 3 {
		// One goroutine writes until the broker dies under it.
		writer := writeTo(t, addr, "events", 1)
		var writing sync.WaitGroup
		var counted = make(chan int, 1)
		commit := int64(acknowledged)
		answer, err := kafkaClient(t, addr).OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
			GroupID: "g", GenerationID: -1,
			Topics: map[string][]kafka.OffsetCommit{"events": {{Partition: 1, Offset: commit, Metadata: metadata + strconv.Itoa(round)}}},
		})
		require.NoError(t, err)
		require.NoError(t, answer.Topics["events"][0].Error)
		enough := make(chan struct{})
		writing.Go(func() {
			n := acknowledged
			for {
				messages := make([]kafka.Message, 100)
				for i := range messages {
					messages[i].Value = []byte(strconv.Itoa(n + i))
				}
				if writer.WriteMessages(t.Context(), messages...) != nil {
					counted <- n
					return
				}
				if n += len(messages); n == acknowledged+3000 {
					close(enough)
				}
			}
		})
		<-enough
		require.NoError(t, process.Process.Kill())
		_ = process.Wait() // It was killed.
		writing.Wait()
		acknowledged = <-counted

		process, line = startSelf(t, "broker", environment...)
		require.Equal(t, "<nil>", line)
		messages := readAll(t, addr, "events", 1)
		require.GreaterOrEqual(t, len(messages), acknowledged)
		for i := range acknowledged {
			require.Equal(t, strconv.Itoa(i), string(messages[i].Value))
		}
		// What the broker had when it died without having said so counts from here.
		acknowledged = len(messages)

		fetched, err := kafkaClient(t, addr).OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: "g", Topics: map[string][]int{"events": {1}}})
		require.NoError(t, err)
		require.Equal(t, commit, fetched.Topics["events"][0].CommittedOffset)
		require.Equal(t, metadata+strconv.Itoa(round), fetched.Topics["events"][0].Metadata)
	}
}

func TestBroker_ClosedAndStartedAgain(t *testing.T) {
	dir := t.TempDir()
	broker := startBroker(t, func(c *embedded.BrokerConfig) { c.Dir = dir })
	createTopic(t, broker.Addr(), "events", -1)
	require.NoError(t, writeTo(t, broker.Addr(), "events", 7).WriteMessages(t.Context(), kafka.Message{Key: []byte("k"), Value: []byte("v")}))
	require.NoError(t, broker.Close())
	require.NoError(t, broker.Close(), "a second time")

	again := startBroker(t, func(c *embedded.BrokerConfig) { c.Dir, c.Addr = dir, broker.Addr() })
	messages := readAll(t, again.Addr(), "events", 7)
	require.Len(t, messages, 1)
	require.Equal(t, "k", string(messages[0].Key))
}

// A broker on a new folder is another cluster: positions of the old one mean
// nothing there.
func TestBroker_ClusterIsItsFolder(t *testing.T) {
	epoch := func(dir string) uint32 {
		broker := startBroker(t, func(c *embedded.BrokerConfig) { c.Dir = dir })
		defer func() { require.NoError(t, broker.Close()) }()
		c := daybookkafka.DefaultConfig()
		c.Brokers = []string{broker.Addr()}
		epoch, err := daybookkafka.TopicEpoch(t.Context(), c, "events")
		require.NoError(t, err)
		return epoch
	}
	one, other := t.TempDir(), t.TempDir()
	first := epoch(one)
	require.Equal(t, first, epoch(one))
	require.NotEqual(t, first, epoch(other))
}

func TestBroker_LargeMessages(t *testing.T) {
	broker := startBroker(t, func(*embedded.BrokerConfig) {})
	createTopic(t, broker.Addr(), "events", 1)
	large := make([]byte, 5<<20)
	_, _ = rand.Read(large) // It never fails.
	writer := writeTo(t, broker.Addr(), "events", 0)
	require.NoError(t, writer.WriteMessages(t.Context(), kafka.Message{Value: large}, kafka.Message{Value: []byte("small")}))
	messages := readAll(t, broker.Addr(), "events", 0)
	require.Len(t, messages, 2)
	require.True(t, bytes.Equal(large, messages[0].Value))

	reader := kafka.NewReader(kafka.ReaderConfig{Brokers: []string{broker.Addr()}, Topic: "events", MaxBytes: 32 << 20, MaxWait: 100 * time.Millisecond})
	message, err := reader.ReadMessage(t.Context())
	require.NoError(t, err)
	require.Len(t, message.Value, len(large))
	require.NoError(t, reader.Close())

	writer.BatchBytes = 64 << 20
	err = writer.WriteMessages(t.Context(), kafka.Message{Value: make([]byte, 17<<20)})
	require.ErrorContains(t, err, kafka.MessageSizeTooLarge.Title())
}

func TestBroker_AddressTaken(t *testing.T) {
	broker := startBroker(t, func(*embedded.BrokerConfig) {})
	_, err := embedded.StartBroker(embedded.BrokerConfig{Dir: t.TempDir(), Addr: broker.Addr()})
	require.EqualError(t, err, "embedded.kafka_addr: "+broker.Addr()+" is in use by another process; stop it, or set another address")
}

// Clients connect to what the broker calls itself, so that must not be 0.0.0.0.
func TestBroker_EveryInterface(t *testing.T) {
	broker := startBroker(t, func(c *embedded.BrokerConfig) { c.Addr = "0.0.0.0:0" })
	host, _, err := net.SplitHostPort(broker.Addr())
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1", host)
	createTopic(t, broker.Addr(), "events", 1)
	require.NoError(t, writeTo(t, broker.Addr(), "events", 0).WriteMessages(t.Context(), kafka.Message{Value: []byte("v")}))
}

// Behind a port mapping, clients are told the address that is mapped.
func TestBroker_Advertise(t *testing.T) {
	broker := startBroker(t, func(c *embedded.BrokerConfig) { c.Advertise = "kafka.example:19092" })
	metadata, err := kafkaClient(t, broker.Addr()).Metadata(t.Context(), &kafka.MetadataRequest{})
	require.NoError(t, err)
	require.Len(t, metadata.Brokers, 1)
	require.Equal(t, "kafka.example", metadata.Brokers[0].Host)
	require.Equal(t, 19092, metadata.Brokers[0].Port)

	_, err = embedded.StartBroker(embedded.BrokerConfig{Dir: t.TempDir(), Addr: "127.0.0.1:0", Advertise: "nonsense"})
	require.ErrorContains(t, err, `"nonsense": it is not host:port`)
}

func TestBroker_DamagedFolder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "meta.json"), []byte("{"), 0o600))
	addr := freeAddr(t)
	_, err := embedded.StartBroker(embedded.BrokerConfig{Dir: dir, Addr: addr})
	require.ErrorContains(t, err, "start the embedded broker on "+dir)
	listener, err := net.Listen("tcp", addr)
	require.NoError(t, err, "the address is free again")
	require.NoError(t, listener.Close())
}

func TestBroker_Kcat(t *testing.T) {
	kcat, err := exec.LookPath("kcat")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("kcat is not installed: apt-get install kcat")
		}
		t.Skip("SKIP: kcat is not installed: apt-get install kcat")
	}
	broker := startBroker(t, func(*embedded.BrokerConfig) {})
	createTopic(t, broker.Addr(), "events", 3)
	run := func(stdin string, args ...string) (string, error) {
		command := exec.CommandContext(t.Context(), kcat, append([]string{"-b", broker.Addr()}, args...)...)
		command.Stdin = strings.NewReader(stdin)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	out, err := run("one\ntwo\nthree\n", "-P", "-t", "events")
	require.NoError(t, err, out)
	out, err = run("", "-C", "-t", "events", "-e", "-q")
	require.NoError(t, err, out)
	lines := strings.Fields(out)
	slices.Sort(lines)
	require.Equal(t, []string{"one", "three", "two"}, lines)
	out, err = run("", "-L")
	require.NoError(t, err, out)
	require.Contains(t, out, `topic "events" with 3 partitions`)
	require.Contains(t, out, broker.Addr())

	out, err = run("x\n", "-P", "-t", "evnets", "-X", "message.timeout.ms=2000")
	require.Error(t, err, "a topic that nobody created: %s", out)
	out, err = run("", "-L")
	require.NoError(t, err, out)
	require.NotContains(t, out, "evnets")
}
