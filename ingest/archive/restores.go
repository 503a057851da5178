package archive

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/tenant"
	"daybook/schema"
)

// State is what events_restored has of a day.
type State string

// The states.
const (
	Begun   State = "begun" // perhaps a part of it: nobody reads it
	Done    State = "done"
	Removed State = "removed"
)

// restored is a row of the table restores.
type restored struct {
	unit     unit
	state    State
	manifest uint32
	rows     uint64
	expires  time.Time
	version  uint64 // each row of a day has a greater one, whatever the nodes' clocks say
}

// restores reads the table restores.
func (r *Runner) restores(ctx context.Context, g Range) (map[unit]restored, error) {
	where, args := g.where("day")
	out := map[unit]restored{}
	text := "SELECT tenant_id, day, toString(state), manifest, rows, expires_at, version FROM " + schema.Restores + " FINAL WHERE " + where
	err := r.eachRow(ctx, text, args, func() { clear(out) }, func(rows driver.Rows) error {
		var h restored
		var id, state string
		if err := rows.Scan(&id, &h.unit.day, &state, &h.manifest, &h.rows, &h.expires, &h.version); err != nil {
			return err
		}
		h.unit, h.state = unit{tenant.ID(id), h.unit.day.UTC()}, State(state)
		out[h.unit] = h
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", schema.Restores, err)
	}
	return out, nil
}

// mark writes rows of restores, and gives them their versions.
func (r *Runner) mark(ctx context.Context, rows []restored) error {
	if len(rows) == 0 {
		return nil
	}
	batch, err := r.Conn.PrepareBatch(context.WithoutCancel(ctx), "INSERT INTO "+schema.Restores+" (tenant_id, day, state, manifest, rows, at, expires_at, version)")
	if err != nil {
		return fmt.Errorf("write %s: %w", schema.Restores, err)
	}
	defer func() { _ = batch.Close() }()
	now := r.Now().UTC()
	for i := range rows {
		h := &rows[i]
		h.version = max(h.version+1, uint64(now.UnixMicro()))
		if err := batch.Append(string(h.unit.tenant), h.unit.day, string(h.state), h.manifest, h.rows, now, h.expires, h.version); err != nil {
			return fmt.Errorf("write %s: %w", schema.Restores, err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("write %s: %w", schema.Restores, err)
	}
	return nil
}
