package kafkatest

import (
	"context"
	"os"
	"testing"

	"github.com/segmentio/kafka-go"

	daybookkafka "daybook/pkg/kafka"
)

// Kind says which of the real brokers a test runs on.
type Kind string

// The brokers that every guarantee is shown against.
const (
	Embedded    Kind = "embedded"
	ApacheKafka Kind = "apache"
)

// Each runs a test on both brokers, as subtests. KAFKATEST_ONLY in the
// environment names one of them, for the race detector and for trials.
func Each(t *testing.T, test func(t *testing.T, kind Kind)) {
	t.Helper()
	only := Kind(os.Getenv("KAFKATEST_ONLY"))
	for _, kind := range []Kind{Embedded, ApacheKafka} {
		if only == "" || only == kind {
			t.Run(string(kind), func(t *testing.T) { test(t, kind) })
		}
	}
}

// Start returns settings with topics of the test's own on a broker of the kind.
func Start(t testing.TB, kind Kind) daybookkafka.Config {
	t.Helper()
	if kind == ApacheKafka {
		return StartApache(t)
	}
	return StartEmbedded(t)
}

// AddPartitions makes the settings' topic have n partitions.
func AddPartitions(t testing.TB, config daybookkafka.Config, n int) {
	t.Helper()
	ask(t, config, "add partitions to "+config.Topic, func(ctx context.Context, client *kafka.Client) error {
		answer, err := client.CreatePartitions(ctx, &kafka.CreatePartitionsRequest{
			Topics: []kafka.TopicPartitionsConfig{{Name: config.Topic, Count: int32(n)}},
		})
		if err != nil {
			return err
		}
		return answer.Errors[config.Topic]
	})
	client, done := connect(config)
	defer done()
	poll(t, "every partition of "+config.Topic+" has a leader", func(ctx context.Context) bool { return ready(ctx, client, config.Topic, n) })
}

// DeleteTopic deletes the settings' topic and returns when it is gone.
func DeleteTopic(t testing.TB, config daybookkafka.Config) {
	t.Helper()
	ask(t, config, "delete "+config.Topic, func(ctx context.Context, client *kafka.Client) error {
		answer, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{config.Topic}})
		if err != nil {
			return err
		}
		return answer.Errors[config.Topic]
	})
	client, done := connect(config)
	defer done()
	poll(t, config.Topic+" is gone", func(ctx context.Context) bool {
		metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{config.Topic}})
		return err == nil && len(metadata.Topics) == 1 && metadata.Topics[0].Error != nil
	})
}

// SetCommitted sets the group's offset of one partition from outside the group,
// as a tool does. The group must have no member.
func SetCommitted(t testing.TB, config daybookkafka.Config, partition int, offset int64, metadata string) {
	t.Helper()
	client, done := connect(config)
	defer done()
	// A member that has just died, or left, may still be counted.
	var last error
	poll(t, "the group's offset can be set", func(ctx context.Context) bool {
		answer, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
			GroupID: config.Group, GenerationID: -1,
			Topics: map[string][]kafka.OffsetCommit{config.Topic: {{Partition: partition, Offset: offset, Metadata: metadata}}},
		})
		if err == nil {
			err = answer.Topics[config.Topic][0].Error
		}
		last = err
		return err == nil
	})
	if last != nil {
		t.Fatalf("set the offset of %s/%d: %v", config.Topic, partition, last)
	}
}

// ask sends a request of an administrator.
func ask(t testing.TB, config daybookkafka.Config, what string, request func(context.Context, *kafka.Client) error) {
	t.Helper()
	client, done := connect(config)
	defer done()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := request(ctx, client); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}
