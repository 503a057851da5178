package aggregate

import (
	"cmp"
	"context"
	"math"
	"slices"
)

// series is one group over time.
type series struct {
	keys   []string // by dimension; nil for what is not among the top groups, or where nothing is grouped
	other  bool
	points [][]*float64 // parts by bucket; nil where the bucket has no events
	totals []*float64   // parts over the whole range; nil where there are no events

	previous *series // of the period before, where that is asked for
}

// result is the answer to a computation.
type result struct {
	series []*series
	totals []*float64 // parts
	grid   grid
}

// run computes the series of one range.
func (c *computation) run(ctx context.Context) (*result, error) {
	out := &result{grid: c.grid}
	byKey := map[string]*series{}
	add := func(key string, keys []string) *series {
		s := byKey[key]
		if s == nil {
			s = &series{keys: keys, other: keys == nil && c.groupBy != nil, points: make([][]*float64, c.grid.count())}
			byKey[key] = s
			out.series = append(out.series, s)
		}
		return s
	}
	// The top groups come in their order, each of them, found in this range or not.
	for _, r := range c.only {
		add(r.key, r.keys)
	}
	if c.groupBy == nil {
		add(otherGroup, nil)
	}
	rows, err := c.fetch(ctx, c.furtherLevels()...)
	if err != nil {
		return nil, err
	}
	merges := c.merges()
	for _, r := range rows {
		switch r.level {
		case overall:
			out.totals = r.parts
		case totals:
			add(r.key, r.keys).totals = r.parts
		default:
			s := add(r.key, r.keys)
			if i, ok := c.grid.index(r.start); ok {
				s.points[i] = r.parts
			}
			if merges {
				s.totals = c.merge(s.totals, r.parts)
			}
		}
	}
	c.complete(out)
	return out, nil
}

// furtherLevels returns the totals that don't follow from the points: of
// metrics whose parts don't merge, and of groups that are left out.
func (c *computation) furtherLevels() []level {
	several, grouped := c.grid.count() > 1, c.groupBy != nil
	var further []level
	if !c.merges() && several && grouped {
		further = append(further, totals)
	}
	if !c.merges() && (several || grouped) || c.top > 0 && !c.other {
		further = append(further, overall)
	}
	return further
}

// complete adds the totals that do follow from the points, and orders series
// that nobody ranked.
func (c *computation) complete(out *result) {
	for _, s := range out.series {
		if s.totals == nil && c.grid.count() == 1 {
			s.totals = s.points[0]
		}
	}
	switch {
	case c.groupBy == nil && out.totals != nil:
		out.series[0].totals = out.totals
	case c.groupBy == nil:
		out.totals = out.series[0].totals
	case out.totals == nil && c.merges():
		for _, s := range out.series {
			out.totals = c.merge(out.totals, s.totals)
		}
	}
	if c.top == 0 {
		slices.SortStableFunc(out.series, func(a, b *series) int {
			return cmp.Or(cmp.Compare(c.rankOf(b), c.rankOf(a)), slices.Compare(a.keys, b.keys))
		})
	}
}

// merges reports whether every metric's parts merge.
func (c *computation) merges() bool {
	return !slices.ContainsFunc(c.metrics, func(m metric) bool { return !m.merges() })
}

// merge adds parts to a sum, which is nil at first.
func (c *computation) merge(sum, parts []*float64) []*float64 {
	if parts == nil {
		return sum
	}
	if sum == nil {
		sum = make([]*float64, len(parts))
	}
	at := 0
	for _, m := range c.metrics {
		n := m.partCount()
		m.merge(sum[at:at+n], parts[at:at+n])
		at += n
	}
	return sum
}

// values returns the metrics of parts over some seconds; nil parts give what
// stands for no events.
func (r *request) values(parts []*float64, seconds float64, none fill) []*float64 {
	out := make([]*float64, len(r.metrics))
	at := 0
	for i, m := range r.metrics {
		n := m.partCount()
		switch {
		case parts != nil:
			out[i] = m.value(parts[at:at+n], seconds)
		case none == fillZero:
			out[i] = m.ofNothing()
		}
		at += n
	}
	return out
}

// rankOf is the first metric of a series over the whole range. Where there is
// none it is NaN, which cmp.Compare puts below every number, as NULLS LAST does.
func (c *computation) rankOf(s *series) float64 {
	if v := c.values(s.totals, c.grid.length(), fillZero)[0]; v != nil {
		return *v
	}
	return math.NaN()
}
