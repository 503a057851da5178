package stream

import (
	"context"
	"time"

	"daybook/pkg/event"
	"daybook/pkg/kafka"
)

// Source is the topic that the stream shows.
type Source interface {
	// Partitions returns the topic's partitions, from 0 without holes.
	Partitions(ctx context.Context) ([]int32, error)
	// Epoch returns a number that changes when offsets lose their meaning.
	Epoch(ctx context.Context) (uint32, error)
	// Open returns a reader of one partition whose fetches bring about
	// maxBytes at most.
	Open(partition int32, maxBytes int) (Reader, error)
}

// Reader reads one partition in order, as *kafka.Reader does.
type Reader interface {
	SeekTo(offset int64)
	Fetch(ctx context.Context) (kafka.Fetch, error)
	Offsets(ctx context.Context) (first, end int64, err error)
	OffsetAt(ctx context.Context, t time.Time) (int64, error)
	Close() error
}

// Decoder turns a message into an event, or says why it is none. It must be
// safe for concurrent use.
type Decoder interface {
	Decode(*event.Message, *event.Event) error
}

// Topic returns the configured topic of events as a Source.
func Topic(c kafka.Config) Source { return topic{c} }

type topic struct{ config kafka.Config }

func (t topic) Partitions(ctx context.Context) ([]int32, error) {
	return kafka.Partitions(ctx, t.config, t.config.Topic)
}

func (t topic) Epoch(ctx context.Context) (uint32, error) {
	return kafka.TopicEpoch(ctx, t.config, t.config.Topic)
}

func (t topic) Open(partition int32, maxBytes int) (Reader, error) {
	r, err := kafka.NewReader(t.config, t.config.Topic, partition, kafka.ReaderConfig{MaxBytes: maxBytes})
	if err != nil {
		return nil, err
	}
	return r, nil
}
