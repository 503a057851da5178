package search

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
)

// sample is how many events are counted to learn how dense an id is.
const sample = 50_000

// firstSize returns how many events the first window should hold. An id that
// comes again may have one event or every tenth of them. Neither guess will do:
// a window too wide reads the head of every part, and one too narrow reads wide columns for
// a few events, one after the other. So they are counted in a sample first, which
// reads one narrow column.
func (s *Service) firstSize(ctx context.Context, scope filter.Scope, r Request, known profile, whole window, usage *statement.Usage) (uint64, error) {
	guess := r.Filter.Selectivity()
	size := firstWindow(guess, r.Limit)
	w, _ := newWindows(known, whole, r.Order == Newest, archived.Of(scope)).next(size)
	if guess != filter.Repeated || w == whole {
		return size, nil
	}
	found, err := statement.Collect(ctx, s.reader, usage, countStatement(scope, r, w), func(rows driver.Rows) (n uint64, err error) { return n, rows.Scan(&n) })
	if err != nil {
		return 0, err
	}
	return holding(size, int(found[0]), r.Limit+1), nil
}

func countStatement(scope filter.Scope, r Request, w window) *filter.Builder {
	var b filter.Builder
	within := w.of(r.Filter)
	b.Write("SELECT count() FROM ")
	within.Table(&b, scope)
	b.Write(" WHERE ")
	within.Where(&b, scope)
	return &b
}
