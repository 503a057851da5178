package aggregate

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/rollup"
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
	level level
}

// computation is one range of a request.
type computation struct {
	reader *statement.Reader
	usage  *statement.Usage
	scope  filter.Scope
	*request
	filter *filter.Filter // of the range
	grid   grid
	source rollup.Source
	only   []row // the top groups, where there is a top
}

// prepare resolves a request's range into buckets. One without an end ends now:
// see extend.
func prepare(ctx context.Context, reader *statement.Reader, usage *statement.Usage, scope filter.Scope, r *request, now time.Time) (*computation, error) {
	c := &computation{reader: reader, usage: usage, scope: scope, request: r}
	from, to := r.filter.From.Time, r.filter.To.Time
	if r.filter.From.IsZero() {
		var err error
		if from, err = c.firstEvent(ctx, now); err != nil {
			return nil, err
		}
	}
	if r.filter.To.IsZero() {
		to = now
	}
	if scope.Archive == nil && from.Before(scope.Oldest) {
		from = scope.Oldest
	}
	if !from.Before(to) {
		to = from // Nothing can be there; there is a bucket all the same.
	}
	return c, c.within(from, to)
}

// within resolves the request's range, which is [from, to) in the end.
func (c *computation) within(from, to time.Time) error {
	if c.auto {
		c.bucket = chooseBucket(to.Sub(from))
	}
	return c.setRange(c.request.filter.From, c.request.filter.To, from, to)
}

// extend returns the computation with a later end, and whether its statements
// are others.
func (c *computation) extend(to time.Time) (later *computation, differs bool, err error) {
	extended := *c
	if err := extended.within(c.grid.from, to); err != nil {
		return nil, false, err
	}
	if c.single {
		return &extended, false, nil
	}
	return &extended, !slices.EqualFunc(c.grid.edges, extended.grid.edges, time.Time.Equal), nil
}

// setRange resolves the range [from, to) into buckets. lower and upper are its
// ends as the request has them: without an upper, everything in the last
// bucket belongs to it, and without buckets, everything there is.
func (c *computation) setRange(lower, upper filter.Moment, from, to time.Time) error {
	c.grid = whole(from, to)
	if !c.single {
		var ok bool
		if c.grid, ok = newGrid(from, to, c.bucket, c.zone); !ok {
			return apierror.Invalid(c.bucketMember, "%s makes more than %d buckets of this range", c.bucket.name, maxBuckets)
		}
	}
	if upper.IsZero() && !c.single {
		upper.Time = c.grid.edges[c.grid.count()]
	}
	c.filter = &filter.Filter{Root: c.request.filter.Root, From: lower, To: upper}
	c.source = chooseSource(c.scope, c.filter, c.grid, c.groupBy, c.metrics)
	return nil
}

// firstEvent returns the beginning of the quarter of an hour with a tenant's
// first event, or now where there is none.
func (c *computation) firstEvent(ctx context.Context, now time.Time) (time.Time, error) {
	if p := archived.Of(c.scope); p != nil {
		if first, err := p.First(ctx, c.reader, c.usage); err != nil || !first.IsZero() {
			return first.Truncate(rollup15m), err
		}
	}
	found, err := bucketOf15m(ctx, c.reader, c.usage, c.scope, "ASC", c.scope.Oldest)
	if err != nil || found.IsZero() {
		return now, err
	}
	return found, nil
}

// lastEvent returns now, or the end of the quarter of an hour with a tenant's
// last event where that is later: it has not ended, or some producer's clock is ahead of ours.
func lastEvent(ctx context.Context, reader *statement.Reader, usage *statement.Usage, scope filter.Scope, now time.Time) (time.Time, error) {
	found, err := bucketOf15m(ctx, reader, usage, scope, "DESC", now)
	if end := found.Add(rollup15m); err == nil && !found.IsZero() && end.After(now) {
		return end, nil
	}
	return now, err
}

const rollup15m = 15 * time.Minute

// bucketOf15m returns the first bucket since some time in an order; no time
// where there is none. It reads the ends of the key, and no more.
func bucketOf15m(ctx context.Context, reader *statement.Reader, usage *statement.Usage, scope filter.Scope, order string, since time.Time) (found time.Time, err error) {
	var b filter.Builder
	b.Write("SELECT bucket FROM ", schema.Events15m, " WHERE tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND bucket >= ")
	b.Seconds(since.Truncate(rollup15m))
	b.Write(" ORDER BY tenant_id ", order, ", bucket ", order, " LIMIT 1")
	rows, err := statement.Collect(ctx, reader, usage, &b, func(rows driver.Rows) (t time.Time, err error) { return t, rows.Scan(&t) })
	if err == nil && len(rows) > 0 {
		found = rows[0].UTC()
	}
	return found, err
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
	c.rankStatement(&b)
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

func (c *computation) rankStatement(b *filter.Builder) {
	b.Write("SELECT ")
	c.keysSQL(b)
	c.source.From(b, c.scope, c.filter, columnsOf(c.groupBy))
	b.Write(" GROUP BY ")
	c.keyNames(b)
	b.Write(" HAVING ", c.source.Events(), " > 0 ORDER BY ")
	c.metrics[c.by].rankSQL(b, c.scope, c.source.Events())
	b.Write(" DESC NULLS LAST, ")
	c.keyNames(b)
	b.Write(" LIMIT ")
	b.Int(int64(c.top))
}

// keysSQL writes the keys of the dimensions, as k0, k1 and so on.
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

// level says what a row sums up.
type level uint8

const (
	points  level = iota // a group in a bucket
	totals               // a group
	overall              // everything
)

// fetch reads the metrics of each group in each bucket, and at the further
// levels, in one pass over the source.
func (c *computation) fetch(ctx context.Context, further ...level) ([]row, error) {
	var b filter.Builder
	terms := c.statement(&b, further)
	rows, err := statement.Collect(ctx, c.reader, c.usage, &b, func(rows driver.Rows) (row, error) { return c.scan(rows, terms) })
	if err != nil {
		return nil, err
	}
	if len(rows) > maxRows {
		return nil, apierror.New(apierror.KindLimit,
			"the answer has more than %d groups and buckets: ask for the top groups, a coarser bucket or a narrower filter", maxRows)
	}
	return rows, nil
}

// statement writes the statement of fetch and returns by how many terms it
// groups. Its columns are the bucket's start, the keys (of the top groups: their
// group's key alone), the parts, and how many of the terms the row sums over.
func (c *computation) statement(b *filter.Builder, further []level) (terms int) {
	top := c.top > 0
	var keys []string
	b.Write("SELECT ")
	if c.grid.count() > 1 {
		c.grid.startSQL(b, c.source.At())
	} else {
		b.Int(c.grid.edges[0].Unix())
	}
	b.Write(" AS start, ")
	if top && len(c.only) == 0 { // Nothing now; the period before may have had groups.
		keys = []string{"k0"}
		b.Write("materialize('') AS k0, ")
	} else if top {
		keys = []string{"k0"}
		known := make([]string, len(c.only))
		for i, r := range c.only {
			known[i] = r.key
		}
		b.Write("transform(")
		groupKeySQL(b, c.groupBy)
		b.Write(", ")
		b.Texts(known)
		b.Write(", ")
		b.Texts(known)
		b.Write(", '') AS k0, ")
	} else if c.groupBy != nil {
		c.keysSQL(b)
		b.Write(", ")
		for i := range c.groupBy {
			keys = append(keys, "k"+strconv.Itoa(i))
		}
	}
	b.Write("[")
	for i, m := range c.metrics {
		if i > 0 {
			b.Write(", ")
		}
		m.partsSQL(b, c.scope, c.source.Events())
	}
	b.Write("] AS parts, ")
	all := keys
	if c.grid.count() > 1 {
		all = append([]string{"start"}, keys...)
	}
	sumsOver := "0"
	if len(further) > 0 {
		sumsOver = "grouping(" + strings.Join(all, ") + grouping(") + ")"
	}
	b.Write("toUInt8(", sumsOver, ") AS sums_over")
	c.source.From(b, c.scope, c.filter, columnsOf(c.groupBy))
	switch {
	case len(further) > 0:
		b.Write(" GROUP BY GROUPING SETS ((", strings.Join(all, ", "), ")")
		for _, l := range further {
			if l == totals {
				b.Write(", (", strings.Join(keys, ", "), ")")
			} else {
				b.Write(", ()")
			}
		}
		b.Write(")")
	case len(all) > 0:
		b.Write(" GROUP BY ", strings.Join(all, ", "))
	}
	// A rollup that was repaired has groups that come to nothing.
	b.Write(" HAVING ", c.source.Events(), " > 0")
	if top && !c.other {
		b.Write(" AND (k0 != '' OR sums_over = ", strconv.Itoa(len(all)), ")")
	}
	b.Write(" LIMIT ")
	b.Int(maxRows + 1)
	return len(all)
}

// scan reads a row of the statement.
func (c *computation) scan(rows driver.Rows, terms int) (row, error) {
	var r row
	var keys []string
	into := []any{&r.start}
	switch {
	case c.top > 0:
		into = append(into, &r.key)
	case c.groupBy != nil:
		keys = make([]string, len(c.groupBy))
		for i := range keys {
			into = append(into, &keys[i])
		}
	}
	var sumsOver uint8
	if err := rows.Scan(append(into, &r.parts, &sumsOver)...); err != nil {
		return r, err
	}
	switch {
	case sumsOver == 0:
	case int(sumsOver) == terms:
		r.level = overall
		return r, nil
	default:
		r.level = totals
	}
	if c.top == 0 && keys != nil {
		r.keys, r.key = keys, groupKey(keys)
	} else if i := slices.IndexFunc(c.only, func(top row) bool { return top.key == r.key }); i >= 0 {
		r.keys = c.only[i].keys
	}
	return r, nil
}
