package kafkatest_test

import (
	"strconv"
	"syscall"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"

	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

// number publishes messages to partition 0 that say what their offset must be.
func number(t *testing.T, config daybookkafka.Config, from, count int) {
	t.Helper()
	var messages []kafka.Message
	for i := range count {
		messages = append(messages, kafka.Message{Value: []byte(strconv.Itoa(from + i))})
	}
	kafkatest.ProduceTo(t, config, 0, messages...)
}

func requireNumbers(t *testing.T, config daybookkafka.Config, count int) {
	t.Helper()
	for i, message := range read(t, config, 0, count) {
		require.Equal(t, int64(i), message.Offset)
		require.Equal(t, strconv.Itoa(i), string(message.Value))
	}
}

func TestCluster_MovesInOrder(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		cluster := kafkatest.StartCluster(t, kind)
		config := cluster.Config(t)
		require.Len(t, config.Brokers, 3)
		number(t, config, 0, 10)
		kafkatest.SetCommitted(t, config, 0, 5, "plan")
		for range 3 {
			leader, coordinator := kafkatest.Leader(t, config, 0), kafkatest.Coordinator(t, config)
			cluster.MoveLeader(t, config, 0)
			require.NotEqual(t, leader, kafkatest.Leader(t, config, 0))
			cluster.MoveCoordinator(t, config)
			require.NotEqual(t, coordinator, kafkatest.Coordinator(t, config))
		}
		number(t, config, 10, 10)
		requireNumbers(t, config, 20)
		kafkatest.AwaitCommitted(t, config, 5)
	})
}

func TestApacheCluster_LosesNodes(t *testing.T) {
	cluster := kafkatest.ApacheCluster(t, 3)
	config := cluster.Config(t)
	number(t, config, 0, 10)
	kafkatest.SetCommitted(t, config, 0, 5, "plan")

	leader := kafkatest.Leader(t, config, 0)
	cluster.Node(leader).Kill()
	kafkatest.AwaitOtherLeader(t, config, 0, leader)
	number(t, config, 10, 10)
	require.NoError(t, cluster.Node(leader).Start())
	cluster.AwaitInSync(t, config)

	coordinator := kafkatest.Coordinator(t, config)
	cluster.Node(coordinator).Kill()
	kafkatest.AwaitOtherCoordinator(t, config, coordinator)
	kafkatest.AwaitCommitted(t, config, 5)
	require.NoError(t, cluster.Node(coordinator).Start())
	cluster.AwaitInSync(t, config)

	leader = kafkatest.Leader(t, config, 0)
	require.NoError(t, cluster.Node(leader).Signal(syscall.SIGSTOP))
	kafkatest.AwaitOtherLeader(t, config, 0, leader)
	number(t, config, 20, 10)
	require.NoError(t, cluster.Node(leader).Signal(syscall.SIGCONT))
	cluster.AwaitInSync(t, config)
	requireNumbers(t, config, 30)
}
