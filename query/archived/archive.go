package archived

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/archive"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

// Parameter is what a call takes to read the archive as well, and Value its only value.
const (
	Parameter = "include"
	Value     = "archive"
)

// Asked reads the parameter: whether events that are older than the retention are
// asked for.
func Asked(values url.Values) (bool, error) {
	given := values[Parameter]
	switch {
	case len(given) > 1:
		return false, apierror.Invalid(Parameter, "is given %d times, once is allowed", len(given))
	case len(given) == 0 || given[0] == "":
		return false, nil
	case given[0] != Value:
		return false, apierror.Invalid(Parameter, "must be archive, or be left out")
	}
	return true, nil
}

// Only reads the parameter of a call that takes no other.
func Only(r *http.Request) (bool, error) {
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return false, err
	}
	for name := range values {
		if name != Parameter {
			return false, apierror.Invalid(strings.ToValidUTF8(name, "\uFFFD"), "is not a parameter of this call")
		}
	}
	return Asked(values)
}

// Archive knows what there is of each tenant's past.
type Archive struct {
	conn   driver.Conn
	reader *statement.Reader
	places *archive.Places // nil: the archive is disabled

	mu   sync.Mutex // guards made
	made map[string]bool
}

// New returns what is known of the archive at the places. Without places only what
// was restored, and what the table still has, can be read.
func New(conn driver.Conn, reader *statement.Reader, places *archive.Places) *Archive {
	return &Archive{conn: conn, reader: reader, places: places, made: map[string]bool{}}
}

// Include returns the scope as it is, or where that is asked for, with what is older than
// its retention, or was purged when that was shorter. It reads what is known of the tenant's days, once for all statements of a
// request.
func (a *Archive) Include(ctx context.Context, scope filter.Scope, asked bool, usage *statement.Usage) (filter.Scope, error) {
	if !asked {
		return scope, nil
	}
	if a == nil {
		return scope, apierror.Invalid(Parameter, "this call can't read the archive")
	}
	purged, err := statement.Collect(ctx, a.reader, usage, purgedStatement(scope), func(rows driver.Rows) (t time.Time, err error) { return t, rows.Scan(&t) })
	if err != nil {
		return scope, err
	}
	// After a longer retention what is not older than it may be gone already.
	if len(purged) > 0 && purged[0].After(scope.Oldest) {
		scope.Oldest = purged[0].UTC()
	}
	p, err := a.plan(ctx, scope, usage)
	if err != nil {
		return scope, err
	}
	scope.Archive = p
	return scope, nil
}

// Of returns the plan of a scope; nil where the archive is not asked for, which is a
// valid Plan of nothing.
func Of(scope filter.Scope) *Plan {
	p, _ := scope.Archive.(*Plan)
	return p
}

// plan reads what is known of a tenant's days before the retention.
func (a *Archive) plan(ctx context.Context, scope filter.Scope, usage *statement.Usage) (*Plan, error) {
	known, err := statement.Collect(ctx, a.reader, usage, daysStatement(scope), scanDay)
	if err != nil {
		return nil, err
	}
	p := &Plan{archive: a, scope: scope, known: map[time.Time]uint64{}, fault: a.reachable()}
	restored := map[time.Time]knownDay{}
	for _, d := range known {
		if d.restored {
			restored[d.day] = d
		}
	}
	for _, d := range known {
		r, isRestored := restored[d.day]
		if _, ok := p.known[d.day]; !ok {
			p.known[d.day] = 0
		}
		switch {
		// What came late is in the archive, and not yet in what was restored before.
		case isRestored && !d.restored && (r.manifest == 0 || r.manifest >= d.manifest):
			p.days = append(p.days, d.as(restoredDay))
			p.known[d.day] = r.version
		case d.restored && !slices.ContainsFunc(known, func(other knownDay) bool { return !other.restored && other.day.Equal(d.day) }):
			d.first, d.last = d.day, d.day.Add(day-time.Microsecond)
			p.days = append(p.days, d.as(restoredDay))
			p.known[d.day] = d.version
		case !d.restored && len(d.files) > 0:
			p.days = append(p.days, d.as(storedDay))
			p.stored = true
		}
	}
	slices.SortFunc(p.days, func(x, y dayOf) int { return cmp.Compare(x.from.Unix(), y.from.Unix()) })
	if p.stored && p.fault == nil {
		if err := a.ensure(ctx, a.places.Of(scope.Tenant)); err != nil {
			return nil, &apierror.Error{Kind: apierror.KindUnavailable, Detail: "the archive can't be read now: the event store does not take its address", Cause: err}
		}
	}
	return p, nil
}

// reachable returns why files can't be read, where that is known beforehand.
func (a *Archive) reachable() error {
	if a.places == nil {
		return apierror.New(apierror.KindArchive, "the archive has events of this time, and this node may not read it (archive.enabled is false): "+
			"ask for a shorter time range, without include=archive, or have the days restored")
	}
	return nil
}

// ensure makes the named collection of a place, once for each.
func (a *Archive) ensure(ctx context.Context, place archive.Place) error {
	name := place.Collection()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.made[name] {
		return nil
	}
	if err := archive.EnsureCollection(ctx, a.conn, place); err != nil {
		return err
	}
	a.made[name] = true
	return nil
}

// forget makes ensure look again: the server may have lost the collection.
func (a *Archive) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.made)
}

// knownDay is a row of archive_days or, restored, of restores.
type knownDay struct {
	day         time.Time
	restored    bool
	manifest    uint32
	rows        uint64
	first, last time.Time
	files       []string
	version     uint64
}

func scanDay(rows driver.Rows) (d knownDay, err error) {
	err = rows.Scan(&d.day, &d.restored, &d.manifest, &d.rows, &d.first, &d.last, &d.files, &d.version)
	d.day, d.first, d.last = d.day.UTC(), d.first.UTC(), d.last.UTC()
	return d, err
}

// purgedStatement selects the instant before which events were purged, or may have been.
func purgedStatement(scope filter.Scope) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT max(before) FROM ", schema.Purges, " WHERE table_name = '", schema.Events, "' AND tenant_id = ")
	b.Text(string(scope.Tenant))
	return &b
}

// daysStatement selects what is known of the days that begin before the retention.
func daysStatement(scope filter.Scope) *filter.Builder {
	var b filter.Builder
	where := func(table string) {
		b.Write(" FROM ", table, " FINAL WHERE tenant_id = ")
		b.Text(string(scope.Tenant))
		b.Write(" AND day < ")
		b.Seconds(scope.Oldest.Add(time.Second - 1).Truncate(time.Second))
	}
	b.Write("SELECT day, restored, manifest, rows, first, last, files, version FROM (SELECT day, false AS restored, manifest, rows, first, last, files, version")
	where(schema.ArchiveDays)
	b.Write(" UNION ALL SELECT day, true AS restored, manifest, rows, toDateTime64(0, 6, 'UTC') AS first, toDateTime64(0, 6, 'UTC') AS last, [] AS files, version")
	where(schema.Restores)
	b.Write(" AND state = 'done') ORDER BY day, restored")
	return &b
}
