// Package kafkatest gives tests real brokers: the one that Daybook embeds, and
// Apache Kafka, which every guarantee is shown against as well.
package kafkatest

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/embedded"
	daybookkafka "daybook/pkg/kafka"
)

// Partitions is how many partitions the topic of a test has.
const Partitions = 3

const timeout = time.Minute

// StartEmbedded starts an embedded broker of the test's own, with the topics of
// the settings created, and closes it when the test ends.
func StartEmbedded(t testing.TB) daybookkafka.Config {
	t.Helper()
	broker := Broker(t, t.TempDir(), "127.0.0.1:0")
	return Fresh(t, broker.Addr(), 1)
}

// Broker starts an embedded broker on a data folder, for tests that close it
// and start it again; it is closed when the test ends in any case.
func Broker(t testing.TB, dir, addr string) *embedded.Broker {
	t.Helper()
	return startEmbedded(t, embedded.BrokerConfig{Dir: dir, Addr: addr})
}

func startEmbedded(t testing.TB, config embedded.BrokerConfig) *embedded.Broker {
	t.Helper()
	config.Partitions, config.Log = Partitions, zaptest.NewLogger(t, zaptest.Level(zap.ErrorLevel))
	broker, err := embedded.StartBroker(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := broker.Close(); err != nil {
			t.Errorf("close the broker: %v", err)
		}
	})
	return broker
}

var topics atomic.Int64

var nonWord = regexp.MustCompile(`\W+`)

// Fresh returns settings with a topic, a dead-letter topic and a group that no
// other test uses, and creates the topics.
func Fresh(t testing.TB, addr string, replication int) daybookkafka.Config {
	t.Helper()
	return fresh(t, []string{addr}, replication)
}

func fresh(t testing.TB, addrs []string, replication int) daybookkafka.Config {
	t.Helper()
	name := nonWord.ReplaceAllString(t.Name(), "_")
	name = fmt.Sprintf("%s.%d", strings.ToLower(name[:min(len(name), 80)]), topics.Add(1))
	config := daybookkafka.DefaultConfig()
	config.Brokers = addrs
	config.Topic, config.DeadLetterTopic, config.Group = name, name+".dead", name
	config.Partitions, config.Replication = Partitions, replication
	CreateTopic(t, config, config.Topic, Partitions)
	CreateTopic(t, config, config.DeadLetterTopic, 1)
	return config
}

// poll waits until a condition holds, or fails the test.
func poll(t testing.TB, what string, condition func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !condition(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %s", timeout, what)
		}
	}
}

// CreateTopic creates a topic that doesn't exist yet, and returns once every
// partition of it has a leader.
func CreateTopic(t testing.TB, config daybookkafka.Config, name string, partitions int) {
	t.Helper()
	client, done := connect(config)
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	created, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{
		Topic: name, NumPartitions: partitions, ReplicationFactor: max(config.Replication, 1),
	}}})
	if err == nil {
		err = created.Errors[name]
	}
	if err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
	poll(t, "every partition of "+name+" has a leader", func(ctx context.Context) bool { return ready(ctx, client, name, partitions) })
}

func ready(ctx context.Context, client *kafka.Client, name string, partitions int) bool {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{name}})
	if err != nil || len(metadata.Topics) != 1 || len(metadata.Topics[0].Partitions) != partitions {
		return false
	}
	for _, p := range metadata.Topics[0].Partitions {
		if p.Error != nil || p.Leader.Host == "" {
			return false
		}
	}
	return true
}
