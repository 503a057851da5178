package export

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/event"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/search"
	"daybook/query/statement"
)

// each calls row for every event of the view behind a position, oldest first.
// Copies of an event, which the store has until it merges them, are adjacent; they
// come once.
//
// There is one statement for each month: a month is a partition of the table, and a
// statement that reads in the order of the key holds a buffer for each column of
// each part that it reads.
func (s *Service) each(ctx context.Context, scope filter.Scope, f *filter.Filter, v *view, after *position, row func(*event.Event) error) error {
	if v.empty() {
		return nil
	}
	if after != nil {
		own := *after
		after = &own
	}
	from, to := f.Lower(scope), v.newest.Add(time.Microsecond)
	if v.oldest.After(from) {
		from = v.oldest
	}
	if after != nil && after.created.After(from) {
		from = after.created
	}
	if !f.To.IsZero() && f.To.Time.Before(to) {
		to = f.To.Time
	}
	for from.Before(to) {
		end := nextMonth(from)
		if end.After(to) {
			end = to
		}
		end = archived.Of(scope).Cut(from, end)
		part := &filter.Filter{Root: f.Root, From: filter.Moment{Time: from}, To: filter.Moment{Time: end}}
		build := func() *filter.Builder { return rowsStatement(scope, part, v, after) }
		scanner := search.NewEventScanner()
		err := statement.Each(ctx, s.reader, v.blockRows(), build, func(rows driver.Rows) error {
			e, err := scanner.Scan(rows)
			if err != nil {
				return err
			}
			p := positionOf(e)
			switch {
			case after == nil:
				after = new(position)
			case p == *after:
				return nil
			}
			*after = p
			return row(e)
		})
		if err != nil {
			return err
		}
		from = end
	}
	return nil
}

// nextMonth returns the beginning of the month, in UTC, after that of t.
func nextMonth(t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	return time.Date(year, month+1, 1, 0, 0, 0, 0, time.UTC)
}

// rowsStatement selects the filter's events of the view behind a position. The
// position is spelt out, because ClickHouse doesn't use the key for a comparison of
// tuples (#75086).
func rowsStatement(scope filter.Scope, f *filter.Filter, v *view, after *position) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ", search.Columns, " FROM ")
	f.Table(&b, scope)
	b.Write(" WHERE ")
	f.Where(&b, scope)
	v.where(&b)
	if after != nil {
		b.Write(" AND created_at >= ")
		b.Time(after.created)
		b.Write(" AND (created_at > ")
		b.Time(after.created)
		b.Write(" OR event_id > ")
		b.Text(after.id)
		b.Write(" OR event_id = ")
		b.Text(after.id)
		b.Write(" AND source > ")
		b.Text(after.source)
		b.Write(")")
	}
	b.Write(" ORDER BY tenant_id, created_at, event_id, source")
	return &b
}
