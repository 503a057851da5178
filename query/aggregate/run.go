package aggregate

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

// maxRows bounds the groups times buckets of one answer.
const maxRows = 50_000

// otherGroup is the key of what isn't among the top groups.
const otherGroup = ""

// row is one group in one bucket, or in all of them.
type row struct {
	start int64
	key   string   // of the group; otherGroup also where nothing is grouped
	keys  []string // of the group, by dimension; nil for otherGroup
	parts []*float64
}

// computation is one range of a request.
type computation struct {
	reader *statement.Reader
	usage  *statement.Usage
	scope  filter.Scope
	*request
	filter *filter.Filter // of the range
	grid   grid
	source source
	only   []row // the top groups, where there is a top
}

// prepare resolves a request's range into buckets.
func prepare(ctx context.Context, reader *statement.Reader, usage *statement.Usage, scope filter.Scope, r *request, now time.Time) (*computation, error) {
	from, to := r.filter.From.Time, r.filter.To.Time
	if from.IsZero() || to.IsZero() {
		first, last, err := extent(ctx, reader, usage, scope, now)
		if err != nil {
			return nil, err
		}
		if from.IsZero() {
			from = first
		}
		if to.IsZero() {
			to = last
		}
	}
	if from.Before(scope.Oldest) {
		from = scope.Oldest
	}
	if !from.Before(to) {
		to = from // Nothing can be there; there is a bucket all the same.
	}
	if r.auto {
		r.bucket = chooseBucket(to.Sub(from))
	}
	c := &computation{reader: reader, usage: usage, scope: scope, request: r}
	return c, c.setRange(r.filter.From, r.filter.To, from, to)
}

// setRange resolves the range [from, to) into buckets. lower and upper are its
// ends as the request has them: without an upper, everything in the last
// bucket belongs to it.
func (c *computation) setRange(lower, upper filter.Moment, from, to time.Time) error {
	c.grid = whole(from, to)
	if !c.single {
		var ok bool
		if c.grid, ok = newGrid(from, to, c.bucket, c.zone); !ok {
			return apierror.Invalid(c.bucketMember, "%s makes more than %d buckets of this range", c.bucket.name, maxBuckets)
		}
	}
	if upper.IsZero() {
		upper.Time = c.grid.edges[c.grid.count()]
	}
	c.filter = &filter.Filter{Root: c.request.filter.Root, From: lower, To: upper}
	c.source = chooseSource(c.scope, c.filter, c.grid, c.groupBy, c.metrics)
	return nil
}

// extent returns between which times a tenant's events are, now included.
func extent(ctx context.Context, reader *statement.Reader, usage *statement.Usage, scope filter.Scope, now time.Time) (first, last time.Time, err error) {
	var b filter.Builder
	b.Write("SELECT min(bucket), max(bucket), count() FROM ", schema.Events15m, " WHERE tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND bucket >= ")
	b.Seconds(scope.Oldest.Truncate(15 * time.Minute))
	first, last = now, now
	_, err = statement.Collect(ctx, reader, usage, &b, func(rows driver.Rows) (struct{}, error) {
		var low, high time.Time
		var count uint64
		err := rows.Scan(&low, &high, &count)
		if count > 0 {
			first = low.UTC()
			if end := high.UTC().Add(15 * time.Minute); end.After(now) {
				last = end
			}
		}
		return struct{}{}, err
	})
	return first, last, err
}

// previous returns the computation of the range of the same length before. A
// range of whole days is compared with as many days, however long those were.
func (c *computation) previous() (*computation, error) {
	from, to := c.grid.from.In(c.zone), c.grid.to.In(c.zone)
	before := from.Add(-to.Sub(from))
	if isMidnight(from) && isMidnight(to) {
		days := int((to.Sub(from) + 12*time.Hour) / (24 * time.Hour))
		before = filter.StartOfDay(from.Year(), from.Month(), from.Day()-days, c.zone)
	}
	p := *c
	lower, upper := filter.Moment{Time: before.UTC()}, filter.Moment{Time: from.UTC()}
	return &p, p.setRange(lower, upper, lower.Time, upper.Time)
}

func isMidnight(t time.Time) bool {
	return t.Equal(filter.StartOfDay(t.Year(), t.Month(), t.Day(), t.Location()))
}

// rank finds the top groups of the range.
func (c *computation) rank(ctx context.Context) error {
	var b filter.Builder
	b.Write("SELECT ")
	c.keysSQL(&b)
	c.source.fromSQL(&b, c.scope, c.filter, c.groupBy)
	b.Write(" GROUP BY ")
	c.keyNames(&b)
	b.Write(" HAVING ", c.source.events(), " > 0 ORDER BY ")
	c.metrics[c.by].rankSQL(&b, c.source.events())
	b.Write(" DESC NULLS LAST, ")
	c.keyNames(&b)
	b.Write(" LIMIT ")
	b.Int(int64(c.top))
	var err error
	c.only, err = statement.Collect(ctx, c.reader, c.usage, &b, func(rows driver.Rows) (row, error) {
		r := row{keys: make([]string, len(c.groupBy))}
		into := make([]any, len(r.keys))
		for i := range into {
			into[i] = &r.keys[i]
		}
		err := rows.Scan(into...)
		r.key = groupKey(r.keys)
		return r, err
	})
	return err
}

// keysSQL writes the keys of the dimensions, as k0, k1…
func (c *computation) keysSQL(b *filter.Builder) {
	for i, d := range c.groupBy {
		if i > 0 {
			b.Write(", ")
		}
		d.keySQL(b)
		b.Write(" AS k", strconv.Itoa(i))
	}
}

func (c *computation) keyNames(b *filter.Builder) {
	for i := range c.groupBy {
		if i > 0 {
			b.Write(", ")
		}
		b.Write("k", strconv.Itoa(i))
	}
}

// fetch reads the metrics, by bucket or over all of them, by group or over all.
func (c *computation) fetch(ctx context.Context, byBucket, byGroup bool) ([]row, error) {
	byGroup = byGroup && len(c.groupBy) > 0
	top := byGroup && c.top > 0
	if top && len(c.only) == 0 {
		return nil, nil
	}
	var b filter.Builder
	c.statement(&b, byBucket, byGroup)
	rows, err := statement.Collect(ctx, c.reader, c.usage, &b, func(rows driver.Rows) (row, error) { return c.scan(rows, byGroup) })
	if err != nil {
		return nil, err
	}
	if len(rows) > maxRows {
		return nil, apierror.New(apierror.KindLimit,
			"the answer has more than %d groups and buckets: ask for the top groups, a coarser bucket or a narrower filter", maxRows)
	}
	return rows, nil
}

// statement writes the statement of fetch. Its columns are the bucket's start,
// the keys (of the top groups: their group's key alone) and the parts.
func (c *computation) statement(b *filter.Builder, byBucket, byGroup bool) {
	top := byGroup && c.top > 0
	b.Write("SELECT ")
	if byBucket && c.grid.count() > 1 {
		c.grid.startSQL(b, c.source.at())
	} else {
		b.Int(c.grid.edges[0].Unix())
	}
	b.Write(" AS start, ")
	switch {
	case top:
		keys := make([]string, len(c.only))
		for i, r := range c.only {
			keys[i] = r.key
		}
		b.Write("transform(")
		groupKeySQL(b, c.groupBy)
		b.Write(", ")
		b.Texts(keys)
		b.Write(", ")
		b.Texts(keys)
		b.Write(", '') AS k0, ")
	case byGroup:
		c.keysSQL(b)
		b.Write(", ")
	}
	b.Write("[")
	for i, m := range c.metrics {
		if i > 0 {
			b.Write(", ")
		}
		m.partsSQL(b, c.source.events())
	}
	b.Write("] AS parts")
	c.source.fromSQL(b, c.scope, c.filter, c.groupBy)
	b.Write(" GROUP BY start")
	switch {
	case top:
		b.Write(", k0")
	case byGroup:
		b.Write(", ")
		c.keyNames(b)
	}
	// A rollup that was repaired has groups that come to nothing.
	b.Write(" HAVING ", c.source.events(), " > 0")
	if top && !c.other {
		b.Write(" AND k0 != ''")
	}
	b.Write(" LIMIT ")
	b.Int(maxRows + 1)
}

// scan reads a row of the statement.
func (c *computation) scan(rows driver.Rows, byGroup bool) (row, error) {
	var r row
	into := []any{&r.start}
	switch {
	case byGroup && c.top > 0:
		into = append(into, &r.key)
	case byGroup:
		r.keys = make([]string, len(c.groupBy))
		for i := range r.keys {
			into = append(into, &r.keys[i])
		}
	}
	if err := rows.Scan(append(into, &r.parts)...); err != nil {
		return r, err
	}
	if r.keys != nil {
		r.key = groupKey(r.keys)
	}
	if i := slices.IndexFunc(c.only, func(top row) bool { return top.key == r.key }); r.keys == nil && i >= 0 {
		r.keys = c.only[i].keys
	}
	return r, nil
}
