package ingest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/segmentio/kafka-go"

	"daybook/pkg/clickhouse"
	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/schema"
)

// DeadLetterID names a dead letter by where its message stood.
type DeadLetterID struct {
	Partition int32
	Offset    int64
}

// String writes PARTITION:OFFSET.
func (id DeadLetterID) String() string { return fmt.Sprintf("%d:%d", id.Partition, id.Offset) }

// ParseDeadLetterID reads PARTITION:OFFSET.
func ParseDeadLetterID(s string) (DeadLetterID, error) {
	partition, offset, _ := strings.Cut(s, ":")
	p, err1 := strconv.ParseInt(partition, 10, 32)
	o, err2 := strconv.ParseInt(offset, 10, 64)
	if err := errors.Join(err1, err2); err != nil || p < 0 || o < 0 {
		return DeadLetterID{}, fmt.Errorf("%q is not the id of a dead letter: it is PARTITION:OFFSET, as the list shows", s)
	}
	return DeadLetterID{int32(p), o}, nil
}

// DeadLetter is a message that is no event, whole, with the reason.
type DeadLetter struct {
	ID       DeadLetterID
	Message  event.Message
	Reason   event.DecodeError
	Replayed time.Time // when it was last published again; zero: never
}

// DeadLetters reads dead letters and publishes them again.
type DeadLetters struct {
	Conn   driver.Conn
	Topic  string               // whose messages they are
	Writer *daybookkafka.Writer // to that topic; for Replay alone
	Now    func() time.Time
}

// DeadLetterFilter chooses dead letters. Zero fields choose all.
type DeadLetterFilter struct {
	IDs      []DeadLetterID
	Class    string
	From, To time.Time // of the message
	Pending  bool      // only those that were not published again
	Limit    int       // the newest so many; 0: all
}

// List returns the dead letters that the filter chooses, the newest first.
func (d DeadLetters) List(ctx context.Context, f DeadLetterFilter) ([]DeadLetter, error) {
	var found []DeadLetter
	err := clickhouse.ReadRetry(ctx, func() error {
		found = found[:0]
		return d.each(ctx, f, func(l DeadLetter) error {
			found = append(found, l)
			return nil
		})
	})
	return found, err
}

func (d DeadLetters) each(ctx context.Context, f DeadLetterFilter, visit func(DeadLetter) error) error {
	query := `SELECT topic, partition, offset, message_time, key, value, header_names, header_values, error_class, error_field, error,
			r.replayed_at
		FROM ` + schema.DeadLetters + ` AS d FINAL
		LEFT JOIN (SELECT topic, partition, offset, message_time, max(replayed_at) AS replayed_at FROM ` + schema.DeadLetterReplays + `
			GROUP BY topic, partition, offset, message_time) AS r USING (topic, partition, offset, message_time)
		WHERE topic = ?`
	args := []any{d.Topic}
	and := func(condition string, values ...any) {
		query += " AND " + condition
		args = append(args, values...)
	}
	if len(f.IDs) > 0 {
		places := make([]string, len(f.IDs))
		var values []any
		for i, id := range f.IDs {
			places[i] = "(?, ?)"
			values = append(values, id.Partition, id.Offset)
		}
		and("(partition, offset) IN ("+strings.Join(places, ", ")+")", values...)
	}
	if f.Class != "" {
		and("error_class = ?", f.Class)
	}
	if !f.From.IsZero() {
		and("message_time >= fromUnixTimestamp64Milli(?)", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		and("message_time < fromUnixTimestamp64Milli(?)", f.To.UnixMilli())
	}
	if f.Pending {
		and("r.replayed_at = toDateTime64(0, 3, 'UTC')")
	}
	query += " ORDER BY message_time DESC, partition, offset DESC"
	if f.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(f.Limit)
	}
	rows, err := d.Conn.Query(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		l, err := scanDeadLetter(rows)
		if err != nil {
			return fmt.Errorf("read dead letters: %w", err)
		}
		if err := visit(l); err != nil {
			return err
		}
	}
	return rows.Err()
}

func scanDeadLetter(rows driver.Rows) (DeadLetter, error) {
	var l DeadLetter
	var key, value string
	var names, values []string
	var replayed time.Time
	m := &l.Message
	if err := rows.Scan(&m.Topic, &m.Partition, &m.Offset, &m.Time, &key, &value, &names, &values,
		&l.Reason.Class, &l.Reason.Field, &l.Reason.Message, &replayed); err != nil {
		return l, err
	}
	l.ID = DeadLetterID{m.Partition, m.Offset}
	m.Key, m.Value = []byte(key), []byte(value)
	for i := range names {
		m.Headers = append(m.Headers, event.Header{Key: names[i], Value: []byte(values[i])})
	}
	if replayed.Unix() > 0 {
		l.Replayed = replayed.UTC()
	}
	return l, nil
}

// replayBatch is how many letters are published between two notes of it.
const replayBatch = 500

// Replay publishes the chosen letters' messages to the topic again: same key,
// value, headers and timestamp, and where they stood in a header, so that an
// event without an id gets the id it would have had. What is still no event
// becomes a dead letter anew. It returns how many were published; a crash in
// between repeats a few, which ingest then drops by their ids.
func (d DeadLetters) Replay(ctx context.Context, f DeadLetterFilter) (int, error) {
	letters, err := d.List(ctx, f)
	if err != nil {
		return 0, err
	}
	done := 0
	for len(letters) > 0 {
		part := letters[:min(replayBatch, len(letters))]
		letters = letters[len(part):]
		messages := make([]kafka.Message, len(part))
		for i := range part {
			messages[i] = replayed(&part[i].Message)
		}
		if err := d.Writer.WriteMessages(ctx, messages...); err != nil {
			return done, fmt.Errorf("publish dead letters to %s: %w", d.Topic, err)
		}
		if err := d.note(ctx, part); err != nil {
			return done, err
		}
		done += len(part)
	}
	return done, nil
}

func replayed(m *event.Message) kafka.Message {
	out := kafka.Message{Key: m.Key, Value: m.Value, Time: m.Time}
	origin := event.Origin(m)
	for _, h := range m.Headers {
		if h.Key != event.HeaderOrigin {
			out.Headers = append(out.Headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
	}
	out.Headers = append(out.Headers, kafka.Header{Key: event.HeaderOrigin, Value: []byte(origin)})
	return out
}

// note records that letters were published again.
func (d DeadLetters) note(ctx context.Context, letters []DeadLetter) error {
	insert := chgo.Context(context.WithoutCancel(ctx), chgo.WithSettings(chgo.Settings{"async_insert": 0}))
	batch, err := d.Conn.PrepareBatch(insert, "INSERT INTO "+schema.DeadLetterReplays)
	if err != nil {
		return fmt.Errorf("note that dead letters were published again: %w", err)
	}
	defer func() { _ = batch.Close() }()
	now := d.Now().UTC()
	for i := range letters {
		m := &letters[i].Message
		if err := batch.Append(m.Topic, m.Partition, m.Offset, m.Time, now); err != nil {
			return fmt.Errorf("note that dead letters were published again: %w", errors.Join(err, batch.Abort()))
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("note that dead letters were published again: %w", err)
	}
	return nil
}
