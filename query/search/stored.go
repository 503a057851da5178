package search

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	pkgkafka "daybook/pkg/kafka"
)

// GroupStored reads from Kafka what the consumer group of ingest has confirmed
// as stored: its committed offset of a partition is never ahead of the table.
type GroupStored struct {
	client *kafka.Client
	config pkgkafka.Config
	now    func() time.Time

	mu         sync.Mutex // guards what follows
	partitions []int
	epoch      uint32
	described  time.Time
}

// NewGroupStored returns a Stored that asks the brokers through the client.
func NewGroupStored(client *kafka.Client, config pkgkafka.Config, now func() time.Time) *GroupStored {
	return &GroupStored{client: client, config: config, now: now}
}

// describedAge is how long the topic's partitions are believed.
const describedAge = 30 * time.Second

// Stored implements the interface of that name.
func (g *GroupStored) Stored(ctx context.Context) (Log, error) {
	partitions, epoch, err := g.describe(ctx)
	if err != nil {
		return Log{}, err
	}
	topic := g.config.Topic
	answer, err := g.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: g.config.Group, Topics: map[string][]int{topic: partitions}})
	if err == nil && !errors.Is(answer.Error, kafka.GroupIdNotFound) { // As long as ingest has committed nothing.
		err = answer.Error
	}
	if err != nil {
		return Log{}, fmt.Errorf("read the committed offsets of %s: %w", topic, err)
	}
	log := Log{Topic: topic, Epoch: epoch, Next: make([]int64, len(partitions))}
	for p := range log.Next {
		log.Next[p] = -1
	}
	for _, one := range answer.Topics[topic] {
		if one.Error != nil {
			return Log{}, fmt.Errorf("read the committed offset of %s/%d: %w", topic, one.Partition, one.Error)
		}
		if one.Partition < len(log.Next) {
			log.Next[one.Partition] = one.CommittedOffset
		}
	}
	return log, nil
}

// Ends returns, for each partition, the first offset that Kafka still has and
// the one that the next message gets.
func (g *GroupStored) Ends(ctx context.Context) (first, end []int64, err error) {
	partitions, _, err := g.describe(ctx)
	if err != nil {
		return nil, nil, err
	}
	topic := g.config.Topic
	asked := make([]kafka.OffsetRequest, 0, 2*len(partitions))
	for _, p := range partitions {
		asked = append(asked, kafka.FirstOffsetOf(p), kafka.LastOffsetOf(p))
	}
	answer, err := g.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: asked}})
	if err != nil {
		return nil, nil, fmt.Errorf("read the ends of %s: %w", topic, err)
	}
	first, end = make([]int64, len(partitions)), make([]int64, len(partitions))
	for _, one := range answer.Topics[topic] {
		if one.Error != nil {
			return nil, nil, fmt.Errorf("read the ends of %s/%d: %w", topic, one.Partition, one.Error)
		}
		if one.Partition < len(end) {
			first[one.Partition], end[one.Partition] = one.FirstOffset, one.LastOffset
		}
	}
	return first, end, nil
}

func (g *GroupStored) describe(ctx context.Context) ([]int, uint32, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now := g.now(); g.partitions == nil || now.Sub(g.described) > describedAge {
		ids, err := pkgkafka.Partitions(ctx, g.config, g.config.Topic)
		if err != nil {
			return nil, 0, err
		}
		if g.epoch, err = pkgkafka.TopicEpoch(ctx, g.config, g.config.Topic); err != nil {
			return nil, 0, err
		}
		g.partitions = make([]int, len(ids))
		for i := range ids {
			g.partitions[i] = i // Kafka numbers them from 0 without gaps.
		}
		g.described = now
	}
	return g.partitions, g.epoch, nil
}
