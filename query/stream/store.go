package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/search"
	"daybook/query/statement"
	"daybook/schema"
)

// Store has the events that were taken out of Kafka into ClickHouse, each with
// its place in the topic.
type Store interface {
	// Stored returns, for each partition, the offset below which every event is
	// in the store for good; not positive where nothing is known to be.
	Stored(ctx context.Context) ([]int64, error)
	// Read calls row for the events of a span, by partition and then by offset.
	// Events may be among them that the matcher refuses. restart is called before
	// the first row, and again when the read begins anew. errTooMuch says that
	// the span is too large.
	Read(ctx context.Context, s Span, restart func(), row func(partition int32, offset int64, e *event.Event) error) error
	// First returns the lowest offset of each partition at which the span has an
	// event that Kafka got since a time, whatever the filter says; the span's end
	// where there is none.
	First(ctx context.Context, s Span, since time.Time) ([]int64, error)
	// Lost returns what between two positions ingest could not store and never
	// will, and has noticed since a time. It is known for everything below what
	// Stored has returned.
	Lost(ctx context.Context, from, to vector, since time.Time) ([]hole, error)
	// Oldest returns a tenant's retention: what happened before is shown to nobody.
	Oldest(id tenant.ID) time.Time
}

// Span is what a tenant has in the topic between two positions, where a matcher
// accepts it.
type Span struct {
	Tenant   tenant.ID
	Matcher  Matcher
	From, To vector // of the same length
	// Since is about when Kafka got the first of it. It tells events of this topic
	// from those of one that had its name before, at the same offsets.
	Since time.Time
}

// errTooMuch says that a read ran into a limit that a smaller span keeps.
var errTooMuch = errors.New("the span holds more than can be read at once")

// Table returns the table of events as a Store.
func Table(reader *statement.Reader, stored search.Stored, topic string, kept retention.Policy, now func() time.Time) Store {
	return &table{reader: reader, stored: stored, topic: topic, kept: kept, now: now}
}

type table struct {
	reader *statement.Reader
	stored search.Stored
	topic  string
	kept   retention.Policy
	now    func() time.Time
}

// sinceSlack is how much before a span's time an event of it may be dated where
// the topic was made anew: producers' clocks differ.
const sinceSlack = time.Hour

func (t *table) Oldest(id tenant.ID) time.Time { return t.kept.Oldest(id, t.now()) }

func (t *table) Stored(ctx context.Context) ([]int64, error) {
	log, err := t.stored.Stored(ctx)
	if err != nil {
		return nil, err
	}
	return log.Next, nil
}

// readBlockRows is how many rows stand in memory at once while they arrive.
const readBlockRows = 4096

func (t *table) Read(ctx context.Context, s Span, restart func(), row func(int32, int64, *event.Event) error) error {
	anew, err := t.madeAnew(ctx)
	if err != nil {
		return err
	}
	if !anew {
		s.Since = time.Time{} // Kafka's timestamps are whatever producers wrote: they decide only where offsets can't.
	}
	build := func() *filter.Builder {
		restart()
		return t.readStatement(s)
	}
	var partition int32
	var offset int64
	scanner := search.NewEventScanner(&partition, &offset)
	err = statement.Each(ctx, t.reader, readBlockRows, build, func(rows driver.Rows) error {
		e, err := scanner.Scan(rows)
		if err != nil {
			return err
		}
		return row(partition, offset, e)
	})
	var problem *apierror.Error
	if errors.As(err, &problem) && problem.Kind == apierror.KindLimit {
		return fmt.Errorf("%w: %w", errTooMuch, err)
	}
	return err
}

// madeAnew reports whether ingest has found the topic made anew, so that the
// table may have events of two topics at one offset.
func (t *table) madeAnew(ctx context.Context) (bool, error) {
	anew := false
	err := statement.Each(ctx, t.reader, 1, func() *filter.Builder {
		anew = false
		var b filter.Builder
		b.Write("SELECT 1 FROM ", schema.Gaps, " WHERE reason = 'topic_recreated' AND topic = ")
		b.Text(t.topic)
		b.Write(" LIMIT 1")
		return &b
	}, func(driver.Rows) error {
		anew = true
		return nil
	})
	return anew, err
}

// readStatement selects a span. Rows of a topic that had the same name before
// stand at the same offsets: of two rows at one place the later one is meant.
func (t *table) readStatement(s Span) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ", search.Columns, ", kafka_partition, kafka_offset FROM ", schema.Events, " WHERE ")
	f, ok := s.Matcher.(*filter.Filter)
	if !ok {
		f = &filter.Filter{}
	}
	f.Where(&b, t.scope(s.Tenant))
	if !s.Since.IsZero() {
		b.Write(" AND ingested_at >= ")
		b.Time(s.Since.Add(-sinceSlack))
	}
	t.within(&b, s)
	b.Write(" ORDER BY kafka_partition, kafka_offset, ingested_at DESC LIMIT 1 BY kafka_partition, kafka_offset")
	return &b
}

func (t *table) scope(id tenant.ID) filter.Scope {
	return filter.Scope{Tenant: id, Oldest: t.Oldest(id)}
}

// within writes " AND …": what confines a statement to the span's offsets. The
// plain bounds are what the index on the column understands.
func (t *table) within(b *filter.Builder, s Span) {
	lowest, highest := int64(0), int64(0)
	for p := range s.To {
		if s.From.of(int32(p)) >= s.To[p] {
			continue
		}
		if highest == 0 || s.From.of(int32(p)) < lowest {
			lowest = s.From.of(int32(p))
		}
		highest = max(highest, s.To[p])
	}
	b.Write(" AND kafka_topic = ")
	b.Text(t.topic)
	b.Write(" AND kafka_offset >= ")
	b.Int(lowest)
	b.Write(" AND kafka_offset < ")
	b.Int(highest)
	b.Write(" AND kafka_offset >= arrayElement(")
	b.Ints(s.From)
	b.Write(", kafka_partition + 1) AND kafka_offset < arrayElement(") // Behind its end it is 0: no event of such a partition.
	b.Ints(s.To)
	b.Write(", kafka_partition + 1)")
}

func (t *table) Lost(ctx context.Context, from, to vector, since time.Time) ([]hole, error) {
	var holes []hole
	err := statement.Each(ctx, t.reader, readBlockRows, func() *filter.Builder {
		holes = nil
		return t.lostStatement(from, to, since)
	}, func(rows driver.Rows) error {
		var h hole
		if err := rows.Scan(&h.partition, &h.from, &h.to); err != nil {
			return err
		}
		holes = append(holes, h)
		return nil
	})
	return holes, err
}

// lostStatement selects the gaps that ingest has reported. They are nobody's
// data: what they held is unknown.
func (t *table) lostStatement(from, to vector, since time.Time) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT DISTINCT partition, from_offset, to_offset FROM ", schema.Gaps, " WHERE topic = ")
	b.Text(t.topic)
	b.Write(" AND from_offset < to_offset AND to_offset > arrayElement(")
	b.Ints(from)
	b.Write(", partition + 1) AND from_offset < arrayElement(")
	b.Ints(to)
	b.Write(", partition + 1) AND noticed_at >= ")
	b.Time(since)
	b.Write(" ORDER BY partition, from_offset")
	return &b
}

func (t *table) First(ctx context.Context, s Span, since time.Time) ([]int64, error) {
	var first vector
	err := statement.Each(ctx, t.reader, readBlockRows, func() *filter.Builder {
		first = s.To.clone()
		return t.firstStatement(s, since)
	}, func(rows driver.Rows) error {
		var partition int32
		var offset int64
		if err := rows.Scan(&partition, &offset); err != nil {
			return err
		}
		first.set(partition, offset)
		return nil
	})
	return first, err
}

func (t *table) firstStatement(s Span, since time.Time) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT kafka_partition, min(kafka_offset) FROM ", schema.Events, " WHERE ")
	(&filter.Filter{}).Where(&b, t.scope(s.Tenant))
	b.Write(" AND ingested_at >= ")
	b.Time(since)
	t.within(&b, s)
	b.Write(" GROUP BY kafka_partition")
	return &b
}
