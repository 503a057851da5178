package kafkatest_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

func TestMain(m *testing.M) {
	if os.Getenv("DAYBOOK_TEST_ROLE") == "parent" {
		os.Exit(m.Run()) // TestParent alone; see TestStartApache_EndsWithTheTestBinary.
	}
	goleak.VerifyTestMain(kafkatest.Main(m))
}

// read reads the messages of a partition from its start.
func read(t *testing.T, config daybookkafka.Config, partition, count int) []kafka.Message {
	t.Helper()
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: config.Brokers, Topic: config.Topic, Partition: partition, MaxBytes: 32 << 20, MaxWait: 100 * time.Millisecond,
	})
	defer func() { require.NoError(t, reader.Close()) }()
	messages := make([]kafka.Message, count)
	for i := range messages {
		var err error
		messages[i], err = reader.ReadMessage(t.Context())
		require.NoError(t, err)
	}
	return messages
}

// What tests rely on holds on both brokers.
func TestBrokers(t *testing.T) {
	for name, start := range map[string]func(testing.TB) daybookkafka.Config{"embedded": kafkatest.StartEmbedded, "Apache": kafkatest.StartApache} {
		t.Run(name, func(t *testing.T) {
			config := start(t)
			require.NoError(t, config.Validate())
			require.NoError(t, daybookkafka.EnsureTopics(t.Context(), config), "the topics are there")
			partitions, err := daybookkafka.Partitions(t.Context(), config, config.Topic)
			require.NoError(t, err)
			require.Len(t, partitions, kafkatest.Partitions)

			var messages []kafka.Message
			for i := range 1000 {
				messages = append(messages, kafka.Message{Value: []byte(strconv.Itoa(i))})
			}
			kafkatest.ProduceTo(t, config, 1, messages...)
			for i, message := range read(t, config, 1, len(messages)) {
				require.Equal(t, int64(i), message.Offset)
				require.Equal(t, strconv.Itoa(i), string(message.Value))
			}
			kafkatest.Produce(t, config, kafka.Message{Key: []byte("k"), Value: make([]byte, 5<<20)})

			client, release, err := config.Client()
			require.NoError(t, err)
			defer release()
			committed, err := client.OffsetCommit(t.Context(), &kafka.OffsetCommitRequest{
				GroupID: config.Group, GenerationID: -1,
				Topics: map[string][]kafka.OffsetCommit{config.Topic: {{Partition: 1, Offset: 5, Metadata: "v1;E=9"}}},
			})
			require.NoError(t, err)
			require.NoError(t, committed.Topics[config.Topic][0].Error)
			fetched, err := client.OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{GroupID: config.Group, Topics: map[string][]int{config.Topic: {1}}})
			require.NoError(t, err)
			require.Equal(t, int64(5), fetched.Topics[config.Topic][0].CommittedOffset)
			require.Equal(t, "v1;E=9", fetched.Topics[config.Topic][0].Metadata)

			other := start(t)
			require.NotEqual(t, config.Topic, other.Topic)
		})
	}
}

func TestApacheServer_KilledAndStartedAgain(t *testing.T) {
	broker := kafkatest.ApacheServer(t)
	config := broker.Config(t)
	kafkatest.ProduceTo(t, config, 0, kafka.Message{Value: []byte("kept")})
	broker.Kill()
	require.Error(t, broker.Signal(syscall.SIGCONT), "it is dead")
	require.NoError(t, broker.Start())
	require.Error(t, broker.Start(), "it runs")
	require.Equal(t, "kept", string(read(t, config, 0, 1)[0].Value))
}

// TestParent is a part of TestStartApache_EndsWithTheTestBinary, which runs it
// in a process of its own and kills that.
func TestParent(t *testing.T) {
	if os.Getenv("DAYBOOK_TEST_ROLE") != "parent" {
		return // Nothing to do in the process that the others run in.
	}
	fmt.Println("addr", kafkatest.StartApache(t).Brokers[0])
	select {}
}

func TestStartApache_EndsWithTheTestBinary(t *testing.T) {
	kafkatest.StartApache(t) // Skips or fails where there is none.
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), self, "-test.run=^TestParent$")
	command.Env = append(os.Environ(), "DAYBOOK_TEST_ROLE=parent", "TMPDIR="+t.TempDir())
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	var addr string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "addr "); ok {
			addr = rest
			break
		}
	}
	require.NotEmpty(t, addr)
	require.NoError(t, command.Process.Kill())
	_ = command.Wait() // It was killed.
	deadline := time.Now().Add(10 * time.Second)
	for {
		conn, err := kafka.DialContext(t.Context(), "tcp", addr)
		if err != nil {
			return
		}
		require.NoError(t, conn.Close())
		require.True(t, time.Now().Before(deadline), "the broker goes on")
	}
}
