package main

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	kafkago "github.com/segmentio/kafka-go"

	"daybook/pkg/event"
	"daybook/pkg/kafka"
	"daybook/pkg/tenant"
	"daybook/query/record"
)

// publishOwn returns what puts Daybook's own events into the topic, from where
// they take the way of every other event. Those of one actor stay in order.
func publishOwn(writer *kafka.Writer, decoder *event.Decoder, now func() time.Time) record.Publish {
	return func(ctx context.Context, id tenant.ID, raw []byte) error {
		at := now().UTC().Truncate(time.Millisecond)
		value, e, err := decoder.Prepare(raw, string(id), at, func() string { return "evt_" + uuid.Must(uuid.NewV7()).String() })
		if err != nil {
			return fmt.Errorf("prepare an event of our own: %w", err)
		}
		key := []byte(e.TenantID + "/" + e.ActorID)
		if err := writer.WriteMessages(ctx, kafkago.Message{Key: key, Value: value, Time: at}); err != nil {
			return fmt.Errorf("publish an event of our own: %w", err)
		}
		return nil
	}
}
