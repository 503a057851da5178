package export

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
)

// view is the events of a tenant that were stored at one moment. An event that
// is stored later, whenever it happened, has a higher offset in its Kafka
// partition; or, where the topic was made anew, it was published later.
type view struct {
	began          time.Time // what relative times of the filter refer to
	oldest, newest time.Time // of its events
	ingested       time.Time // the last of its events
	width          int64     // bytes of a wide event's payload: all but one in a hundred are smaller
	logs           []log
}

// log is a Kafka topic with the offset behind the last of each partition.
type log struct {
	topic string
	next  []int64
}

// empty reports whether the view has no events.
func (v *view) empty() bool { return len(v.logs) == 0 }

// where writes " AND …": what confines a statement to the view.
func (v *view) where(b *filter.Builder) {
	b.Write(" AND ingested_at <= ")
	b.Time(v.ingested)
	b.Write(" AND (")
	for i, l := range v.logs {
		if i > 0 {
			b.Write(" OR ")
		}
		b.Write("kafka_topic = ")
		b.Text(l.topic)
		b.Write(" AND kafka_offset < arrayElement(") // Behind its end it is 0: no event of such a partition.
		b.Ints(l.next)
		b.Write(", kafka_partition + 1)")
	}
	b.Write(")")
}

// look returns the view of now, as far as it concerns the filter's time range.
func (s *Service) look(ctx context.Context, scope filter.Scope, f *filter.Filter, began time.Time) (*view, error) {
	var v *view
	var width int64
	if archived.Of(scope).Reads(f.Lower(scope), f.To.Time) {
		var usage statement.Usage
		found, err := statement.Collect(ctx, s.reader, &usage, widthStatement(scope, f), func(rows driver.Rows) (n float64, err error) { return n, rows.Scan(&n) })
		if err != nil {
			return nil, err
		}
		for _, n := range found {
			width = int64(n)
		}
	}
	err := statement.Each(ctx, s.reader, maxBlockRows, func() *filter.Builder {
		v = &view{began: began, width: width}
		return viewStatement(scope, f)
	}, func(rows driver.Rows) error {
		var (
			topic                    string
			partition                int32
			offset                   int64
			ingested, oldest, newest time.Time
			width                    float64
		)
		if err := rows.Scan(&topic, &partition, &offset, &ingested, &oldest, &newest, &width); err != nil {
			return err
		}
		v.add(topic, partition, offset)
		v.width = max(v.width, int64(width))
		if ingested.After(v.ingested) {
			v.ingested = ingested.UTC()
		}
		if v.oldest.IsZero() || oldest.Before(v.oldest) {
			v.oldest = oldest.UTC()
		}
		if newest.After(v.newest) {
			v.newest = newest.UTC()
		}
		return nil
	})
	return v, err
}

func viewStatement(scope filter.Scope, f *filter.Filter) *filter.Builder {
	var b filter.Builder
	width := widthSQL
	if archived.Of(scope).Reads(f.Lower(scope), f.To.Time) {
		width = "toFloat64(0)" // See widthStatement.
	}
	b.Write("SELECT kafka_topic, kafka_partition, max(kafka_offset), max(ingested_at), min(created_at), max(created_at), ", width, " FROM ")
	within := &filter.Filter{From: f.From, To: f.To}
	within.Table(&b, scope)
	b.Write(" WHERE ")
	within.Where(&b, scope)
	b.Write(" GROUP BY kafka_topic, kafka_partition ORDER BY kafka_topic, kafka_partition")
	return &b
}

// widthSQL is how wide a wide event's payload is.
const widthSQL = "quantile(0.99)(length(payload) + length(extra))"

// widthRows is how many events tell how wide those of files are: without an index on
// lengths, all payloads would be read twice.
const widthRows = "5000"

// widthStatement selects the width of a sample, where the archive is read.
func widthStatement(scope filter.Scope, f *filter.Filter) *filter.Builder {
	var b filter.Builder
	within := &filter.Filter{From: f.From, To: f.To}
	b.Write("SELECT if(count() = 0, 0, ", widthSQL, ") FROM (SELECT payload, extra FROM ")
	within.Table(&b, scope)
	b.Write(" WHERE ")
	within.Where(&b, scope)
	b.Write(" LIMIT ", widthRows, ")")
	return &b
}

const (
	minBlockRows, maxBlockRows = 8, 4096
	blockBytes                 = 16 << 20
	narrowest                  = 512 // bytes of an event without a payload
)

// blockRows returns how many of the view's events make a block.
func (v *view) blockRows() int {
	return int(min(max(blockBytes/(narrowest+v.width), minBlockRows), maxBlockRows))
}

// add says that a partition's events up to the offset are in the view.
func (v *view) add(topic string, partition int32, offset int64) {
	i := slices.IndexFunc(v.logs, func(l log) bool { return l.topic == topic })
	if i < 0 {
		i = len(v.logs)
		v.logs = append(v.logs, log{topic: topic})
	}
	l := &v.logs[i]
	for len(l.next) <= int(partition) {
		l.next = append(l.next, 0)
	}
	l.next[partition] = offset + 1
}
