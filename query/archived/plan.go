package archived

import (
	"context"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

const day = 24 * time.Hour

// kind is where the events of some time are.
type kind uint8

const (
	table       kind = iota // events
	restoredDay             // events_restored
	storedDay               // the files
)

// dayOf is a day before the retention that has another source than the table events.
type dayOf struct {
	kind        kind
	from, to    time.Time // to: not after the retention
	rows        uint64    // of the whole day
	first, last time.Time
	files       []string
}

func (d knownDay) as(k kind) dayOf {
	return dayOf{kind: k, from: d.day, to: d.day.Add(day), rows: d.rows, first: d.first, last: d.last, files: d.files}
}

// Plan says where the events of a tenant are, at the time of one request. The nil
// Plan is of a request that does not ask for the archive.
type Plan struct {
	archive *Archive
	scope   filter.Scope         // without the plan
	days    []dayOf              // ascending, none of them table
	stored  bool                 // some are in files
	fault   error                // why files can't be read; nil: they can
	known   map[time.Time]uint64 // every day of which something was known: the version of its restore, or 0 where that is not read
}

// piece is a range of time with one source. A zero to is no end.
type piece struct {
	kind     kind
	from, to time.Time
	days     []dayOf
}

// pieces cuts a range into pieces, gapless. Neighbours have different kinds.
func (p *Plan) pieces(from, to time.Time) []piece {
	var found []piece
	add := func(k kind, from, to time.Time, days ...dayOf) {
		if !to.IsZero() && !from.Before(to) {
			return
		}
		if n := len(found) - 1; n >= 0 && found[n].kind == k {
			found[n].to, found[n].days = to, append(found[n].days, days...)
			return
		}
		found = append(found, piece{k, from, to, days})
	}
	at := from
	for _, d := range p.days {
		begin, end := d.from, earlier(d.to, p.scope.Oldest)
		if !end.After(at) {
			continue
		}
		if !to.IsZero() && !begin.Before(to) {
			break
		}
		if begin.After(at) {
			add(table, at, begin)
			at = begin
		}
		end = earlier(end, to)
		add(d.kind, at, end, d)
		at = end
	}
	add(table, at, to)
	return found
}

// earlier returns the earlier of two times, of which to may be none.
func earlier(t, to time.Time) time.Time {
	if !to.IsZero() && to.Before(t) {
		return to
	}
	return t
}

// Reads reports whether a range has events that are restored or in files. A zero to
// is no end.
func (p *Plan) Reads(from, to time.Time) bool {
	return p != nil && slices.ContainsFunc(p.pieces(from, to), func(of piece) bool { return of.kind != table })
}

// Name is what the meta of an answer says that has read a range: archive, or
// otherwise what it would say without.
func (p *Plan) Name(from, to time.Time, otherwise string) string {
	if p.Reads(from, to) {
		return "archive"
	}
	return otherwise
}

// sliceRows is how many events of files are read at once in the order of time: they
// are sorted in memory.
const sliceRows = 100_000

// Cut returns an end, behind from, up to which a range is best read at once in the order
// of time: not after otherwise, and with one source.
func (p *Plan) Cut(from, otherwise time.Time) time.Time {
	if p == nil {
		return otherwise
	}
	of := p.pieces(from, otherwise)
	if len(of) == 0 {
		return otherwise
	}
	if of[0].kind != storedDay {
		return of[0].to
	}
	var rows uint64
	for i, d := range of[0].days {
		if rows += d.rows; rows <= sliceRows {
			continue
		}
		if i > 0 {
			return d.from
		}
		// Within a day they are taken to be spread evenly from its first to its last.
		width := max(d.last.Sub(d.first)/time.Duration(1+d.rows/sliceRows), time.Second)
		end := from.Add(width)
		if from.Before(d.first) {
			end = d.first.Add(width)
		}
		if end.Before(earlier(d.to, of[0].to)) {
			return end
		}
		return earlier(d.to, of[0].to)
	}
	return of[0].to
}

// Hours says how many events the days that have another source than the table events
// have, by hour, ascending. Within a day they are taken to be spread evenly from its
// first to its last. stored is for files.
func (p *Plan) Hours(each func(start time.Time, events uint64, stored bool)) {
	for _, d := range p.days {
		first, last := d.first.Truncate(time.Hour), d.last.Truncate(time.Hour)
		if first.Before(d.from) || !last.Before(d.to) || last.Before(first) { // It says nothing of use.
			first, last = d.from, d.to.Add(-time.Hour)
		}
		hours := uint64(last.Sub(first)/time.Hour) + 1
		for at := first; !at.After(last) && at.Before(p.scope.Oldest); at = at.Add(time.Hour) {
			each(at, 1+d.rows/hours, d.kind == storedDay)
		}
	}
}

// Covers reports whether an instant has another source than the table events.
func (p *Plan) Covers(t time.Time) bool {
	i, _ := slices.BinarySearchFunc(p.days, t, func(d dayOf, t time.Time) int { return d.to.Compare(t) })
	for ; i < len(p.days) && !p.days[i].to.After(t); i++ { // A day does not have its end.
	}
	return i < len(p.days) && !p.days[i].from.After(t) && t.Before(p.scope.Oldest)
}

// Source returns the range around an instant that has the same source. A zero time is no bound.
func (p *Plan) Source(t time.Time) (from, to time.Time) {
	for _, of := range p.pieces(time.Time{}, time.Time{}) {
		if of.to.IsZero() || t.Before(of.to) {
			return of.from, of.to
		}
	}
	return from, to
}

// First returns when the first event happened that is older than the retention; no
// time where there is none.
func (p *Plan) First(ctx context.Context, reader *statement.Reader, usage *statement.Usage) (time.Time, error) {
	var first time.Time
	for _, d := range p.days {
		if d.first.After(d.from) || d.kind == storedDay {
			first = d.first
			break
		}
	}
	var b filter.Builder
	b.Write("SELECT created_at FROM (")
	for i, of := range []string{schema.Events, schema.EventsRestored} {
		if i > 0 {
			b.Write(" UNION ALL ")
		}
		b.Write("SELECT created_at FROM ", of, " WHERE tenant_id = ")
		b.Text(string(p.scope.Tenant))
		b.Write(" AND created_at < ")
		b.Time(p.scope.Oldest)
		b.Write(" ORDER BY tenant_id, created_at LIMIT 1")
	}
	b.Write(") ORDER BY created_at LIMIT 1")
	found, err := statement.Collect(ctx, reader, usage, &b, func(rows driver.Rows) (t time.Time, err error) { return t, rows.Scan(&t) })
	if err == nil && len(found) > 0 && (first.IsZero() || found[0].Before(first)) {
		first = found[0].UTC()
	}
	if !first.Before(p.scope.Oldest) {
		first = time.Time{}
	}
	return first, err
}

// Unchanged fails where what was read may be incomplete: a day that was restored was
// removed meanwhile, or a day of the table was archived, after which it may have been
// purged. Other changes leave what the plan reads as it was.
func (p *Plan) Unchanged(ctx context.Context, usage *statement.Usage) error {
	if p == nil {
		return nil
	}
	now, err := statement.Collect(ctx, p.archive.reader, usage, daysStatement(p.scope), scanDay)
	if err != nil {
		return err
	}
	versions := map[time.Time]uint64{}
	changed := false
	for _, d := range now {
		if d.restored {
			versions[d.day] = d.version
		}
		_, wasKnown := p.known[d.day]
		changed = changed || !wasKnown
	}
	for day, version := range p.known {
		changed = changed || version != 0 && versions[day] != version
	}
	if changed {
		return &apierror.Error{
			Kind: apierror.KindUnavailable, RetryAfter: time.Second,
			Detail: "a day was archived, or a restored one was removed, while it was read; try again",
		}
	}
	return nil
}
