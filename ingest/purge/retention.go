package purge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/schema"
)

// Change is a tenant's retention that the settings make shorter than the one in
// force. The tenant "" is every one that has no days of its own.
type Change struct {
	Tenant tenant.ID `json:"tenant"`
	From   int       `json:"from"` // days in force, which purges go by
	To     int       `json:"to"`   // days of the settings, which reads go by
}

// InForce returns the retention that purges go by, and whether there is one: a new
// store has none.
func InForce(ctx context.Context, conn driver.Conn) (retention.Policy, bool, error) {
	f, err := readForce(ctx, conn)
	return f.policy, f.version > 0, err
}

// force is the retention in force, as of the version of its newest row; 0 for none.
type force struct {
	policy  retention.Policy
	version uint64
}

func readForce(ctx context.Context, conn driver.Conn) (force, error) {
	rows, err := conn.Query(ctx, "SELECT tenant_id, argMax(days, version), max(version) FROM "+schema.Retention+" GROUP BY tenant_id")
	if err != nil {
		return force{}, fmt.Errorf("read the retention in force: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var f force
	others, named := 0, map[tenant.ID]int{}
	for rows.Next() {
		var id string
		var days uint32
		var version uint64
		if err := rows.Scan(&id, &days, &version); err != nil {
			return force{}, fmt.Errorf("read the retention in force: %w", err)
		}
		f.version = max(f.version, version)
		switch {
		case id == "":
			others = int(days)
		case days > 0:
			named[tenant.ID(id)] = int(days)
		}
	}
	f.policy = retention.Days(others).Except(named)
	return f, rows.Err()
}

// Tenants returns every tenant that one of two policies names, in order, after "",
// which stands for all others.
func Tenants(a, b retention.Policy) []tenant.ID {
	ids := append(append([]tenant.ID{""}, a.Named()...), b.Named()...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Unconfirmed returns what the settings make shorter than what is in force.
func Unconfirmed(settings, inForce retention.Policy) []Change {
	var changes []Change
	for _, id := range Tenants(settings, inForce) {
		if from, to := inForce.Of(id), settings.Of(id); to < from {
			changes = append(changes, Change{Tenant: id, From: from, To: to})
		}
	}
	return changes
}

// Adopt puts into force what makes no retention shorter: all of the settings in
// a new store, else what grows. It returns the retention in force then.
func Adopt(ctx context.Context, conn driver.Conn, settings retention.Policy) (retention.Policy, error) {
	old, err := readForce(ctx, conn)
	if err != nil {
		return old.policy, err
	}
	if old.version == 0 {
		return settings, put(ctx, conn, old, settings)
	}
	named := map[tenant.ID]int{}
	for _, id := range Tenants(settings, old.policy)[1:] {
		named[id] = max(settings.Of(id), old.policy.Of(id))
	}
	next := retention.Days(max(settings.Default(), old.policy.Default())).Except(named)
	return next, put(ctx, conn, old, next)
}

// Confirm puts the settings into force as they are. The next purge deletes what
// they don't keep.
func Confirm(ctx context.Context, conn driver.Conn, settings retention.Policy) error {
	old, err := readForce(ctx, conn)
	if err != nil {
		return err
	}
	return put(ctx, conn, old, settings)
}

// put stores what differs between the retention in force and the next one.
func put(ctx context.Context, conn driver.Conn, was force, next retention.Policy) error {
	old := was.policy
	type row struct {
		id   tenant.ID
		days int
	}
	var rows []row
	for _, id := range Tenants(old, next) {
		isNamed, wasNamed := slices.Contains(next.Named(), id), slices.Contains(old.Named(), id)
		switch {
		case id != "" && !isNamed:
			rows = append(rows, row{id, 0}) // It has none of its own any more.
		case next.Of(id) != old.Of(id) || id != "" && !wasNamed:
			rows = append(rows, row{id, next.Of(id)})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	batch, err := conn.PrepareBatch(context.WithoutCancel(ctx), schema.Insert(schema.Retention, []string{"tenant_id", "days", "version"}))
	if err != nil {
		return fmt.Errorf("store the retention in force: %w", err)
	}
	defer func() { _ = batch.Close() }()
	for _, r := range rows {
		if err := batch.Append(string(r.id), uint32(r.days), was.version+1); err != nil {
			return fmt.Errorf("store the retention in force: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("store the retention in force: %w", err)
	}
	return nil
}

// Preview is how much of a tenant would go.
type Preview struct {
	Tenant      tenant.ID // empty: of the dead letters that name none
	Events      uint64
	DeadLetters uint64
}

// Preview returns what a purge would delete if the settings were in force now, by
// tenant, without what is held or waits for the archive.
func (p *Purger) Preview(ctx context.Context) ([]Preview, error) {
	held, err := p.holds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the legal holds: %w", err)
	}
	now := p.now()
	tenants := map[tenant.ID]Preview{}
	for _, t := range []table{events, deadLetters} {
		// What came within the last hour goes with a later purge; it would go all the same.
		s, err := p.look(ctx, t, cutsOf(p.settings, now), now.Add(margin), held)
		if err != nil {
			return nil, err
		}
		for id, of := range s.tenants {
			if of.free == 0 {
				continue
			}
			would := tenants[id]
			would.Tenant = id
			if t.name == schema.Events {
				would.Events = of.free
			} else {
				would.DeadLetters = of.free
			}
			tenants[id] = would
		}
	}
	would := slices.Collect(maps.Values(tenants))
	slices.SortFunc(would, func(a, b Preview) int { return strings.Compare(string(a.Tenant), string(b.Tenant)) })
	return would, nil
}
