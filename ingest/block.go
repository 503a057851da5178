package ingest

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/event"
)

// rowOverhead estimates what a row costs beyond its message: the columns'
// headers, the folded payload text and what the insert copies.
const rowOverhead = 512

// block holds one partition's consecutive offsets [start, end]: the events in
// column order, and the messages that are no events.
type block struct {
	topic     string
	partition int32
	start     int64
	end       int64
	first     time.Time // timestamp of the message at start; part of the block's identity
	last      time.Time // timestamp of the message at end
	born      time.Time // when its first message was read; decides only when it is cut
	bytes     int64     // of its messages
	memory    int64     // what it holds, about
	doubt     bool      // the block, or part of it, may be in the table already

	rows     []event.Event
	messages []event.Message // of each row
	pos      []int64         // the offset of each row
	text     [][]byte        // what full text search looks into, of each row
	dead     []deadLetter
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

// add appends a decoded message.
func (b *block) add(m *event.Message, e *event.Event) {
	text := event.SearchText(make([]byte, 0, len(e.Payload)), e.Payload)
	b.rows = append(b.rows, *e)
	b.messages = append(b.messages, *m)
	b.pos = append(b.pos, m.Offset)
	b.text = append(b.text, text)
	b.covered(m, len(text))
}

// reject appends a message that is no event.
func (b *block) reject(m *event.Message, err *event.DecodeError) {
	b.dead = append(b.dead, newDeadLetter(m, err))
	b.covered(m, 0)
}

func (b *block) covered(m *event.Message, extra int) {
	if b.first.IsZero() {
		b.first = m.Time
	}
	b.end, b.last = m.Offset, m.Time
	n := messageBytes(m)
	b.bytes += int64(n)
	b.memory += int64(n + extra + rowOverhead)
}

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
	s.rows, s.messages, s.pos, s.text = nil, nil, nil, nil
	for i := range b.rows {
		if keep(i) {
			s.rows = append(s.rows, b.rows[i])
			s.messages = append(s.messages, b.messages[i])
			s.pos = append(s.pos, b.pos[i])
			s.text = append(s.text, b.text[i])
		}
	}
	return &s
}

// refuse makes dead letters of the rows at the given offsets: the server does
// not take them.
func (b *block) refuse(offsets []int64, cause error) {
	refused := make(map[int64]struct{}, len(offsets))
	for _, offset := range offsets {
		refused[offset] = struct{}{}
	}
	for i := range b.rows {
		if _, ok := refused[b.pos[i]]; ok {
			b.dead = append(b.dead, newDeadLetter(&b.messages[i], &event.DecodeError{Class: classRefused, Message: cause.Error()}))
		}
	}
	*b = *b.subset(func(i int) bool { _, ok := refused[b.pos[i]]; return !ok })
}

// appendTo fills a batch of schema.EventColumns.
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

// repeated appends a LowCardinality column. The driver keeps a map of boxed
// values; boxing each distinct value once spares an allocation a row.
func (c *columns) repeated(of func(*event.Event) string, rows []event.Event) {
	if c.err != nil {
		return
	}
	column := c.batch.Column(c.next)
	c.next++
	boxed := make(map[string]any, 64)
	var last string
	var box any = last
	for i := range rows {
		if value := of(&rows[i]); value != last {
			var ok bool
			if box, ok = boxed[value]; !ok {
				box = value
				boxed[value] = box
			}
			last = value
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
