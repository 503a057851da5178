package hold

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

// columns are those of legal_holds. The version of a hold's row is 1 once it is placed
// and 2 once it is lifted.
const columns = "tenant_id, id, filter, reason, placed_at, placed_by, placed_by_name, lifted_at, lifted_by, lifted_by_name, lift_reason"

// read returns the holds of a tenant, or with tenant.All of every one, the newest first.
func read(ctx context.Context, reader *statement.Reader, id tenant.ID) ([]Hold, error) {
	var b filter.Builder
	b.Write("SELECT ", columns, " FROM (SELECT * FROM ", schema.LegalHolds)
	if id != tenant.All {
		b.Write(" WHERE tenant_id = ")
		b.Text(string(id))
	}
	b.Write(" ORDER BY version DESC LIMIT 1 BY tenant_id, id) ORDER BY placed_at DESC, id")
	var usage statement.Usage
	return statement.Collect(ctx, reader, &usage, &b, scan)
}

func scan(rows driver.Rows) (Hold, error) {
	var h Hold
	var owner, object, by, name, why string
	var lifted time.Time
	err := rows.Scan(&owner, &h.ID, &object, &h.Reason, &h.PlacedAt, &h.PlacedBy, &h.PlacedByName, &lifted, &by, &name, &why)
	h.tenant, h.Filter, h.PlacedAt = tenant.ID(owner), json.RawMessage(object), h.PlacedAt.UTC()
	if lifted.Unix() > 0 {
		lifted = lifted.UTC()
		h.LiftedAt, h.LiftedBy, h.LiftedByName, h.LiftReason = &lifted, &by, &name, &why
	}
	return h, err
}

// writeTimeout bounds an insert of one row.
const writeTimeout = 10 * time.Second

// write stores a state of a hold.
func write(ctx context.Context, conn driver.Conn, h *Hold) error {
	var b filter.Builder
	b.Write("INSERT INTO ", schema.LegalHolds, " (", columns, ", version) SELECT ")
	var by, name, why string
	lifted, version := time.UnixMilli(0), int64(1)
	if h.LiftedAt != nil {
		by, name, why, lifted, version = *h.LiftedBy, *h.LiftedByName, *h.LiftReason, *h.LiftedAt, 2
	}
	texts := func(values ...string) {
		for _, v := range values {
			b.Text(v)
			b.Write(", ")
		}
	}
	moment := func(at time.Time) {
		b.Write("fromUnixTimestamp64Milli(")
		b.Int(at.UnixMilli())
		b.Write("), ")
	}
	texts(string(h.tenant), h.ID, string(h.Filter), h.Reason)
	moment(h.PlacedAt)
	texts(h.PlacedBy, h.PlacedByName)
	moment(lifted)
	texts(by, name, why)
	b.Int(version)
	// Not cancelled with the request: whether events are held must not depend on
	// the caller's patience.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTimeout)
	defer cancel()
	text, args := b.Statement()
	return conn.Exec(chgo.Context(bounded, chgo.WithSettings(chgo.Settings{"async_insert": 0})), text, args...)
}

// Condition is what is held, for a purge.
type Condition struct {
	Tenants []tenant.ID // that have a hold
	SQL     string      // true for the events that are held; empty for none
	Args    []any
}

// Condition returns what is held in all tenants. A hold that can't be read is an
// error: nothing may be purged then.
func (s *Service) Condition(ctx context.Context) (Condition, error) {
	holds, err := read(ctx, s.reader, tenant.All)
	if err != nil {
		return Condition{}, err
	}
	var c Condition
	var b filter.Builder
	seen := map[tenant.ID]bool{}
	for _, h := range holds {
		if h.LiftedAt != nil {
			continue
		}
		f, err := filter.ParseObject(h.Filter, "filter", s.now(), nil) //nolint:contextcheck // What is held does not depend on who asks.
		if err != nil {
			return Condition{}, fmt.Errorf("read the filter of hold %s of tenant %s: %w", h.ID, h.tenant, err)
		}
		if len(c.Tenants) > 0 {
			b.Write(" OR ")
		}
		if !seen[h.tenant] {
			seen[h.tenant] = true
			c.Tenants = append(c.Tenants, h.tenant)
		}
		b.Write("(tenant_id = ")
		b.Text(string(h.tenant))
		if !f.From.IsZero() {
			b.Write(" AND created_at >= ")
			b.Time(f.From.Time)
		}
		if !f.To.IsZero() {
			b.Write(" AND created_at < ")
			b.Time(f.To.Time)
		}
		f.Conditions(&b)
		b.Write(")")
	}
	c.SQL, c.Args = b.Statement()
	return c, nil
}
