package kafkatest

import (
	"context"
	"testing"

	"github.com/segmentio/kafka-go"

	daybookkafka "daybook/pkg/kafka"
)

// Committed asks the group's coordinator, which clients find through the broker, for
// the group's offset of partition 0; -1 where there is none.
func Committed(ctx context.Context, client *kafka.Client, config daybookkafka.Config) (int64, error) {
	answer, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: config.Group, Topics: map[string][]int{config.Topic: {0}}})
	if err == nil {
		err = answer.Error
	}
	if err != nil || len(answer.Topics[config.Topic]) == 0 { // The embedded broker leaves out what was never committed.
		return -1, err
	}
	return answer.Topics[config.Topic][0].CommittedOffset, answer.Topics[config.Topic][0].Error
}

// AwaitCommitted waits until the group's offset of partition 0 is the given one: also
// for a coordinator that may still be loading what it took over, and that, once it
// has, may answer with an older offset or none until its followers have told it how
// far they are.
func AwaitCommitted(t testing.TB, config daybookkafka.Config, want int64) {
	t.Helper()
	client, done := connect(config)
	defer done()
	var offset int64
	var err error
	defer func() {
		if t.Failed() {
			t.Logf("the group's offset is %d instead of %d (%v)", offset, want, err)
		}
	}()
	poll(t, "the group's offset is where it is to be", func(ctx context.Context) bool {
		offset, err = Committed(ctx, client, config)
		return err == nil && offset == want
	})
}
