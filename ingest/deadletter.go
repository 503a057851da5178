package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/schema"
)

// classRefused is the class of a message that decodes well but that the
// server does not take.
const classRefused = "refused_by_store"

// deadLetter is a message that is no event, whole, with the reason.
type deadLetter struct {
	message event.Message
	reason  event.DecodeError
}

// storeDead puts the block's dead letters into their table, each once, and
// then into their topic, where a crash in between repeats them.
func (w *writer) storeDead(ctx context.Context, b *block, a *attempt) error {
	if len(b.dead) == 0 {
		return nil
	}
	letters := b.dead
	if a.doubt {
		var err error
		if letters, err = w.lackingDead(ctx, b); err != nil {
			return err
		}
	}
	if len(letters) > 0 {
		if err := w.insertDead(b, letters); err != nil { //nolint:contextcheck // An insert is never cancelled: see write.
			a.doubt = true
			return err
		}
	}
	reach(pointAfterDead, b.topic, b.partition)
	if err := w.dead.publish(ctx, b.dead); err != nil {
		return err
	}
	for i := range b.dead {
		w.metrics.deadLetters.WithLabelValues(b.dead[i].reason.Class).Inc()
	}
	return nil
}

// lackingDead returns the dead letters that the table does not hold.
func (w *writer) lackingDead(ctx context.Context, b *block) ([]deadLetter, error) {
	type key struct{ offset, at int64 }
	stored := map[key]struct{}{}
	err := readTable(ctx, func(ctx context.Context) error {
		rows, err := w.conn.Query(ctx, `SELECT offset, message_time FROM `+schema.DeadLetters+`
			WHERE topic = ? AND partition = ? AND offset BETWEEN ? AND ?`, b.topic, b.partition, b.start, b.end)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var offset int64
			var at time.Time
			if err := rows.Scan(&offset, &at); err != nil {
				return err
			}
			stored[key{offset, at.UnixMilli()}] = struct{}{}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("verify the dead letters of block %s: %w", b, err)
	}
	var lacking []deadLetter
	for _, l := range b.dead {
		if _, ok := stored[key{l.message.Offset, l.message.Time.UnixMilli()}]; !ok {
			lacking = append(lacking, l)
		}
	}
	return lacking, nil
}

func (w *writer) insertDead(b *block, letters []deadLetter) error {
	w.inserts <- struct{}{}
	defer func() { <-w.inserts }()
	token := fmt.Sprintf("dead/%s@%d/%d", b, b.first.UnixMilli(), len(letters))
	ctx, done := w.insertContext(b, "dead", token)
	defer done()
	batch, err := w.conn.PrepareBatch(ctx, schema.Insert(schema.DeadLetters, schema.DeadLetterColumns))
	if err != nil {
		return fmt.Errorf("insert dead letters of block %s: %w", b, err)
	}
	defer func() { _ = batch.Close() }()
	for i := range letters {
		if err := letters[i].appendTo(batch); err != nil {
			return fmt.Errorf("insert dead letters of block %s: %w", b, errors.Join(err, batch.Abort()))
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("insert dead letters of block %s: %w", b, err)
	}
	return nil
}

func (l *deadLetter) appendTo(batch driver.Batch) error {
	m := &l.message
	names, values := make([]string, len(m.Headers)), make([]string, len(m.Headers))
	for i, h := range m.Headers {
		names[i], values[i] = h.Key, string(h.Value)
	}
	return batch.Append(m.Topic, m.Partition, m.Offset, m.Time.UTC(), string(m.Key), string(m.Value), names, values,
		l.reason.Class, l.reason.Field, l.reason.Message, event.TenantOf(m))
}

// deadLetterTopic publishes dead letters for those who watch the topic; the
// table is the record.
type deadLetterTopic struct {
	writer *daybookkafka.Writer
	log    *zap.Logger
}

// Header names of a message in the dead letter topic.
const (
	headerTopic     = "daybook-topic"
	headerPartition = "daybook-partition"
	headerOffset    = "daybook-offset"
	headerClass     = "daybook-error-class"
	headerField     = "daybook-error-field"
	headerError     = "daybook-error"
)

// publish sends the letters' messages as they came, with the reason in
// headers. One that the brokers find too large stays in the table alone.
func (t *deadLetterTopic) publish(ctx context.Context, letters []deadLetter) error {
	for i := range letters {
		m := &letters[i].message
		out := kafka.Message{Key: m.Key, Value: m.Value, Headers: []kafka.Header{
			{Key: headerTopic, Value: []byte(m.Topic)},
			{Key: headerPartition, Value: strconv.AppendInt(nil, int64(m.Partition), 10)},
			{Key: headerOffset, Value: strconv.AppendInt(nil, m.Offset, 10)},
			{Key: headerClass, Value: []byte(letters[i].reason.Class)},
			{Key: headerField, Value: []byte(letters[i].reason.Field)},
			{Key: headerError, Value: []byte(letters[i].reason.Message)},
		}}
		for _, h := range m.Headers {
			out.Headers = append(out.Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
		err := t.writer.WriteMessages(ctx, out)
		var tooLarge kafka.MessageTooLargeError
		if errors.As(err, &tooLarge) || errors.Is(err, kafka.MessageSizeTooLarge) {
			t.log.Warn("a dead letter is too large for its topic; the table has it",
				zap.String("topic", m.Topic), zap.Int32("partition", m.Partition), zap.Int64("offset", m.Offset))
			continue
		}
		if err != nil {
			return fmt.Errorf("publish dead letter %s/%d/%d: %w", m.Topic, m.Partition, m.Offset, err)
		}
	}
	return nil
}
