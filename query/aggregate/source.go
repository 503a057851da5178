package aggregate

import (
	"slices"
	"strings"
	"time"

	"daybook/query/filter"
	"daybook/schema"
)

// rolledUp are the columns that rollups have.
var rolledUp = []string{"event_type", "category", "source", "severity"}

// worthRollup is the shortest range for which a rollup is asked: below, the
// events themselves are few.
const worthRollup = 6 * time.Hour

// source is where a statement reads from.
type source struct {
	rollup *schema.Rollup // nil: the events
	// whole is the part of the range that consists of whole rollup buckets. The
	// rest, at most a bucket at each end, is read from the events.
	from, to time.Time
}

// name is what meta says.
func (s source) name() string {
	if s.rollup != nil {
		return "rollup"
	}
	return "raw"
}

// chooseSource returns the coarsest rollup that answers exactly, or the events.
// The filter has an end.
func chooseSource(scope filter.Scope, f *filter.Filter, g grid, groupBy []dimension, metrics []metric) source {
	if !slices.ContainsFunc(metrics, func(m metric) bool { return !m.counts() }) && f.Columns(rolledUp...) &&
		!slices.ContainsFunc(groupBy, func(d dimension) bool { return !slices.Contains(rolledUp, d.column) }) {
		for i := len(schema.Rollups) - 1; i >= 0; i-- {
			r := &schema.Rollups[i]
			s := source{rollup: r, from: ceil(f.Lower(scope), r.Bucket), to: f.To.Time.Truncate(r.Bucket)}
			if s.to.Sub(s.from) >= worthRollup && g.inner().divides(r.Bucket) {
				return s
			}
		}
	}
	return source{}
}

func ceil(t time.Time, width time.Duration) time.Time {
	if down := t.Truncate(width); down.Before(t) {
		return down.Add(width)
	}
	return t
}

// inner returns the grid with only the edges that lie within the range: where
// the range itself ends, events are read.
func (g grid) inner() grid {
	edges := slices.DeleteFunc(slices.Clone(g.edges), func(e time.Time) bool { return !e.After(g.from) || !e.Before(g.to) })
	return grid{edges: edges}
}

// events is the expression of the number of events in a group of the source.
func (s source) events() string {
	if s.rollup != nil {
		return "sum(n)"
	}
	return "count()"
}

// fromSQL writes FROM and WHERE.
func (s source) fromSQL(b *filter.Builder, scope filter.Scope, f *filter.Filter, groupBy []dimension) {
	if s.rollup == nil {
		b.Write(" FROM ", schema.Events, " WHERE ")
		f.Where(b, scope)
		return
	}
	names := []string{""}
	for _, d := range groupBy {
		names = append(names, d.column)
	}
	columns := strings.Join(names, ", ")
	b.Write(" FROM (SELECT bucket AS at, events AS n", columns, " FROM ", s.rollup.Table, " WHERE tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND bucket >= ")
	b.Seconds(s.from)
	b.Write(" AND bucket < ")
	b.Seconds(s.to)
	f.Conditions(b)
	edge := func(from, to time.Time) {
		if from.Before(to) {
			part := filter.Filter{Root: f.Root, From: filter.Moment{Time: from}, To: filter.Moment{Time: to}}
			b.Write(" UNION ALL SELECT toDateTime(created_at, 'UTC') AS at, toInt64(1) AS n", columns, " FROM ", schema.Events, " WHERE ")
			part.Where(b, scope)
		}
	}
	edge(f.Lower(scope), s.from)
	edge(s.to, f.To.Time)
	b.Write(")")
}

// at is the expression of when an event of the source happened.
func (s source) at() string {
	if s.rollup != nil {
		return "at"
	}
	return "created_at"
}
