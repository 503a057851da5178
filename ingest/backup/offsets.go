package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"

	kafkago "github.com/segmentio/kafka-go"

	"daybook/pkg/kafka"
)

// committed returns what the group has committed for each partition of the topic.
func committed(ctx context.Context, c kafka.Config) ([]Offset, error) {
	partitions, err := kafka.Partitions(ctx, c, c.Topic)
	if err != nil {
		return nil, err
	}
	client, release, err := c.Client()
	if err != nil {
		return nil, err
	}
	defer release()
	ask := make([]int, len(partitions))
	for i, p := range partitions {
		ask[i] = int(p)
	}
	answer, err := client.OffsetFetch(ctx, &kafkago.OffsetFetchRequest{GroupID: c.Group, Topics: map[string][]int{c.Topic: ask}})
	if err == nil {
		err = answer.Error
	}
	out := make([]Offset, 0, len(partitions))
	switch {
	case errors.Is(err, kafkago.GroupIdNotFound): // Some brokers say so, others that nothing is committed.
		for _, p := range partitions {
			out = append(out, Offset{Partition: p, Offset: -1})
		}
		return out, nil
	case err != nil:
		return nil, fmt.Errorf("read the committed offsets of group %s: %w", c.Group, err)
	}
	for _, p := range answer.Topics[c.Topic] {
		if p.Error != nil {
			return nil, fmt.Errorf("read the committed offset of %s/%d: %w", c.Topic, p.Partition, p.Error)
		}
		o := Offset{Partition: int32(p.Partition), Offset: max(p.CommittedOffset, -1)}
		if o.Offset >= 0 {
			o.Plan = p.Metadata
		}
		out = append(out, o)
	}
	if len(out) != len(partitions) {
		return nil, fmt.Errorf("read the committed offsets of group %s: the broker left partitions out of its answer", c.Group)
	}
	slices.SortFunc(out, func(a, b Offset) int { return int(a.Partition - b.Partition) })
	return out, nil
}

// bounds is what a partition's log holds: [first, end).
type bounds struct{ first, end int64 }

func logBounds(ctx context.Context, c kafka.Config) (map[int32]bounds, error) {
	partitions, err := kafka.Partitions(ctx, c, c.Topic)
	if err != nil {
		return nil, err
	}
	client, release, err := c.Client()
	if err != nil {
		return nil, err
	}
	defer release()
	out := map[int32]bounds{}
	ask := func(of func(int) kafkago.OffsetRequest, each func(b *bounds, p kafkago.PartitionOffsets)) error {
		requests := make([]kafkago.OffsetRequest, len(partitions))
		for i, p := range partitions {
			requests[i] = of(int(p))
		}
		answer, err := client.ListOffsets(ctx, &kafkago.ListOffsetsRequest{Topics: map[string][]kafkago.OffsetRequest{c.Topic: requests}})
		if err != nil {
			return fmt.Errorf("read the log's bounds of topic %s: %w", c.Topic, err)
		}
		for _, p := range answer.Topics[c.Topic] {
			if p.Error != nil {
				return fmt.Errorf("read the log's bounds of %s/%d: %w", c.Topic, p.Partition, p.Error)
			}
			b := out[int32(p.Partition)]
			each(&b, p)
			out[int32(p.Partition)] = b
		}
		return nil
	}
	if err := ask(kafkago.FirstOffsetOf, func(b *bounds, p kafkago.PartitionOffsets) { b.first = p.FirstOffset }); err != nil {
		return nil, err
	}
	return out, ask(kafkago.LastOffsetOf, func(b *bounds, p kafkago.PartitionOffsets) { b.end = p.LastOffset })
}

// keeper is the group of the node that purges and archives, beside ingest's.
const keeper = ".keeper"

// nobody returns an error that names who is in ingest's group, or the keeper's.
func nobody(ctx context.Context, c kafka.Config) error {
	client, release, err := c.Client()
	if err != nil {
		return err
	}
	defer release()
	for _, group := range []string{c.Group, c.Group + keeper} {
		answer, err := client.DescribeGroups(ctx, &kafkago.DescribeGroupsRequest{GroupIDs: []string{group}})
		if err != nil {
			return fmt.Errorf("look who is in the consumer group %s: %w", group, err)
		}
		for _, g := range answer.Groups {
			if g.Error != nil && !errors.Is(g.Error, kafkago.GroupIdNotFound) {
				return fmt.Errorf("look who is in the consumer group %s: %w", group, g.Error)
			}
			if n := len(g.Members); n > 0 {
				return runningError(group, fmt.Sprintf("%d, the first at %s", n, g.Members[0].ClientHost))
			}
		}
	}
	return nil
}

func runningError(group, who string) error {
	return fmt.Errorf("nodes are in the consumer group %s (%s): stop every daybook serve first; one that was killed is counted until ingest.session_timeout is over", group, who)
}

// setCommitted sets the group's offsets. The brokers refuse while it has members.
func setCommitted(ctx context.Context, c kafka.Config, offsets []Offset) error {
	if len(offsets) == 0 {
		return nil
	}
	client, release, err := c.Client()
	if err != nil {
		return err
	}
	defer release()
	commits := make([]kafkago.OffsetCommit, len(offsets))
	for i, o := range offsets {
		commits[i] = kafkago.OffsetCommit{Partition: int(o.Partition), Offset: o.Offset, Metadata: o.Plan}
	}
	answer, err := client.OffsetCommit(ctx, &kafkago.OffsetCommitRequest{
		GroupID: c.Group, GenerationID: -1, Topics: map[string][]kafkago.OffsetCommit{c.Topic: commits},
	})
	if err != nil {
		return fmt.Errorf("set the offsets of group %s: %w", c.Group, err)
	}
	for _, p := range answer.Topics[c.Topic] {
		switch {
		case p.Error == nil:
		case errors.Is(p.Error, kafkago.UnknownMemberId), errors.Is(p.Error, kafkago.IllegalGeneration), errors.Is(p.Error, kafkago.RebalanceInProgress):
			return runningError(c.Group, "one has joined meanwhile")
		default:
			return fmt.Errorf("set the committed offset of %s/%d: %w", c.Topic, p.Partition, p.Error)
		}
	}
	return nil
}
