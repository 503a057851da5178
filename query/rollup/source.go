// Package rollup decides where counts are read from: from the counts by minute
// or by quarter of an hour that the schema keeps (rollups), or from the events.
//
// It guarantees that a rollup is only asked what it knows exactly. The edges
// of a range that cut through its buckets are read from the events, in the same
// statement.
package rollup

import (
	"slices"
	"strings"
	"time"

	"daybook/query/filter"
	"daybook/schema"
)

// columns are those that rollups have beside tenant and time.
var columns = []string{"event_type", "category", "source", "severity"}

// worth is the shortest range for which a rollup is asked: below, the events
// themselves are few.
const worth = 6 * time.Hour

// Source is where a statement reads from. The zero Source is the events.
type Source struct {
	rollup *schema.Rollup // nil: the events
	// from and to are the part of the range that consists of whole buckets. The
	// rest, at most a bucket at each end, is read from the events. Without an end, to is zero.
	from, to time.Time
}

// Choose returns the coarsest rollup that answers exactly, or the events:
// what the columns and the filter ask must be known to it, and its buckets must fit
// what the answer tells apart. fits may be nil, where that is nothing.
func Choose(scope filter.Scope, f *filter.Filter, grouped []string, fits func(width time.Duration) bool) Source {
	if !f.Columns(columns...) || slices.ContainsFunc(grouped, func(c string) bool { return !slices.Contains(columns, c) }) {
		return Source{}
	}
	for i := len(schema.Rollups) - 1; i >= 0; i-- {
		r := &schema.Rollups[i]
		s := Source{rollup: r, from: ceil(f.Lower(scope), r.Bucket)}
		if !f.To.IsZero() {
			s.to = f.To.Time.Truncate(r.Bucket)
		}
		if (f.To.IsZero() || s.to.Sub(s.from) >= worth) && (fits == nil || fits(r.Bucket)) {
			return s
		}
	}
	return Source{}
}

func ceil(t time.Time, width time.Duration) time.Time {
	if down := t.Truncate(width); down.Before(t) {
		return down.Add(width)
	}
	return t
}

// IsRollup reports whether the source is a rollup.
func (s Source) IsRollup() bool { return s.rollup != nil }

// Name is what the meta of an answer says.
func (s Source) Name() string {
	if s.rollup != nil {
		return "rollup"
	}
	return "raw"
}

// Events is the expression of the number of events in a group of the source.
func (s Source) Events() string {
	if s.rollup != nil {
		return "sum(n)"
	}
	return "count()"
}

// At is the expression of when an event of the source happened.
func (s Source) At() string {
	if s.rollup != nil {
		return "at"
	}
	return "created_at"
}

// From writes FROM and WHERE. Of a rollup, only the grouped columns can be
// named elsewhere in the statement.
func (s Source) From(b *filter.Builder, scope filter.Scope, f *filter.Filter, grouped []string) {
	if s.rollup == nil {
		b.Write(" FROM ", schema.Events, " WHERE ")
		f.Where(b, scope)
		return
	}
	names := strings.Join(append([]string{""}, grouped...), ", ")
	b.Write(" FROM (SELECT bucket AS at, events AS n", names, " FROM ", s.rollup.Table, " WHERE tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND bucket >= ")
	b.Seconds(s.from)
	if !s.to.IsZero() {
		b.Write(" AND bucket < ")
		b.Seconds(s.to)
	}
	f.Conditions(b)
	edge := func(from, to time.Time) {
		if from.Before(to) {
			part := filter.Filter{Root: f.Root, From: filter.Moment{Time: from}, To: filter.Moment{Time: to}}
			b.Write(" UNION ALL SELECT toDateTime(created_at, 'UTC') AS at, toInt64(1) AS n", names, " FROM ", schema.Events, " WHERE ")
			part.Where(b, scope)
		}
	}
	edge(f.Lower(scope), s.from)
	if !s.to.IsZero() {
		edge(s.to, f.To.Time)
	}
	b.Write(")")
}
