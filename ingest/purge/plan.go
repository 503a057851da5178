package purge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"daybook/pkg/tenant"
	"daybook/schema"
)

// PurgedType is the event type of what tells a tenant of a purge.
const PurgedType = "retention.purged"

// state is how far a purge of a tenant's rows has come. It is the version of
// its row in the table purges as well: it only grows.
type state int8

const (
	planned state = 1 // rows may be gone
	deleted state = 2 // rows are gone, and counted
	done    state = 3 // and the tenant's log says so
)

// item is the purge of one tenant's rows in one table.
type item struct {
	tenant   tenant.ID // empty: dead letters that are nobody's
	table    string
	planned  time.Time
	before   time.Time
	state    state
	found    uint64 // rows that had expired when it was planned, held ones included
	rows     uint64 // to purge, and from deleted on: purged
	archived uint64 // of these
}

var planColumns = []string{"tenant_id", "table_name", "planned_at", "before", "state", "found", "rows", "archived", "version"}

// record stores the state of purges.
func (p *Purger) record(ctx context.Context, items []item) error {
	if len(items) == 0 {
		return nil
	}
	batch, err := p.conn.PrepareBatch(context.WithoutCancel(ctx), schema.Insert(schema.Purges, planColumns))
	if err != nil {
		return fmt.Errorf("record a purge: %w", err)
	}
	defer func() { _ = batch.Close() }()
	for _, i := range items {
		if err := batch.Append(string(i.tenant), i.table, i.planned, i.before, int8(i.state), i.found, i.rows, i.archived, uint64(i.state)); err != nil {
			return fmt.Errorf("record a purge: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("record a purge: %w", err)
	}
	return nil
}

// unfinished returns the purges that were cut off, the oldest first.
func (p *Purger) unfinished(ctx context.Context) ([]item, error) {
	rows, err := p.conn.Query(ctx, "SELECT tenant_id, table_name, planned_at, before, toInt8(state), found, rows, archived FROM "+schema.Purges+
		" FINAL WHERE state != 'done' ORDER BY planned_at, table_name, tenant_id")
	if err != nil {
		return nil, fmt.Errorf("look for purges that were cut off: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var items []item
	for rows.Next() {
		var i item
		var id string
		var s int8
		if err := rows.Scan(&id, &i.table, &i.planned, &i.before, &s, &i.found, &i.rows, &i.archived); err != nil {
			return nil, fmt.Errorf("look for purges that were cut off: %w", err)
		}
		i.tenant, i.state, i.planned, i.before = tenant.ID(id), state(s), i.planned.UTC(), i.before.UTC()
		items = append(items, i)
	}
	return items, rows.Err()
}

// plan turns a survey into purges, of the tenants that have something to purge.
func plan(t table, s *survey, cuts []cut, at time.Time) []item {
	var items []item
	for id, of := range s.tenants {
		if of.free > 0 {
			items = append(items, item{tenant: id, table: t.name, planned: at, before: beforeOf(cuts, id), state: planned, found: of.found, rows: of.free, archived: of.archived})
		}
	}
	slices.SortFunc(items, func(a, b item) int { return strings.Compare(string(a.tenant), string(b.tenant)) })
	return items
}

func beforeOf(cuts []cut, id tenant.ID) time.Time {
	for _, c := range cuts {
		if slices.Contains(c.tenants, string(id)) != c.but {
			return c.before
		}
	}
	return time.Time{} // Never: one cut is for all but the others' tenants.
}

// announce publishes what went as an event of the tenant's. Id and time follow
// from the plan: what is published again is the same event.
func (p *Purger) announce(ctx context.Context, i item) error {
	if i.tenant == "" || i.rows == 0 {
		return nil // Dead letters that name no tenant are nobody's to be told of.
	}
	type payload struct {
		Table    string    `json:"table"`
		Before   time.Time `json:"before"`
		Rows     uint64    `json:"rows"`
		Archived uint64    `json:"archived"`
	}
	created := i.planned
	// After an outage that is longer than the retention, Kafka's readers would refuse it.
	if shown := p.settings.Oldest(i.tenant, p.now()).Add(time.Hour); created.Before(shown) {
		created = shown
	}
	id := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d", i.tenant, i.table, i.planned.UnixMilli()))
	text, err := json.Marshal(struct {
		EventID    string    `json:"eventId"`
		EventType  string    `json:"eventType"`
		CreatedAt  time.Time `json:"createdAt"`
		Source     string    `json:"source"`
		Severity   string    `json:"severity"`
		ActorType  string    `json:"actorType"`
		ActorID    string    `json:"actorId"`
		TargetType string    `json:"targetType"`
		TargetID   string    `json:"targetId"`
		Payload    payload   `json:"payload"`
	}{
		EventID: "evt_purge_" + hex.EncodeToString(id[:12]), EventType: PurgedType, CreatedAt: created.UTC(), Source: "daybook", Severity: "INFO",
		ActorType: "SYSTEM", ActorID: "retention", TargetType: "TABLE", TargetID: i.table,
		Payload: payload{Table: i.table, Before: i.before, Rows: i.rows, Archived: i.archived},
	})
	if err != nil {
		return err
	}
	if err := p.publish(ctx, i.tenant, text); err != nil {
		return fmt.Errorf("tell of a purge: %w", err)
	}
	return nil
}
