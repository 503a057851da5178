package aggregate

import (
	"sort"
	"strings"
	"time"

	"daybook/query/filter"
)

// bucket is a width of time: a fixed one that divides a day, or a number of
// days or months.
type bucket struct {
	name   string
	fixed  time.Duration
	days   int
	months int
}

// buckets are the widths that a request may name.
var buckets = []bucket{
	{name: "1s", fixed: time.Second}, {name: "5s", fixed: 5 * time.Second}, {name: "10s", fixed: 10 * time.Second},
	{name: "30s", fixed: 30 * time.Second}, {name: "1m", fixed: time.Minute}, {name: "5m", fixed: 5 * time.Minute},
	{name: "10m", fixed: 10 * time.Minute}, {name: "15m", fixed: 15 * time.Minute}, {name: "30m", fixed: 30 * time.Minute},
	{name: "1h", fixed: time.Hour}, {name: "3h", fixed: 3 * time.Hour}, {name: "6h", fixed: 6 * time.Hour},
	{name: "12h", fixed: 12 * time.Hour}, {name: "1d", days: 1}, {name: "1w", days: 7}, {name: "1mo", months: 1},
}

// automatic are the widths that "auto" chooses from, and aimed is how many
// buckets it makes at most.
var automatic = []string{"1m", "5m", "15m", "1h", "1d", "1w", "1mo"}

const (
	aimed      = 400
	maxBuckets = 10_000
)

func bucketNamed(name string) (bucket, bool) {
	for _, b := range buckets {
		if b.name == name {
			return b, true
		}
	}
	return bucket{}, false
}

func bucketNames() string {
	names := make([]string, len(buckets))
	for i, b := range buckets {
		names[i] = b.name
	}
	return strings.Join(names, ", ")
}

// approximate returns about how long a bucket is.
func (b bucket) approximate() time.Duration {
	const day = 24 * time.Hour
	return b.fixed + time.Duration(b.days)*day + time.Duration(b.months)*30*day
}

// chooseBucket returns the finest automatic width for a range.
func chooseBucket(span time.Duration) bucket {
	var b bucket
	for _, name := range automatic {
		b, _ = bucketNamed(name)
		if span <= aimed*b.approximate() {
			break
		}
	}
	return b
}

// grid is the buckets of a range: bucket i is [edges[i], edges[i+1]).
type grid struct {
	edges []time.Time
	// from and to are the range itself, within the first and the last bucket.
	from, to time.Time
}

// whole is a range as one bucket.
func whole(from, to time.Time) grid {
	return grid{edges: []time.Time{from, to}, from: from, to: to}
}

// newGrid returns the buckets that a range overlaps, one at least. It returns
// false where there would be more than maxBuckets.
func newGrid(from, to time.Time, b bucket, zone *time.Location) (grid, bool) {
	if to.Sub(from) > maxBuckets*b.approximate() {
		return grid{}, false
	}
	g := grid{from: from, to: to}
	start := b.start(from.In(zone))
	for {
		g.edges = append(g.edges, start.UTC())
		if len(g.edges) > 1 && !start.Before(to) {
			return g, len(g.edges)-1 <= maxBuckets
		}
		start = b.next(start)
	}
}

// start returns the beginning of the bucket that holds t, in t's zone. Hours
// and less count from the beginning of the day, whatever clocks do that day.
func (b bucket) start(t time.Time) time.Time {
	year, month, day := t.Date()
	zone := t.Location()
	switch {
	case b.months > 0:
		return filter.StartOfDay(year, month, 1, zone)
	case b.days == 7:
		return filter.StartOfDay(year, month, day-(int(t.Weekday())+6)%7, zone)
	case b.days > 0:
		return filter.StartOfDay(year, month, day, zone)
	}
	midnight := filter.StartOfDay(year, month, day, zone)
	return midnight.Add(t.Sub(midnight) / b.fixed * b.fixed)
}

// next returns the beginning of the bucket behind the one that begins at t.
func (b bucket) next(t time.Time) time.Time {
	year, month, day := t.Date()
	zone := t.Location()
	if b.months > 0 {
		return filter.StartOfDay(year, month+time.Month(b.months), 1, zone)
	}
	if b.days > 0 {
		return filter.StartOfDay(year, month, day+b.days, zone)
	}
	next := t.Add(b.fixed)
	if tomorrow := filter.StartOfDay(year, month, day+1, zone); next.After(tomorrow) {
		return tomorrow // A day of 23.5 hours has a short last hour.
	}
	return next
}

// count returns how many buckets there are.
func (g grid) count() int { return len(g.edges) - 1 }

// seconds returns how much of bucket i lies in the range.
func (g grid) seconds(i int) float64 {
	start, end := g.edges[i], g.edges[i+1]
	if start.Before(g.from) {
		start = g.from
	}
	if end.After(g.to) {
		end = g.to
	}
	return end.Sub(start).Seconds()
}

// index returns the bucket that begins at a time, in Unix seconds.
func (g grid) index(start int64) (int, bool) {
	i := sort.Search(g.count(), func(i int) bool { return g.edges[i].Unix() >= start })
	return i, i < g.count() && g.edges[i].Unix() == start
}

// startSQL writes an expression of the beginning, in Unix seconds, of the
// bucket that holds a time expression. Buckets of one width are computed, others looked up.
func (g grid) startSQL(b *filter.Builder, at string) {
	width := g.edges[1].Unix() - g.edges[0].Unix()
	starts := make([]int64, g.count())
	regular := true
	for i := range starts {
		starts[i] = g.edges[i].Unix()
		regular = regular && g.edges[i+1].Unix()-starts[i] == width
	}
	seconds := "toInt64(toUnixTimestamp(" + at + "))"
	switch {
	case g.count() == 1:
		b.Int(starts[0])
	case regular:
		b.Int(starts[0])
		b.Write(" + intDiv(", seconds, " - ")
		b.Int(starts[0])
		b.Write(", ")
		b.Int(width)
		b.Write(") * ")
		b.Int(width)
	default:
		b.Write("toInt64(roundDown(", seconds, ", ")
		b.Ints(starts)
		b.Write("))")
	}
}

// divides reports whether every bucket is made of whole rollup buckets.
func (g grid) divides(width time.Duration) bool {
	for _, edge := range g.edges {
		if !edge.Truncate(width).Equal(edge) {
			return false
		}
	}
	return true
}
