package kafkatest

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	daybookkafka "daybook/pkg/kafka"
)

// EmbeddedBrokers is a cluster in this process, of the broker that Daybook
// embeds. Its brokers share what they hold, so none of them can be lost alone;
// who leads and who coordinates moves as it does elsewhere.
type EmbeddedBrokers struct{ cluster *kfake.Cluster }

// EmbeddedCluster starts a cluster of so many brokers, which end with the test.
func EmbeddedCluster(t testing.TB, brokers int) *EmbeddedBrokers {
	t.Helper()
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(brokers), kfake.DataDir(t.TempDir()), kfake.SyncWrites(), kfake.DefaultNumPartitions(Partitions),
		kfake.BrokerConfigs(map[string]string{"message.max.bytes": "16777216", "group.min.session.timeout.ms": "1000"}),
	)
	if err != nil {
		t.Fatalf("start a cluster: %v", err)
	}
	t.Cleanup(cluster.Close)
	return &EmbeddedBrokers{cluster}
}

// Config implements Cluster.
func (e *EmbeddedBrokers) Config(t testing.TB) daybookkafka.Config {
	t.Helper()
	return fresh(t, e.cluster.ListenAddrs(), len(e.cluster.ListenAddrs()))
}

// MoveLeader implements Cluster.
func (e *EmbeddedBrokers) MoveLeader(t testing.TB, config daybookkafka.Config, partition int) {
	t.Helper()
	old := Leader(t, config, partition)
	next := (old + 1) % len(e.cluster.ListenAddrs())
	if err := e.cluster.MoveTopicPartition(config.Topic, int32(partition), int32(next)); err != nil {
		t.Fatalf("move the leader of %s/%d: %v", config.Topic, partition, err)
	}
	AwaitOtherLeader(t, config, partition, old)
}

// MoveCoordinator implements Cluster. Other groups move, too.
func (e *EmbeddedBrokers) MoveCoordinator(t testing.TB, config daybookkafka.Config) {
	t.Helper()
	old := e.cluster.CoordinatorFor(config.Group)
	for e.cluster.CoordinatorFor(config.Group) == old { // By a hash, which may lead to the same one.
		e.cluster.RehashCoordinators()
	}
	AwaitOtherCoordinator(t, config, int(old))
}
