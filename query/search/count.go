package search

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/rollup"
	"daybook/query/statement"
)

// Counting says whether a search counts what matches, and how far.
type Counting string

// The ways to count.
const (
	NoCount Counting = ""
	Exact   Counting = "exact"
	Capped  Counting = "capped" // to mostCounted, for countTime at most
)

// Bounds of a capped count, which must not make a search slow.
const (
	mostCounted = 10_000
	countTime   = time.Second
)

// Count is how many events match a search, whatever page of it is shown. It counts
// rows as histograms do: copies of an event, which pages show once, count until
// ClickHouse has merged them.
type Count struct {
	Value    uint64 `json:"value"`
	Relation string `json:"relation"` // Equal or AtLeast
	Source   string `json:"source"`   // raw or rollup
}

// What a Count says of the number of matches.
const (
	Equal   = "eq"
	AtLeast = "gte"
)

// count adds the count to a page where the request asks for one. whole says that
// the page has all that matches; where adds to the filter's conditions.
func (s *Service) count(ctx context.Context, scope filter.Scope, r Request, page *Page, whole bool, where func(*filter.Builder)) error {
	if r.Counting == NoCount {
		return nil
	}
	page.Count = &Count{Value: uint64(len(page.Events)), Relation: Equal, Source: "raw"}
	if whole {
		return nil
	}
	source := rollup.Source{}
	if where == nil {
		source = rollup.Choose(scope, r.Filter, nil, nil)
	}
	b := exactStatement(scope, r.Filter, source, where)
	capped := r.Counting == Capped && !source.IsRollup()
	if capped {
		b = cappedStatement(scope, r.Filter, where, s.countTime)
	}
	began := time.Now()
	found, err := statement.Collect(ctx, s.reader, &page.Usage, b, func(rows driver.Rows) (n uint64, err error) { return n, rows.Scan(&n) })
	if capped && isLimit(err) {
		page.Count.Relation = AtLeast // The page is that much.
		return nil
	}
	if err != nil {
		return err
	}
	// Where ClickHouse has stopped, it does not say so, and may give no row.
	stopped := len(found) == 0 || time.Since(began) >= s.countTime
	var n uint64
	if len(found) > 0 {
		n = found[0]
	}
	if capped && (n > mostCounted || stopped) {
		n, page.Count.Relation = max(min(n, mostCounted), page.Count.Value), AtLeast
	}
	page.Count.Value, page.Count.Source = n, archived.Of(scope).Name(r.Filter.Lower(scope), r.Filter.To.Time, source.Name())
	return nil
}

// exactStatement counts the matches in the source.
func exactStatement(scope filter.Scope, f *filter.Filter, source rollup.Source, where func(*filter.Builder)) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT toUInt64(", source.Events(), ")")
	source.From(&b, scope, f, nil)
	if where != nil {
		where(&b)
	}
	return &b
}

// cappedStatement counts until it has one more than it is to tell, or the time is up.
func cappedStatement(scope filter.Scope, f *filter.Filter, where func(*filter.Builder), limit time.Duration) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT count() FROM (SELECT 1 FROM ")
	f.Table(&b, scope)
	b.Write(" WHERE ")
	f.Where(&b, scope)
	if where != nil {
		where(&b)
	}
	b.Write(" LIMIT ")
	b.Int(mostCounted + 1)
	b.Write(") SETTINGS timeout_overflow_mode = 'break', max_execution_time = ", strconv.FormatFloat(limit.Seconds(), 'f', -1, 64))
	return &b
}
