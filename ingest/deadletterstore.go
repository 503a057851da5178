package ingest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/segmentio/kafka-go"

	"daybook/pkg/clickhouse"
	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
	"daybook/pkg/tenant"
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
	Tenant   tenant.ID // whom the message names; empty: nobody for certain
	Message  event.Message
	Bytes    int  // of the message's value
	Text     bool // the value is UTF-8
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
	Tenant   tenant.ID // that the message names; tenant.All: any, or none
	IDs      []DeadLetterID
	Class    string
	From, To time.Time        // of the message
	Pending  bool             // only those that were not published again
	After    *deadLetterPlace // only those behind it in the list
	Limit    int              // the newest so many; 0: all
	// Preview cuts the message's key and value to so many bytes; 0: they are whole.
	Preview int
}

// deadLetterPlace is where a dead letter stands in the list. A topic that was
// made anew may have two letters of one id, of different times.
type deadLetterPlace struct {
	partition int32
	offset    int64
	at        time.Time
}

func (l *DeadLetter) place() deadLetterPlace {
	return deadLetterPlace{l.Message.Partition, l.Message.Offset, l.Message.Time}
}

// List returns the dead letters that the filter chooses, the newest first.
func (d DeadLetters) List(ctx context.Context, f DeadLetterFilter) ([]DeadLetter, error) {
	chosen, args := d.choose(f)
	return d.read(ctx, chosen, args, f.Preview)
}

// choose returns the statement that selects the places of the chosen letters. It
// reads none of the wide columns.
func (d DeadLetters) choose(f DeadLetterFilter) (query string, args []any) {
	query = "SELECT partition, offset, message_time FROM " + schema.DeadLetters + " FINAL WHERE topic = ?"
	args = []any{d.Topic}
	and := func(condition string, values ...any) {
		query += " AND " + condition
		args = append(args, values...)
	}
	if f.Tenant != "" && f.Tenant != tenant.All {
		and("tenant_id = ?", string(f.Tenant))
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
		and("message_time >= fromUnixTimestamp64Milli(toInt64(?))", f.From.UnixMilli())
	}
	if !f.To.IsZero() {
		and("message_time < fromUnixTimestamp64Milli(toInt64(?))", f.To.UnixMilli())
	}
	if f.Pending {
		and("(partition, offset, message_time) NOT IN (SELECT partition, offset, message_time FROM "+schema.DeadLetterReplays+" WHERE topic = ?)", d.Topic)
	}
	if p := f.After; p != nil {
		and("(-toUnixTimestamp64Milli(message_time), partition, -offset) > (?, ?, ?)", -p.at.UnixMilli(), p.partition, -p.offset)
	}
	query += deadLetterOrder
	if f.Limit > 0 {
		query += " LIMIT " + strconv.Itoa(f.Limit)
	}
	return query, args
}

const deadLetterOrder = " ORDER BY message_time DESC, partition, offset DESC"

// read returns the letters at the places that a statement selects, in the order of the list.
func (d DeadLetters) read(ctx context.Context, places string, args []any, preview int) (found []DeadLetter, err error) {
	cut := func(column string) string {
		if preview > 0 {
			return fmt.Sprintf("substring(%s, 1, %d)", column, preview)
		}
		return column
	}
	query := "SELECT topic, partition, offset, message_time, tenant_id, " + cut("key") + ", " + cut("value") + `, length(value), isValidUTF8(value),
			header_names, header_values, error_class, error_field, error, r.replayed_at
		FROM ` + schema.DeadLetters + ` AS d FINAL
		LEFT JOIN (SELECT topic, partition, offset, message_time, max(replayed_at) AS replayed_at FROM ` + schema.DeadLetterReplays + `
			WHERE topic = ? GROUP BY topic, partition, offset, message_time) AS r USING (topic, partition, offset, message_time)
		WHERE topic = ? AND (partition, offset, message_time) IN (` + places + ")" + deadLetterOrder
	args = append([]any{d.Topic, d.Topic}, args...)
	err = clickhouse.ReadRetry(ctx, func() error {
		found = found[:0]
		rows, err := d.Conn.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			l, err := scanDeadLetter(rows)
			if err != nil {
				return err
			}
			found = append(found, l)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return found, nil
}

func scanDeadLetter(rows driver.Rows) (DeadLetter, error) {
	var l DeadLetter
	var owner, key, value string
	var names, values []string
	var replayed time.Time
	var bytes uint64
	var text uint8
	m := &l.Message
	if err := rows.Scan(&m.Topic, &m.Partition, &m.Offset, &m.Time, &owner, &key, &value, &bytes, &text, &names, &values,
		&l.Reason.Class, &l.Reason.Field, &l.Reason.Message, &replayed); err != nil {
		return l, err
	}
	l.ID, l.Tenant, l.Bytes, l.Text = DeadLetterID{m.Partition, m.Offset}, tenant.ID(owner), int(bytes), text == 1
	m.Key, m.Value = []byte(key), []byte(value)
	for i := range names {
		m.Headers = append(m.Headers, event.Header{Key: names[i], Value: []byte(values[i])})
	}
	if replayed.Unix() > 0 {
		l.Replayed = replayed.UTC()
	}
	return l, nil
}

// replayBatch is how many letters are in memory, and published, between two
// notes of it.
const replayBatch = 100

// Replay publishes the chosen letters' messages to the topic again: same key,
// value, headers and timestamp, and where they stood in a header, so that an
// event without an id gets the id it would have had. What is still no event
// becomes a dead letter anew. It returns how many were published; a crash in
// between repeats a few, which ingest then drops by their ids.
func (d DeadLetters) Replay(ctx context.Context, f DeadLetterFilter) (int, error) {
	places, err := d.places(ctx, f) // All of them first: what is published may come back, and match again.
	if err != nil {
		return 0, err
	}
	done := 0
	for part := range slices.Chunk(places, replayBatch) {
		n, err := d.replay(ctx, part)
		if done += n; err != nil {
			return done, err
		}
	}
	return done, nil
}

// places returns where the chosen letters stand.
func (d DeadLetters) places(ctx context.Context, f DeadLetterFilter) (found []deadLetterPlace, err error) {
	query, args := d.choose(f)
	err = clickhouse.ReadRetry(ctx, func() error {
		found = found[:0]
		rows, err := d.Conn.Query(ctx, query, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var p deadLetterPlace
			if err := rows.Scan(&p.partition, &p.offset, &p.at); err != nil {
				return err
			}
			found = append(found, p)
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return found, nil
}

// replay publishes the letters at the places again, and notes it.
func (d DeadLetters) replay(ctx context.Context, places []deadLetterPlace) (int, error) {
	selected := make([]string, len(places))
	var args []any
	for i, p := range places {
		selected[i] = "(toInt32(?), toInt64(?), fromUnixTimestamp64Milli(toInt64(?), 'UTC'))"
		args = append(args, p.partition, p.offset, p.at.UnixMilli())
	}
	letters, err := d.read(ctx, strings.Join(selected, ", "), args, 0)
	if err != nil || len(letters) == 0 { // The retention may have taken them.
		return 0, err
	}
	messages := make([]kafka.Message, len(letters))
	for i := range letters {
		messages[i] = replayed(&letters[i].Message)
	}
	if err := d.Writer.WriteMessages(ctx, messages...); err != nil {
		return 0, fmt.Errorf("publish dead letters to %s: %w", d.Topic, err)
	}
	return len(letters), d.note(ctx, letters)
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
