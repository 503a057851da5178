//go:build faultpoints

package faults

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// load publishes at a rate until it is stopped, whatever happens to the brokers:
// what was not acknowledged is sent again, as a good producer does, so that an
// event may stand in the topic twice.
type load struct {
	s         *stack
	cancel    context.CancelFunc
	done      chan error
	published atomic.Int64 // acknowledged
}

var loads atomic.Int64

// load starts to publish so many messages a second, every twentieth broken.
func (s *stack) load(perSecond int) *load { s.Helper(); return s.loadOf(perSecond, -1) }

// loadOf does so into one partition; -1: wherever a message's key says.
func (s *stack) loadOf(perSecond, partition int) *load {
	s.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l := &load{s: s, cancel: cancel, done: make(chan error, 1)}
	go func() { l.done <- l.run(ctx, perSecond, partition) }()
	s.Cleanup(func() { _ = l.end() })
	return l
}

func (l *load) run(ctx context.Context, perSecond, partition int) error {
	writer, err := l.s.kafka.Writer(l.s.kafka.Topic)
	if err != nil {
		return err
	}
	defer func() { _ = writer.Close() }()
	if partition >= 0 {
		writer.Balancer = kafka.BalancerFunc(func(kafka.Message, ...int) int { return partition })
	}
	const beat = 50 * time.Millisecond
	name := loads.Add(1)
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for round := 0; ; round++ {
		batch := mixed(fmt.Sprintf("load%d-%d", name, round), max(1, perSecond*int(beat)/int(time.Second)))
		for acknowledged := time.Now(); len(batch) > 0; {
			// A batch that was begun is finished, so that it is known what was published.
			attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
			err := writer.WriteMessages(attempt, batch...)
			cancel()
			if left := unacknowledged(batch, err); len(left) < len(batch) {
				l.published.Add(int64(len(batch) - len(left)))
				batch, acknowledged = left, time.Now()
			}
			if len(batch) > 0 && (errors.Is(err, context.DeadlineExceeded) || time.Since(acknowledged) > 4*patience) {
				return fmt.Errorf("the broker takes no messages: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func unacknowledged(batch []kafka.Message, err error) []kafka.Message {
	if err == nil {
		return nil
	}
	var each kafka.WriteErrors
	if !errors.As(err, &each) {
		return batch
	}
	var left []kafka.Message
	for i := range batch {
		if each[i] != nil {
			left = append(left, batch[i])
		}
	}
	return left
}

// stop ends the load and returns how many messages were acknowledged.
func (l *load) stop() int64 {
	l.s.Helper()
	if err := l.end(); err != nil {
		l.s.Errorf("load: %v", err)
	}
	return l.published.Load()
}

func (l *load) end() error {
	l.cancel()
	err, first := <-l.done
	if first {
		close(l.done)
	}
	return err
}
