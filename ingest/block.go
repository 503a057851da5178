package ingest

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

// What a message and a decoded row hold beyond their bytes, about.
const (
	messageOverhead = 96
	rowOverhead     = 512
)

// garbage is how much memory the process needs for each byte that waits: it was
// copied from what the driver has read, it will be decoded and encoded, and the
// collector runs when about as much has become garbage as is in use.
const garbage = 3

// block holds one partition's consecutive offsets [start, end] as Kafka has
// them. It is decoded only while it is worked on, which few blocks are at a
// time: the events in column order, and the messages that are no events.
type block struct {
	topic     string
	partition int32
	start     int64
	end       int64
	first     time.Time // timestamp of the message at start; part of the block's identity
	last      time.Time // timestamp of the message at end
	born      time.Time // when its first message was read; decides only when it is cut
	bytes     int64     // of its messages
	doubt     bool      // the block, or part of it, may be in the table already

	messages []rawMessage
	arena    []byte                      // what the messages' bytes are copied to
	repeated map[int64]struct{}          // offsets of events that producers sent before
	refused  map[int64]event.DecodeError // offsets of events that the server does not take

	// Of a block that is decoded:
	rows []event.Event
	pos  []int64  // the offset of each row
	text [][]byte // what full text search looks into, of each row
	dead []deadLetter

	events int // rows when it was last decoded
}

// rawMessage is a message as Kafka has it, in the arena of its block.
type rawMessage struct {
	offset, at int64 // at is the timestamp in Unix milliseconds
	key, value []byte
	headers    []event.Header
}

// String names the block as logs and query ids do.
func (b *block) String() string {
	return fmt.Sprintf("%s/%d/%d-%d", b.topic, b.partition, b.start, b.end)
}

// token is the block's insert_deduplication_token. It is a function of what
// Kafka holds alone: the first message's timestamp tells a topic that was
// made anew from the one whose offsets it repeats.
func (b *block) token() string {
	return fmt.Sprintf("events/%s@%d", b, b.first.UnixMilli())
}

// offsets is how many offsets the block covers.
func (b *block) offsets() int64 { return b.end - b.start + 1 }

// span returns the least and greatest event time of the rows.
func (b *block) span() (from, to time.Time) {
	for i := range b.rows {
		at := b.rows[i].CreatedAt
		if i == 0 || at.Before(from) {
			from = at
		}
		if i == 0 || at.After(to) {
			to = at
		}
	}
	return from, to
}

// take appends a message.
func (b *block) take(m *event.Message) {
	raw := rawMessage{offset: m.Offset, at: m.Time.UnixMilli(), key: b.keep(m.Key), value: b.keep(m.Value)}
	for _, h := range m.Headers {
		raw.headers = append(raw.headers, event.Header{Key: h.Key, Value: b.keep(h.Value)})
	}
	b.messages = append(b.messages, raw)
	if b.first.IsZero() {
		b.first = m.Time
	}
	b.end, b.last = m.Offset, m.Time
	b.bytes += int64(messageBytes(m))
}

const (
	leastArena = 16 << 10
	mostArena  = 1 << 20
)

// keep copies bytes into the arena, next to those of the other messages: what
// waits is few large pieces of memory without pointers. Nil stays nil.
func (b *block) keep(data []byte) []byte {
	if data == nil {
		return nil
	}
	if cap(b.arena)-len(b.arena) < len(data) {
		b.arena = make([]byte, 0, max(len(data), min(max(2*cap(b.arena), leastArena), mostArena)))
	}
	from := len(b.arena)
	b.arena = append(b.arena, data...)
	return b.arena[from:len(b.arena):len(b.arena)]
}

// memory is what the block costs while it waits, about.
func (b *block) memory() int64 {
	return garbage * (b.bytes + int64(len(b.messages))*messageOverhead)
}

// decodedMemory is what it costs in addition while it is decoded, about, with
// what the insert copies.
func (b *block) decodedMemory() int64 { return b.bytes + int64(len(b.messages))*rowOverhead }

// decode makes rows and dead letters of the messages. Their bytes are the
// arena's: nothing changes it any more.
func (b *block) decode(d *event.Decoder) error {
	b.rows, b.pos, b.dead = make([]event.Event, 0, len(b.messages)), make([]int64, 0, len(b.messages)), nil
	var text []byte
	ends := make([]int, 0, len(b.messages))
	for i := range b.messages {
		raw := &b.messages[i]
		m := event.Message{
			Topic: b.topic, Position: event.Position{Partition: b.partition, Offset: raw.offset},
			Time: time.UnixMilli(raw.at), Key: raw.key, Value: raw.value, Headers: raw.headers,
		}
		if _, ok := b.repeated[raw.offset]; ok {
			continue
		}
		if reason, ok := b.refused[raw.offset]; ok {
			b.dead = append(b.dead, deadLetter{m, reason})
			continue
		}
		b.rows = append(b.rows, event.Event{})
		e := &b.rows[len(b.rows)-1]
		if err := d.Decode(&m, e); err != nil {
			b.rows = b.rows[:len(b.rows)-1]
			var reason *event.DecodeError
			if !errors.As(err, &reason) {
				return fmt.Errorf("decode %s/%s: %w", b.topic, m.Position, err)
			}
			b.dead = append(b.dead, deadLetter{m, *reason})
			continue
		}
		if e.EventType == event.CanaryType && e.TenantID == string(tenant.Own) {
			b.rows = b.rows[:len(b.rows)-1] // It has shown on the stream what it is for.
			continue
		}
		if text == nil {
			text = make([]byte, 0, b.bytes/2)
		}
		text = event.SearchText(text, e.Payload)
		b.pos, ends = append(b.pos, raw.offset), append(ends, len(text))
	}
	b.text = make([][]byte, len(ends))
	from := 0
	for i, end := range ends {
		b.text[i] = text[from:end:end]
		from = end
	}
	b.events = len(b.rows)
	return nil
}

// shut gives up what decode has made.
func (b *block) shut() { b.rows, b.pos, b.text, b.dead = nil, nil, nil, nil }

// messageBytes is what a message holds in memory.
func messageBytes(m *event.Message) int {
	n := len(m.Key) + len(m.Value)
	for _, h := range m.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// subset returns a block of the same offsets that holds only the rows for
// which keep is true.
func (b *block) subset(keep func(i int) bool) *block {
	s := *b
	s.rows, s.pos, s.text = nil, nil, nil
	for i := range b.rows {
		if keep(i) {
			s.rows = append(s.rows, b.rows[i])
			s.pos = append(s.pos, b.pos[i])
			s.text = append(s.text, b.text[i])
		}
	}
	s.events = len(s.rows)
	return &s
}

// repeat takes the given rows out of the block, for good: their events came before.
func (b *block) repeat(rows map[int]struct{}) {
	if b.repeated == nil {
		b.repeated = map[int64]struct{}{}
	}
	for i := range rows {
		b.repeated[b.pos[i]] = struct{}{}
	}
	*b = *b.subset(func(i int) bool { _, ok := rows[i]; return !ok })
}

// refuse makes dead letters, for good, of the events at the given offsets, which
// the server does not take. The block has to be decoded again.
func (b *block) refuse(offsets []int64, cause error) {
	if b.refused == nil {
		b.refused = map[int64]event.DecodeError{}
	}
	for _, offset := range offsets {
		b.refused[offset] = event.DecodeError{Class: classRefused, Message: cause.Error()}
	}
}

// appendTo fills a batch of eventColumns.
func (b *block) appendTo(batch driver.Batch) error {
	n := len(b.rows)
	c := columns{batch: batch, n: n}
	text := make([]string, n)
	c.repeated(func(e *event.Event) string { return e.TenantID }, b.rows)
	c.times(func(e *event.Event) time.Time { return e.CreatedAt }, b.rows)
	c.strings(func(e *event.Event) string { return e.EventID }, b.rows, text)
	c.repeated(func(e *event.Event) string { return e.EventType }, b.rows)
	c.repeated(func(e *event.Event) string { return e.Category }, b.rows)
	c.repeated(func(e *event.Event) string { return e.Source }, b.rows)
	severities := make([]int8, n)
	for i := range b.rows {
		severities[i] = int8(b.rows[i].Severity)
	}
	c.append(severities)
	c.repeated(func(e *event.Event) string { return e.ActorType }, b.rows)
	c.strings(func(e *event.Event) string { return e.ActorID }, b.rows, text)
	c.strings(func(e *event.Event) string { return e.ActorName }, b.rows, text)
	c.strings(func(e *event.Event) string { return e.ActorEmail }, b.rows, text)
	c.repeated(func(e *event.Event) string { return e.TargetType }, b.rows)
	c.strings(func(e *event.Event) string { return e.TargetID }, b.rows, text)
	c.strings(func(e *event.Event) string { return e.CorrelationID }, b.rows, text)
	c.strings(func(e *event.Event) string { return e.IPAddress }, b.rows, text)
	c.strings(func(e *event.Event) string { return e.UserAgent }, b.rows, text)
	c.strings(func(e *event.Event) string { return alias(e.Payload) }, b.rows, text)
	for i := range b.text {
		text[i] = alias(b.text[i])
	}
	c.append(text)
	c.strings(func(e *event.Event) string { return alias(e.Extra) }, b.rows, text)
	c.times(func(e *event.Event) time.Time { return e.IngestedAt }, b.rows)
	c.repeated(func(*event.Event) string { return b.topic }, b.rows)
	partitions := make([]int32, n)
	for i := range partitions {
		partitions[i] = b.partition
	}
	c.append(partitions)
	c.append(b.pos)
	c.numbers(b.rows)
	return c.err
}

// alias views bytes that nobody changes as a string, without a copy.
func alias(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // A copy would double the payloads; a block outlives its insert.
}

// columns appends one column after the other and keeps the first error.
type columns struct {
	batch driver.Batch
	n     int
	next  int
	err   error
}

func (c *columns) append(values any) {
	if c.err == nil {
		if err := c.batch.Column(c.next).Append(values); err != nil {
			c.err = fmt.Errorf("column %d: %w", c.next, err)
		}
	}
	c.next++
}

func (c *columns) strings(of func(*event.Event) string, rows []event.Event, scratch []string) {
	for i := range rows {
		scratch[i] = of(&rows[i])
	}
	c.append(scratch)
}

func (c *columns) times(of func(*event.Event) time.Time, rows []event.Event) {
	values := make([]time.Time, c.n)
	for i := range rows {
		values[i] = of(&rows[i])
	}
	c.append(values)
}

// boxed keeps the values of a LowCardinality column as the driver takes them. It
// keeps a map of boxed values itself; boxing each distinct value once spares an allocation
// a row.
type boxed map[string]any

// mostBoxed bounds how many are kept. A producer decides how many there are.
const mostBoxed = 4096

func (b boxed) of(value string) any {
	box, ok := b[value]
	if !ok {
		if len(b) == mostBoxed {
			clear(b)
		}
		box = value
		b[value] = box
	}
	return box
}

// repeated appends a LowCardinality column.
func (c *columns) repeated(of func(*event.Event) string, rows []event.Event) {
	if c.err != nil {
		return
	}
	column := c.batch.Column(c.next)
	c.next++
	boxes := make(boxed, 64)
	var last string
	var box any = last
	for i := range rows {
		if value := of(&rows[i]); value != last {
			box, last = boxes.of(value), value
		}
		if err := column.AppendRow(box); err != nil {
			c.err = fmt.Errorf("column %d: %w", c.next-1, err)
			return
		}
	}
}

// pick returns a block of the same offsets that holds only the given rows.
func (b *block) pick(rows []int) *block {
	wanted := make(map[int]struct{}, len(rows))
	for _, i := range rows {
		wanted[i] = struct{}{}
	}
	return b.subset(func(i int) bool { _, ok := wanted[i]; return ok })
}
