package ingest

import (
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/pkg/event"
)

// NewMessage returns the message that publishes raw, an event that names its
// tenant, as Intake would publish it: with an id, so that a repeated message is
// the same event, and in the partition of its chain. The error says why raw is
// no event.
func NewMessage(d *event.Decoder, raw []byte, now time.Time) (kafka.Message, error) {
	now = now.UTC().Truncate(time.Millisecond)
	var e event.Event
	if err := d.Decode(&event.Message{Time: now, Value: raw}, &e); err != nil {
		return kafka.Message{}, err
	}
	value, e, err := d.Prepare(raw, e.TenantID, now, newEventID)
	if err != nil {
		return kafka.Message{}, err
	}
	return kafka.Message{Key: partitionKey(&e), Value: value, Time: now}, nil
}
