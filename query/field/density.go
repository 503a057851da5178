package field

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/query/filter"
	"daybook/query/rollup"
	"daybook/query/statement"
)

// hour says how many events one has.
type hour struct {
	start  time.Time
	events uint64
}

// eventType says how many events a type has, and from when on its newest are to be found.
type eventType struct {
	name   string
	events uint64
	newest time.Time // the beginning of a bucket
}

// density says how the events of a filter are spread over time and types.
type density struct {
	hours  []hour // ascending, those with events alone
	types  []eventType
	events uint64
	source rollup.Source
}

// newestSpan is where the newest events of a type are to be found: no bucket of a
// rollup that is asked is wider.
const newestSpan = time.Hour

// density counts what matches a filter that rollups can answer, and by type
// where that is asked for.
func (s *Service) density(ctx context.Context, scope filter.Scope, f *filter.Filter, byType bool, usage *statement.Usage) (*density, error) {
	type row struct {
		isHour bool
		hour   time.Time
		name   string
		events uint64
		newest time.Time
	}
	source, b := densityStatement(scope, f, byType)
	rows, err := statement.Collect(ctx, s.reader, usage, b, func(rows driver.Rows) (r row, err error) {
		return r, rows.Scan(&r.isHour, &r.hour, &r.name, &r.events, &r.newest)
	})
	if err != nil {
		return nil, err
	}
	d := &density{source: source}
	for _, r := range rows {
		if r.isHour {
			d.hours = append(d.hours, hour{r.hour.UTC(), r.events})
			d.events += r.events
		} else {
			d.types = append(d.types, eventType{r.name, r.events, r.newest.UTC()})
		}
	}
	return d, nil
}

func densityStatement(scope filter.Scope, f *filter.Filter, byType bool) (rollup.Source, *filter.Builder) {
	var columns []string
	name, isHour, groups := "''", "true", "hour"
	if byType {
		columns = []string{"event_type"}
		name, isHour, groups = "toString(event_type)", "grouping(hour) = 0", "GROUPING SETS ((hour), (name))"
	}
	source := rollup.Choose(scope, f, columns, func(width time.Duration) bool { return width <= newestSpan })
	var b filter.Builder
	b.Write("SELECT ", isHour, " AS is_hour, toStartOfHour(", source.At(), ") AS hour, ", name, " AS name, toUInt64(", source.Events(),
		") AS hits, toDateTime(max(", source.At(), "), 'UTC') AS newest")
	source.From(&b, scope, f, columns)
	b.Write(" GROUP BY ", groups, " HAVING ", source.Events(), " > 0 ORDER BY is_hour, hour, hits DESC, name")
	return source, &b
}

// window is a range of time, from inclusive, to exclusive. A zero to is no bound.
type window struct{ from, to time.Time }

// spread returns count windows of about size events each, ascending: their ends
// cut what there is into parts of equally many events. The newest ends where everything ends. Within an hour
// events are taken to be spread evenly: where they are not, a window holds more or fewer.
func (d *density) spread(whole window, now time.Time, count int, size uint64) []window {
	windows := make([]window, 0, count)
	part := d.events / uint64(count)
	at, used := len(d.hours)-1, uint64(0) // The next event, from the newest on: the hour that it is in, and how many of that are behind.
	skip := func(n uint64) {
		for at >= 0 && used+n >= d.hours[at].events {
			n -= d.hours[at].events - used
			at, used = at-1, 0
		}
		used += n
	}
	for i := range count {
		w := window{to: whole.to}
		if i > 0 {
			w.to = d.when(at, used, whole, now)
		}
		if skip(size); at >= 0 {
			w.from = d.when(at, used, whole, now)
		} else {
			w.from = whole.from
		}
		if w.to.IsZero() || w.from.Before(w.to) {
			windows = append(windows, w)
		}
		if skip(part - min(part, size)); at < 0 {
			break
		}
	}
	slices.Reverse(windows)
	return windows
}

// newest returns the window with at least the newest size events, in whole hours.
func (d *density) newest(whole window, size uint64) (w window, events uint64) {
	for i := range slices.Backward(d.hours) {
		if events += d.hours[i].events; events >= size && i > 0 {
			return window{from: d.hours[i].start, to: whole.to}, events
		}
	}
	return whole, events
}

// when returns the time behind which an hour has so many events.
func (d *density) when(at int, used uint64, whole window, now time.Time) time.Time {
	h := d.hours[at]
	from, to := h.start, h.start.Add(time.Hour)
	if whole.from.After(from) {
		from = whole.from
	}
	for _, end := range []time.Time{whole.to, now} {
		if !end.IsZero() && end.After(from) && end.Before(to) {
			to = end
		}
	}
	return to.Add(-time.Duration(float64(to.Sub(from)) * float64(used) / float64(h.events))).Truncate(time.Microsecond)
}
