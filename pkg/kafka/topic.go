package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/segmentio/kafka-go"
)

// EnsureTopics creates the topics of events and of dead letters where they
// are missing. Topics that exist are left as they are, and need no permission to
// create any. Its error says why no broker can be used.
func EnsureTopics(ctx context.Context, c Config) error {
	client, release, err := c.Client()
	if err != nil {
		return err
	}
	defer release()
	replication := c.Replication
	if replication == 0 {
		replication = -1
	}
	topic := func(name string, partitions int) kafka.TopicConfig {
		return kafka.TopicConfig{Topic: name, NumPartitions: partitions, ReplicationFactor: replication}
	}
	answer, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{topic(c.Topic, c.Partitions), topic(c.DeadLetterTopic, 1)},
	})
	if err != nil {
		return fmt.Errorf("create topics %s and %s: %w", c.Topic, c.DeadLetterTopic, Explain(ctx, c, err))
	}
	for name, err := range answer.Errors {
		switch {
		case err == nil, errors.Is(err, kafka.TopicAlreadyExists):
		case errors.Is(err, kafka.TopicAuthorizationFailed), errors.Is(err, kafka.ClusterAuthorizationFailed):
			// That is also the answer where there is nothing to create.
			if _, missing := describe(ctx, c, name); missing != nil {
				return fmt.Errorf("topic %s can't be used, and Kafka allows Daybook's user to create none; create it, and allow to READ and WRITE it: %w", name, missing)
			}
		default:
			return fmt.Errorf("create topic %s: %w", name, err)
		}
	}
	return nil
}

// Partitions returns the partitions of a topic in ascending order.
func Partitions(ctx context.Context, c Config, topic string) ([]int32, error) {
	described, err := describe(ctx, c, topic)
	if err != nil {
		return nil, err
	}
	partitions := make([]int32, 0, len(described.Partitions))
	for _, p := range described.Partitions {
		partitions = append(partitions, int32(p.ID))
	}
	slices.Sort(partitions)
	return partitions, nil
}

func describe(ctx context.Context, c Config, topic string) (kafka.Topic, error) {
	answer, err := metadata(ctx, c, topic)
	if err != nil {
		return kafka.Topic{}, err
	}
	for _, t := range answer.Topics {
		if t.Name == topic {
			if t.Error != nil {
				return kafka.Topic{}, fmt.Errorf("describe topic %s: %w", topic, t.Error)
			}
			return t, nil
		}
	}
	return kafka.Topic{}, fmt.Errorf("describe topic %s: the brokers do not know it", topic)
}

func metadata(ctx context.Context, c Config, topic string) (*kafka.MetadataResponse, error) {
	client, release, err := c.Client()
	if err != nil {
		return nil, err
	}
	defer release()
	answer, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, fmt.Errorf("describe topic %s: %w", topic, Explain(ctx, c, err))
	}
	return answer, nil
}

// TopicEpoch returns a number that differs between clusters and names of
// topics. kafka-go speaks no version of Metadata that carries Kafka's topic
// id, so a topic that is deleted and made anew in the same cluster keeps its
// epoch; positions beyond its new end still give it away.
func TopicEpoch(ctx context.Context, c Config, topic string) (uint32, error) {
	answer, err := metadata(ctx, c, topic)
	if err != nil {
		return 0, err
	}
	return uint32(xxhash.Sum64String(answer.ClusterID + "/" + topic)), nil // The low half is wanted.
}
