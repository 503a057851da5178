package purge

import (
	"context"
	"fmt"
	"slices"
	"time"

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
	rows, err := conn.Query(ctx, "SELECT tenant_id, argMax(days, version) FROM "+schema.Retention+" GROUP BY tenant_id")
	if err != nil {
		return retention.Policy{}, false, fmt.Errorf("read the retention in force: %w", err)
	}
	defer func() { _ = rows.Close() }()
	others, named := 0, map[tenant.ID]int{}
	for rows.Next() {
		var id string
		var days uint32
		if err := rows.Scan(&id, &days); err != nil {
			return retention.Policy{}, false, fmt.Errorf("read the retention in force: %w", err)
		}
		switch {
		case id == "":
			others = int(days)
		case days > 0:
			named[tenant.ID(id)] = int(days)
		}
	}
	return retention.Days(others).Except(named), others > 0, rows.Err()
}

// both returns every tenant that one of two policies names, and "".
func both(a, b retention.Policy) []tenant.ID {
	ids := append(append([]tenant.ID{""}, a.Named()...), b.Named()...)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Unconfirmed returns what the settings make shorter than what is in force.
func Unconfirmed(settings, inForce retention.Policy) []Change {
	var changes []Change
	for _, id := range both(settings, inForce) {
		if from, to := inForce.Of(id), settings.Of(id); to < from {
			changes = append(changes, Change{Tenant: id, From: from, To: to})
		}
	}
	return changes
}

// Adopt puts into force what makes no retention shorter: all of the settings in
// a new store, else what grows. It returns the retention in force then.
func Adopt(ctx context.Context, conn driver.Conn, settings retention.Policy, now time.Time) (retention.Policy, error) {
	old, known, err := InForce(ctx, conn)
	if err != nil {
		return old, err
	}
	if !known {
		return settings, put(ctx, conn, retention.Policy{}, settings, now)
	}
	named := map[tenant.ID]int{}
	for _, id := range both(settings, old)[1:] {
		named[id] = max(settings.Of(id), old.Of(id))
	}
	next := retention.Days(max(settings.Default(), old.Default())).Except(named)
	return next, put(ctx, conn, old, next, now)
}

// Confirm puts the settings into force as they are. The next purge deletes what
// they don't keep.
func Confirm(ctx context.Context, conn driver.Conn, settings retention.Policy, now time.Time) error {
	old, _, err := InForce(ctx, conn)
	if err != nil {
		return err
	}
	return put(ctx, conn, old, settings, now)
}

// put stores what differs between the retention in force and the next one.
func put(ctx context.Context, conn driver.Conn, old, next retention.Policy, now time.Time) error {
	type row struct {
		id   tenant.ID
		days int
	}
	var rows []row
	for _, id := range both(old, next) {
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
		if err := batch.Append(string(r.id), uint32(r.days), uint64(max(now.UnixMicro(), 2))); err != nil {
			return fmt.Errorf("store the retention in force: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("store the retention in force: %w", err)
	}
	return nil
}
