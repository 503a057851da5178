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

// level is a rollup at one width of its buckets.
type level struct {
	table string
	width time.Duration
	// expression is what a row's bucket is; where it isn't the column itself, a
	// projection of the table has the sums by it.
	expression string
	// worth is the shortest range for which it is asked: below, there is little to
	// save over what is finer.
	worth time.Duration
}

// levels are what may answer, the coarsest first.
var levels = []level{
	{schema.Events15m, time.Hour, "toStartOfHour(bucket, 'UTC')", 24 * time.Hour}, // Projection by_hour, over all Kafka partitions.
	{schema.Events15m, 15 * time.Minute, "bucket", 6 * time.Hour},
	{schema.Events1m, time.Minute, "bucket", 6 * time.Hour},
}

// Source is where a statement reads from. The zero Source is the events.
type Source struct {
	level   *level // nil: the events
	untimed bool   // the statement does not name At
	// from and to are the part of the range that consists of whole buckets. The
	// rest, at most a bucket at each end, is read from the events. Without an end, to is zero.
	from, to time.Time
}

// Choose returns the coarsest rollup that answers exactly, or the events:
// what the columns and the filter ask must be known to it, and its buckets must fit
// what the answer tells apart. fits is nil where no times are told apart: the statement
// can't name At then.
func Choose(scope filter.Scope, f *filter.Filter, grouped []string, fits func(width time.Duration) bool) Source {
	if !f.Columns(columns...) || slices.ContainsFunc(grouped, func(c string) bool { return !slices.Contains(columns, c) }) {
		return Source{}
	}
	for i := range levels {
		l := &levels[i]
		s := Source{level: l, untimed: fits == nil, from: ceil(f.Retained(scope), l.width)}
		if !f.To.IsZero() {
			s.to = f.To.Time.Truncate(l.width)
		}
		if (f.To.IsZero() || s.to.Sub(s.from) >= l.worth) && (fits == nil || fits(l.width)) {
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
func (s Source) IsRollup() bool { return s.level != nil }

// Name is what the meta of an answer says.
func (s Source) Name() string {
	if s.level != nil {
		return "rollup"
	}
	return "raw"
}

// Events is the expression of the number of events in a group of the source.
func (s Source) Events() string {
	if s.level != nil {
		return "sum(n)"
	}
	return "count()"
}

// At is the expression of when an event of the source happened.
func (s Source) At() string {
	if s.level != nil {
		return "at"
	}
	return "created_at"
}

// From writes FROM and WHERE. Of a rollup, only the grouped columns can be
// named elsewhere in the statement.
func (s Source) From(b *filter.Builder, scope filter.Scope, f *filter.Filter, grouped []string) {
	if s.level == nil {
		b.Write(" FROM ")
		f.Table(b, scope)
		b.Write(" WHERE ")
		f.Where(b, scope)
		return
	}
	names := strings.Join(append([]string{""}, grouped...), ", ")
	at := func(expression string) string {
		if s.untimed {
			return ""
		}
		return ", " + expression + " AS at"
	}
	b.Write(" FROM (SELECT ", s.sum(), " AS n", at(s.level.expression), names, " FROM ", s.level.table, " WHERE tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND ", s.level.expression, " >= ")
	b.Seconds(s.from)
	if !s.to.IsZero() {
		b.Write(" AND ", s.level.expression, " < ")
		b.Seconds(s.to)
	}
	f.Conditions(b)
	if s.projected() {
		b.Write(s.groups(grouped))
	}
	edge := func(from, to time.Time) {
		part := filter.Filter{Root: f.Root, From: filter.Moment{Time: from}, To: filter.Moment{Time: to}}
		b.Write(" UNION ALL SELECT toInt64(1) AS n", at("toDateTime(created_at, 'UTC')"), names, " FROM ")
		part.Table(b, scope)
		b.Write(" WHERE ")
		part.Where(b, scope)
	}
	lower := f.Lower(scope)
	before, after := lower.Before(s.from), !s.to.IsZero() && s.to.Before(f.To.Time)
	switch {
	case before && after && scope.Archive == nil:
		// Both by one read: to plan a further one takes longer than to read it.
		edge(lower, f.To.Time)
		b.Write(" AND (created_at < ")
		b.Time(s.from)
		b.Write(" OR created_at >= ")
		b.Time(s.to)
		b.Write(")")
	default:
		if before {
			edge(lower, s.from)
		}
		if after {
			edge(s.to, f.To.Time)
		}
	}
	b.Write(")")
}

// projected reports whether the sums of a projection are read: a statement has
// to group as that does to be answered by it.
func (s Source) projected() bool { return s.level.expression != "bucket" }

func (s Source) sum() string {
	if s.projected() {
		return "sum(events)"
	}
	return "events"
}

// groups is by what the sums of a projection are grouped.
func (s Source) groups(grouped []string) string {
	if !s.untimed {
		grouped = append([]string{"at"}, grouped...)
	}
	if len(grouped) == 0 {
		return "" // One sum.
	}
	return " GROUP BY " + strings.Join(grouped, ", ")
}
