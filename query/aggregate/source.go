package aggregate

import (
	"slices"
	"time"

	"daybook/query/filter"
	"daybook/query/rollup"
)

// chooseSource returns the coarsest rollup that answers exactly, or the events.
func chooseSource(scope filter.Scope, f *filter.Filter, g grid, groupBy []dimension, metrics []metric) rollup.Source {
	if slices.ContainsFunc(metrics, func(m metric) bool { return !m.counts() }) {
		return rollup.Source{}
	}
	var fits func(time.Duration) bool
	if g.count() > 1 {
		fits = g.inner().divides
	}
	return rollup.Choose(scope, f, columnsOf(groupBy), fits)
}

// columnsOf returns the columns of the dimensions; that of a payload's value
// is "".
func columnsOf(groupBy []dimension) []string {
	columns := make([]string, len(groupBy))
	for i, d := range groupBy {
		columns[i] = d.column
	}
	return columns
}

// inner returns the grid with only the edges that lie within the range: where
// the range itself ends, events are read.
func (g grid) inner() grid {
	edges := slices.DeleteFunc(slices.Clone(g.edges), func(e time.Time) bool { return !e.After(g.from) || !e.Before(g.to) })
	return grid{edges: edges}
}
