package kafkatest

import (
	"context"
	"testing"

	"github.com/segmentio/kafka-go"

	daybookkafka "daybook/pkg/kafka"
)

// Cluster is several brokers of a test's own. Leader, Coordinator and what
// waits for another one work on any broker.
type Cluster interface {
	// Config returns settings with topics of the test's own.
	Config(t testing.TB) daybookkafka.Config
	// MoveLeader makes another broker the leader of a partition of the settings'
	// topic, in order, and returns when clients are told so.
	MoveLeader(t testing.TB, config daybookkafka.Config, partition int)
	// MoveCoordinator does the same with the coordinator of the settings' group. For
	// some hundred milliseconds Apache Kafka's new one may answer with older offsets.
	MoveCoordinator(t testing.TB, config daybookkafka.Config)
}

// StartCluster starts a cluster of three brokers, which end with the test.
func StartCluster(t testing.TB, kind Kind) Cluster {
	t.Helper()
	if kind == ApacheKafka {
		return ApacheCluster(t, 3)
	}
	return EmbeddedCluster(t, 3)
}

// Leader returns the id of the broker that leads a partition of the settings' topic.
func Leader(t testing.TB, config daybookkafka.Config, partition int) int {
	t.Helper()
	return AwaitOtherLeader(t, config, partition, noBroker)
}

// AwaitOtherLeader waits until a partition of the settings' topic is led by
// another broker than one, which was killed, say, and returns its id.
func AwaitOtherLeader(t testing.TB, config daybookkafka.Config, partition, than int) int {
	t.Helper()
	return awaitBroker(t, config, "a leader", than, func(ctx context.Context, client *kafka.Client) int {
		return leader(ctx, client, config.Topic, partition)
	})
}

// Coordinator returns the id of the broker that coordinates the settings' group.
func Coordinator(t testing.TB, config daybookkafka.Config) int {
	t.Helper()
	return AwaitOtherCoordinator(t, config, noBroker)
}

// AwaitOtherCoordinator waits until the settings' group is coordinated by
// another broker than one, which was killed, say, and returns its id.
func AwaitOtherCoordinator(t testing.TB, config daybookkafka.Config, than int) int {
	t.Helper()
	return awaitBroker(t, config, "a coordinator", than, func(ctx context.Context, client *kafka.Client) int {
		answer, err := client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{Key: config.Group, KeyType: kafka.CoordinatorKeyTypeConsumer})
		if err != nil || answer.Error != nil || answer.Coordinator.Host == "" {
			return noBroker
		}
		return answer.Coordinator.NodeID
	})
}

// noBroker is the id of none.
const noBroker = -1

func awaitBroker(t testing.TB, config daybookkafka.Config, what string, than int, find func(context.Context, *kafka.Client) int) int {
	t.Helper()
	client, done := connect(config)
	defer done()
	found := noBroker
	poll(t, "there is "+what+", and another one than before", func(ctx context.Context) bool {
		found = find(ctx, client)
		return found != noBroker && found != than
	})
	return found
}

func leader(ctx context.Context, client *kafka.Client, topic string, partition int) int {
	if p, ok := describe(ctx, client, topic, partition); ok && p.Error == nil && p.Leader.Host != "" {
		return p.Leader.ID
	}
	return noBroker
}

func describe(ctx context.Context, client *kafka.Client, topic string, partition int) (kafka.Partition, bool) {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return kafka.Partition{}, false
	}
	for _, t := range metadata.Topics {
		for _, p := range t.Partitions {
			if t.Name == topic && p.ID == partition {
				return p, true
			}
		}
	}
	return kafka.Partition{}, false
}
