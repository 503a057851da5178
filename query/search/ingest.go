package search

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/query/cursor"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

// Order ingest is for those who poll. Its position is an offset for each
// partition of the Kafka topic. Within a partition events are stored in blocks, one
// after the other, but a block that spans months, or that failed and is being
// completed, becomes visible in pieces. So a page shows only what is below
// the offset up to which ingest has confirmed every event of the partition as
// stored: nothing can appear there any more, and going on from there
// misses nothing, however late an event came or whenever it happened.

// Stored tells how far the topic is confirmed as stored.
type Stored interface {
	Stored(ctx context.Context) (Log, error)
}

// Log is a Kafka topic and, for each of its partitions, the offset below which
// every event is in the store.
type Log struct {
	Topic string
	Epoch uint32  // another one when a topic of the same name was made anew
	Next  []int64 // negative: nothing was ever confirmed, or Kafka forgot it
}

// settlePause is how long a log that is behind a cursor is given before it is asked again.
const settlePause = 100 * time.Millisecond

// awaitLog returns the log, what a cursor of the request is bound to, and the offsets
// from which the request goes on. A log that is behind the cursor gets a while: right after the
// group's coordinator has moved, Kafka answers with less than it has acknowledged.
func (s *Service) awaitLog(ctx context.Context, r Request) (log Log, bound uint64, from []int64, err error) {
	for began := time.Now(); ; {
		log, err = s.stored.Stored(ctx)
		if err != nil {
			return log, 0, nil, &apierror.Error{Kind: apierror.KindUnavailable, Detail: "Kafka does not say now how far events are stored; try again shortly", Cause: err}
		}
		bound, from = binding(r, fmt.Sprintf("%s@%d", log.Topic, log.Epoch)), make([]int64, len(log.Next))
		if r.Cursor == "" {
			return log, bound, from, nil
		}
		content, err := openCursor(bound, r.Cursor)
		if err != nil {
			return log, 0, nil, err
		}
		next, err := readOffsets(content)
		if err != nil {
			return log, 0, nil, err
		}
		if len(next) > len(from) {
			return log, 0, nil, cursor.Damaged() // Partitions never become fewer.
		}
		copy(from, next)
		if !log.behind(from) {
			return log, bound, from, nil
		}
		if time.Since(began) >= s.settleTime {
			return log, 0, nil, apierror.Invalid("cursor", "is ahead of the log, which was made anew or set back; begin without a cursor")
		}
		select {
		case <-ctx.Done():
			return log, 0, nil, ctx.Err()
		case <-time.After(settlePause):
		}
	}
}

// behind reports whether less is confirmed than lies before the offsets.
func (l Log) behind(offsets []int64) bool {
	for p, offset := range offsets {
		if 0 <= l.Next[p] && l.Next[p] < offset {
			return true
		}
	}
	return false
}

func (s *Service) searchIngest(ctx context.Context, r Request) (*Page, error) {
	if s.stored == nil {
		return nil, apierror.Invalid("order", "ingest needs the Kafka topic, which this node doesn't read")
	}
	log, bound, from, err := s.awaitLog(ctx, r)
	if err != nil {
		return nil, err
	}
	until := slices.Clone(log.Next)
	for p, offset := range from {
		until[p] = max(until[p], offset)
	}
	page := &Page{Indexes: append(indexes(r.Filter), "offset"), Source: "raw"}
	scope := s.Scope(r.Tenant)
	var rows []ingestRow
	if !slices.Equal(from, until) { // Else nothing has been stored since.
		var row ingestRow
		scanner := NewEventScanner(&row.partition, &row.offset)
		rows, err = statement.Collect(ctx, s.reader, &page.Usage, ingestStatement(scope, r, log.Topic, from, until),
			func(rows driver.Rows) (ingestRow, error) {
				e, err := scanner.Scan(rows)
				if err == nil {
					row.Event = *e
				}
				return row, err
			})
		if err != nil {
			return nil, err
		}
	}
	// Copies of a row, of an insert that was repeated, are adjacent.
	more := len(rows) > r.Limit
	rows = slices.CompactFunc(rows[:min(len(rows), r.Limit)], func(a, b ingestRow) bool { return a.partition == b.partition && a.offset == b.offset })
	for _, row := range rows {
		page.Events = append(page.Events, row.Event)
	}
	end := slices.Clone(until)
	if more {
		advance(from, until, rows[len(rows)-1])
	} else {
		copy(from, until)
	}
	// There is always a next page: of what has not been stored yet.
	page.NextCursor = cursor.Seal(bound, appendOffsets(nil, from))
	return page, s.count(ctx, scope, r, page, r.Cursor == "" && !more, func(b *filter.Builder) {
		whereStored(b, log.Topic, make([]int64, len(end)), end)
	})
}

type ingestRow struct {
	event.Event
	partition int32
	offset    int64
}

// advance moves the positions behind the last row of a page. Rows come by
// offset, then partition, so each partition was read up to the row's offset.
func advance(from, until []int64, last ingestRow) {
	for p := range from {
		next := last.offset
		if p <= int(last.partition) {
			next++
		}
		from[p] = max(from[p], min(next, until[p]))
	}
}

func ingestStatement(scope filter.Scope, r Request, topic string, from, until []int64) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ", Columns, ", kafka_partition, kafka_offset FROM ", schema.Events, " WHERE ")
	r.Filter.Where(&b, scope)
	whereStored(&b, topic, from, until)
	b.Write(" ORDER BY kafka_offset, kafka_partition LIMIT ")
	b.Int(int64(r.Limit) + 1)
	return &b
}

// whereStored confines a statement to offsets of each partition. What they are for
// all of them together is written besides: of that the index on offsets can make use.
func whereStored(b *filter.Builder, topic string, from, until []int64) {
	lowest, highest := int64(math.MaxInt64), int64(0)
	for p := range from {
		if from[p] < until[p] {
			lowest, highest = min(lowest, from[p]), max(highest, until[p])
		}
	}
	b.Write(" AND kafka_topic = ")
	b.Text(topic)
	b.Write(" AND kafka_offset >= ")
	b.Int(lowest)
	b.Write(" AND kafka_offset < ")
	b.Int(highest)
	b.Write(" AND kafka_offset >= arrayElement(")
	b.Ints(from)
	b.Write(", kafka_partition + 1) AND kafka_offset < arrayElement(")
	b.Ints(until)
	b.Write(", kafka_partition + 1)")
}
