package audit

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/query/search"
	"daybook/query/statement"
)

// position is where an event stands in the store. Rows with equal positions
// are copies of one event, which the store has until it merges them.
type position struct {
	created time.Time
	id      string
	source  string
}

func positionOf(e *event.Event) position { return position{e.CreatedAt.UTC(), e.EventID, e.Source} }

const positionColumns = "created_at, event_id, source"

func scanPosition(rows driver.Rows) (p position, err error) {
	err = rows.Scan(&p.created, &p.id, &p.source)
	p.created = p.created.UTC()
	return p, err
}

// list returns a page, newest first, and how many events there are.
func (s *Service) list(ctx context.Context, scope filter.Scope, l listing) ([]entry, pagination, error) {
	own, err := s.ownReads(ctx, scope, l)
	if err != nil {
		return nil, pagination{}, err
	}
	total, copies, err := s.count(ctx, scope, l, own)
	if err != nil {
		return nil, pagination{}, err
	}
	entries := []entry{}
	if l.offset() < total {
		positions, err := collect(ctx, s, positionsStatement(scope, l, own, copies), scanPosition)
		if err != nil {
			return nil, pagination{}, err
		}
		// What came between the statements counts.
		total = max(total, l.offset()+int64(len(positions)))
		if entries, err = s.entries(ctx, scope, positions); err != nil {
			return nil, pagination{}, err
		}
	}
	return entries, pagination{Page: l.page, Limit: l.limit, Total: total, TotalPages: (total + l.limit - 1) / l.limit}, nil
}

// entries returns the events at the positions, in their order.
func (s *Service) entries(ctx context.Context, scope filter.Scope, positions []position) ([]entry, error) {
	if len(positions) == 0 {
		return []entry{}, nil
	}
	found, err := collect(ctx, s, eventsStatement(scope, positions), search.Events())
	if err != nil {
		return nil, err
	}
	byPosition := make(map[position]*event.Event, len(found))
	for i := range found {
		byPosition[positionOf(&found[i])] = &found[i]
	}
	entries := make([]entry, 0, len(positions))
	for _, p := range positions {
		if e := byPosition[p]; e != nil { // Else it has expired since.
			entries = append(entries, entryOf(e))
		}
	}
	return entries, nil
}

// where writes the condition of a listing.
func (l listing) where(b *filter.Builder, scope filter.Scope, own ownReads) {
	whereAudit(b, scope, l.from, l.to)
	if l.eventType != "" {
		b.Write(" AND event_type = ")
		b.Text(l.eventType)
	}
	if l.userID != "" {
		b.Write(" AND actor_id = ")
		b.Text(l.userID)
	}
	if !own.since.IsZero() {
		b.Write(" AND NOT (")
		own.where(b)
		b.Write(" AND created_at >= ")
		b.Time(own.since)
		b.Write(")")
	}
}

// positionsStatement selects the positions of a page. Where there are copies,
// ClickHouse must look at the whole listing to leave them out.
func positionsStatement(scope filter.Scope, l listing, own ownReads, copies bool) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ")
	if copies {
		b.Write("DISTINCT ")
	}
	b.Write(positionColumns, " FROM ")
	tableAudit(&b, scope, l.from, l.to)
	b.Write(" WHERE ")
	l.where(&b, scope, own)
	b.Write(" ORDER BY tenant_id DESC, created_at DESC, event_id DESC, source DESC LIMIT ")
	b.Int(l.limit)
	b.Write(" OFFSET ")
	b.Int(l.offset())
	return &b
}

// count returns how many events a listing has, and whether the store has copies
// of some. It adds what no merge between its statements can change: the different times at
// which something happened, and how many more events than one each of them has.
// Only rows that share their time with others are compared.
func (s *Service) count(ctx context.Context, scope filter.Scope, l listing, own ownReads) (events int64, copies bool, err error) {
	type counts struct{ rows, times, ties uint64 }
	found, err := collect(ctx, s, timesStatement(scope, l, own), func(rows driver.Rows) (c counts, err error) {
		return c, rows.Scan(&c.rows, &c.times, &c.ties)
	})
	if err != nil || len(found) == 0 {
		return 0, false, err
	}
	c := found[0]
	if c.ties == 0 {
		return int64(c.times), false, nil
	}
	more, err := collect(ctx, s, tiesStatement(scope, l, own), func(rows driver.Rows) (n int64, err error) { return n, rows.Scan(&n) })
	if err != nil {
		return 0, false, err
	}
	events = int64(c.times)
	for _, n := range more {
		events += n
	}
	return events, int64(c.rows) > events, nil
}

func timesStatement(scope filter.Scope, l listing, own ownReads) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT sum(n), count(), countIf(n > 1) FROM (SELECT count() AS n FROM ")
	tableAudit(&b, scope, l.from, l.to)
	b.Write(" WHERE ")
	l.where(&b, scope, own)
	b.Write(" GROUP BY created_at)")
	return &b
}

func tiesStatement(scope filter.Scope, l listing, own ownReads) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT sum(toInt64(n) - 1) FROM (SELECT uniqExact(event_id, source) AS n FROM ")
	tableAudit(&b, scope, l.from, l.to)
	b.Write(" WHERE ")
	l.where(&b, scope, own)
	b.Write(" AND created_at IN (SELECT created_at FROM ")
	tableAudit(&b, scope, l.from, l.to)
	b.Write(" WHERE ")
	l.where(&b, scope, own)
	b.Write(" GROUP BY created_at HAVING count() > 1) GROUP BY created_at)")
	return &b
}

// eventsStatement selects the events of a page, newest first.
func eventsStatement(scope filter.Scope, positions []position) *filter.Builder {
	newest, oldest := positions[0].created, positions[len(positions)-1].created
	ids := make([]string, len(positions))
	for i, p := range positions {
		ids[i] = p.id
	}
	var b filter.Builder
	b.Write("SELECT ", search.Columns, " FROM ")
	tableAudit(&b, scope, oldest, newest.Add(time.Microsecond))
	b.Write(" WHERE ")
	whereAudit(&b, scope, oldest, newest.Add(time.Microsecond))
	b.Write(" AND event_id IN ")
	b.Texts(ids)
	return &b
}

// event returns one event of the audit log.
func (s *Service) event(ctx context.Context, scope filter.Scope, id string) (*entry, error) {
	found, err := collect(ctx, s, eventStatement(scope, id), search.Events())
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, apierror.New(apierror.KindNotFound, "there is no audit event with this id, or it is older than the retention")
	}
	e := entryOf(&found[0])
	return &e, nil
}

func eventStatement(scope filter.Scope, id string) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ", search.Columns, " FROM ")
	tableAudit(&b, scope, time.Time{}, time.Time{})
	b.Write(" WHERE ")
	whereAudit(&b, scope, time.Time{}, time.Time{})
	b.Write(" AND event_id = ")
	b.Text(id)
	b.Write(" ORDER BY tenant_id DESC, created_at DESC LIMIT 1")
	return &b
}

func collect[T any](ctx context.Context, s *Service, b *filter.Builder, scan func(driver.Rows) (T, error)) ([]T, error) {
	var usage statement.Usage
	return statement.Collect(ctx, s.reader, &usage, b, scan)
}
