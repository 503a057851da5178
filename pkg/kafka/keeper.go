package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// Keep does work on one node at a time: on the one that has partition 0 of the
// topic in the consumer group "<group>.keeper", which every node joins and none
// reads by. When that node dies or leaves, another begins, within the session's
// time-out. Each function of work runs until its context ends, which is when
// another node takes over, or ctx ends; then Keep returns, after the functions.
//
// A node that was silent for longer than its session may still work for a moment
// while another has begun: work must bear that.
func Keep(ctx context.Context, c Config, t GroupTimings, log *zap.Logger, work ...func(context.Context)) error {
	c.Group += ".keeper"
	group, err := c.ConsumerGroup(t, log)
	if err != nil {
		return fmt.Errorf("join consumer group %s: %w", c.Group, err)
	}
	left := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { left <- group.Close() })
	defer stop()
	for {
		generation, err := group.Next(context.WithoutCancel(ctx))
		switch {
		case errors.Is(err, kafka.ErrGroupClosed):
			return <-left
		case err != nil:
			log.Warn("joining the consumer group failed, trying again", zap.String("group", c.Group), zap.Error(err))
			continue
		}
		if !slices.ContainsFunc(generation.Assignments[c.Topic], func(a kafka.PartitionAssignment) bool { return a.ID == 0 }) {
			continue
		}
		log.Info("this node is the keeper", zap.String("group", c.Group), zap.Int32("generation", generation.ID))
		generation.Start(func(ctx context.Context) {
			var running sync.WaitGroup
			for _, do := range work {
				running.Go(func() { do(ctx) })
			}
			running.Wait()
			<-ctx.Done() // A generation ends with the first function that returns.
		})
	}
}
