package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"daybook/pkg/generate"
	"daybook/pkg/kafka"
)

const (
	publishBatch    = 8000 // messages in one call of the writer: about a thousand for each partition
	publishInFlight = 4    // such calls at once
)

// publisher publishes messages that are acknowledged by all in-sync replicas.
type publisher struct {
	config kafka.Config
	writer *kafka.Writer
}

func newPublisher(c kafka.Config) (*publisher, error) {
	writer, err := c.Writer(c.Topic)
	if err != nil {
		return nil, err
	}
	writer.BatchSize = publishBatch
	return &publisher{config: c, writer: writer}, nil
}

func (p *publisher) close() { _ = p.writer.Close() }

func message(key, value []byte) kafkago.Message { return kafkago.Message{Key: key, Value: value} }

func (p *publisher) publish(ctx context.Context, messages ...kafkago.Message) error {
	if err := p.writer.WriteMessages(ctx, messages...); err != nil {
		return fmt.Errorf("publish to %s: %w", p.writer.Topic, kafka.Explain(ctx, p.config, err))
	}
	return nil
}

// publishAll publishes all events of the generator, perSecond at most (0: as
// fast as it goes), and counts into progress those that are acknowledged. It
// returns how many they were.
func (p *publisher) publishAll(ctx context.Context, g *generate.Generator, perSecond float64, progress *atomic.Int64) (int64, error) {
	if progress == nil {
		progress = &atomic.Int64{}
	}
	limit, size := pace(perSecond)
	calls, group := errgroup.WithContext(ctx)
	calls.SetLimit(publishInFlight)
	for {
		batch := make([]kafkago.Message, 0, size)
		for len(batch) < size {
			value, key, _, ok := g.Next(nil)
			if !ok {
				break
			}
			batch = append(batch, message(key, value))
		}
		if len(batch) == 0 || group.Err() != nil {
			break
		}
		if err := limit.WaitN(group, len(batch)); err != nil {
			break // The group's error, or the caller's own end.
		}
		calls.Go(func() error {
			if err := p.publish(group, batch...); err != nil {
				return err
			}
			progress.Add(int64(len(batch)))
			return nil
		})
	}
	err := calls.Wait()
	if err == nil {
		err = context.Cause(ctx)
	}
	return progress.Load(), err
}

// pace returns a limiter and the batches that suit it: ten a second, where
// the rate is that low.
func pace(perSecond float64) (*rate.Limiter, int) {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, publishBatch), publishBatch
	}
	size := max(1, min(publishBatch, int(perSecond/10)))
	return rate.NewLimiter(rate.Limit(perSecond), size), size
}

// since returns how many of something there were a second.
func since(began time.Time, n int64) float64 {
	return float64(n) / max(time.Since(began).Seconds(), 1e-3)
}
