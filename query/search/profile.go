package search

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

// profile says how many events a tenant has in which hour, in ascending order,
// without the hours that have none. It may be out of date.
type profile []hour

type hour struct {
	start  time.Time
	events uint64
	stored bool // in files of the archive
	late   bool // of the table, and begun before the retention
}

// middle returns an instant of the hour that has the hour's source: where the retention cuts
// an hour, its end has that of the table.
func (h hour) middle() time.Time {
	if h.late {
		return h.start.Add(time.Hour - time.Microsecond)
	}
	return h.start
}

// within returns the hours that overlap a range, as a new slice.
func (p profile) within(w window) []hour {
	low := 0
	if !w.from.IsZero() {
		low = sort.Search(len(p), func(i int) bool { return p[i].start.Add(time.Hour).After(w.from) })
	}
	high := len(p)
	if !w.to.IsZero() {
		high = sort.Search(len(p), func(i int) bool { return !p[i].start.Before(w.to) })
	}
	if low >= high {
		return nil
	}
	return append([]hour(nil), p[low:high]...)
}

const (
	profileAge  = time.Minute
	maxProfiles = 2000 // of a year at most: 280 KB each
)

// profiles keeps the profiles of the tenants that search.
type profiles struct {
	reader *statement.Reader
	now    func() time.Time

	mu       sync.Mutex // guards byTenant
	byTenant map[whose]datedProfile
}

// whose profile: of what is retained, or of all that the rollup has.
type whose struct {
	tenant tenant.ID
	all    bool
}

type datedProfile struct {
	profile
	read time.Time
}

// get returns a tenant's profile, read anew where it is old. Two searches may
// read it at once; either answer serves.
func (p *profiles) get(ctx context.Context, scope filter.Scope, usage *statement.Usage) (profile, error) {
	plan := archived.Of(scope)
	now, of, oldest := p.now(), whose{scope.Tenant, plan != nil}, scope.Oldest
	if of.all {
		oldest = time.Unix(0, 0)
	}
	p.mu.Lock()
	known, ok := p.byTenant[of]
	p.mu.Unlock()
	if ok && now.Sub(known.read) < profileAge {
		return known.with(plan, scope.Oldest), nil
	}
	var b filter.Builder
	b.Write("SELECT toStartOfHour(bucket, 'UTC') AS hour, toUInt64(sum(events)) FROM ", schema.Events15m, " WHERE tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND hour >= ") // As the projection by_hour has it.
	b.Seconds(oldest.Truncate(time.Hour))
	b.Write(" GROUP BY hour ORDER BY hour")
	hours, err := statement.Collect(ctx, p.reader, usage, &b, func(rows driver.Rows) (h hour, err error) {
		return h, rows.Scan(&h.start, &h.events)
	})
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byTenant) >= maxProfiles {
		clear(p.byTenant) // They come back within a few milliseconds each.
	}
	p.byTenant[of] = datedProfile{hours, now}
	return profile(hours).with(plan, scope.Oldest), nil
}

// with returns the profile with the days that a plan knows, in place of what a rollup
// still says of those.
func (p profile) with(plan *archived.Plan, oldest time.Time) profile {
	if plan == nil {
		return p
	}
	var all profile
	plan.Hours(func(start time.Time, events uint64, stored bool) {
		all = append(all, hour{start: start, events: events, stored: stored})
	})
	for _, h := range p {
		h.late = h.start.Before(oldest) && h.start.Add(time.Hour).After(oldest)
		if !plan.Covers(h.middle()) {
			all = append(all, h)
		}
	}
	slices.SortStableFunc(all, func(a, b hour) int { return a.start.Compare(b.start) })
	return all
}
