package kafkatest

import (
	"context"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	daybookkafka "daybook/pkg/kafka"
)

// ApacheNodes is an Apache Kafka of several nodes. With three, every partition,
// those of the groups' offsets included, has three replicas, of which two must
// have what is acknowledged: one node may be lost at any time.
type ApacheNodes struct{ nodes []*Apache }

// ApacheCluster starts an Apache Kafka of so many nodes, which end with the
// test. Each is broker and controller in one.
func ApacheCluster(t testing.TB, nodes int) *ApacheNodes {
	t.Helper()
	c := &ApacheNodes{makeNodes(t, nodes, nil)}
	var starting errgroup.Group
	for _, node := range c.nodes {
		starting.Go(node.Start)
	}
	if err := starting.Wait(); err != nil {
		t.Fatalf("start Apache Kafka: %v", err)
	}
	return c
}

// Node returns a node by its id, which Leader and Coordinator return: to kill
// it, start it again, or send it a signal. After Start, AwaitInSync says when the
// next one may be lost.
func (c *ApacheNodes) Node(id int) *Apache { return c.nodes[id-1] }

// Config implements Cluster.
func (c *ApacheNodes) Config(t testing.TB) daybookkafka.Config {
	t.Helper()
	addrs := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		addrs[i] = node.addr
	}
	config := fresh(t, addrs, min(len(addrs), 3))
	awaitCoordinator(t, config)
	c.AwaitInSync(t, config)
	return config
}

// AwaitInSync waits until every replica of the settings' topics and of the
// groups' offsets has all that was acknowledged.
func (c *ApacheNodes) AwaitInSync(t testing.TB, config daybookkafka.Config) {
	t.Helper()
	client, done := connect(config)
	defer done()
	names := []string{config.Topic, config.DeadLetterTopic, offsetsTopic}
	poll(t, "all replicas are in sync", func(ctx context.Context) bool {
		metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
		if err != nil || len(metadata.Topics) != len(names) {
			return false
		}
		for _, topic := range metadata.Topics {
			if topic.Error != nil {
				return false
			}
			for _, p := range topic.Partitions {
				if p.Error != nil || len(p.Isr) < len(p.Replicas) {
					return false
				}
			}
		}
		return true
	})
}

// MoveLeader implements Cluster.
func (c *ApacheNodes) MoveLeader(t testing.TB, config daybookkafka.Config, partition int) {
	t.Helper()
	old := Leader(t, config, partition)
	c.move(t, config, config.Topic, partition)
	AwaitOtherLeader(t, config, partition, old)
}

// MoveCoordinator implements Cluster. Groups whose offsets are in the same
// partition move, too.
func (c *ApacheNodes) MoveCoordinator(t testing.TB, config daybookkafka.Config) {
	t.Helper()
	old := Coordinator(t, config)
	c.move(t, config, offsetsTopic, offsetsPartition(config.Group))
	AwaitOtherCoordinator(t, config, old)
}

// offsetsTopic is where Apache Kafka keeps the groups' offsets. The leader of a
// group's partition is the group's coordinator.
const offsetsTopic = "__consumer_offsets"

// offsetsPartition returns the partition of a group, by Java's hashCode.
func offsetsPartition(group string) int {
	var hash int32
	for _, char := range group { // Of ASCII, as groups of tests are.
		hash = hash*31 + char
	}
	return max(int(hash), -int(hash)) % offsetsPartitions
}

// move makes the leader of a partition the last of its replicas, and the one
// after it the leader.
func (c *ApacheNodes) move(t testing.TB, config daybookkafka.Config, topic string, partition int) {
	t.Helper()
	client, done := connect(config)
	defer done()
	var order []int
	poll(t, "the replicas are known", func(ctx context.Context) bool {
		p, ok := describe(ctx, client, topic, partition)
		if !ok || p.Leader.Host == "" || len(p.Isr) < len(p.Replicas) {
			return false
		}
		order = order[:0]
		for _, replica := range p.Replicas {
			if replica.ID != p.Leader.ID {
				order = append(order, replica.ID)
			}
		}
		order = append(order, p.Leader.ID)
		return true
	})
	ask(t, config, "reorder the replicas of "+topic, func(ctx context.Context, client *kafka.Client) error {
		answer, err := client.AlterPartitionReassignments(ctx, &kafka.AlterPartitionReassignmentsRequest{
			Topic: topic, Assignments: []kafka.AlterPartitionReassignmentsRequestAssignment{{PartitionID: partition, BrokerIDs: order}},
			Timeout: 10 * time.Second,
		})
		if err != nil {
			return err
		}
		if answer.Error != nil {
			return answer.Error
		}
		return answer.PartitionResults[0].Error
	})
	poll(t, "the first replica leads", func(ctx context.Context) bool {
		if leader(ctx, client, topic, partition) == order[0] {
			return true
		}
		// Refused while the reordering is going on, and once it leads.
		_, _ = client.ElectLeaders(ctx, &kafka.ElectLeadersRequest{Topic: topic, Partitions: []int{partition}, Timeout: 10 * time.Second})
		return false
	})
}
