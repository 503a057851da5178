package purge

import (
	"context"
	"fmt"
	"time"

	"daybook/schema"
)

// purgeRestored removes what was read back from the archive for so long and no
// longer, and what a removal that was cut has left. A day is marked as removed
// first, so that nobody reads half of it.
func (p *Purger) purgeRestored(ctx context.Context, now time.Time) error {
	var c condition
	c.write("INSERT INTO ", schema.Restores, " (tenant_id, day, state, manifest, rows, at, expires_at, version) SELECT tenant_id, day, 'removed', manifest, rows, ")
	c.value("DateTime64(3, 'UTC')", now.UTC().Format("2006-01-02 15:04:05.000"))
	c.write(", expires_at, version + 1 FROM ", schema.Restores, " FINAL WHERE state != 'removed' AND toUnixTimestamp64Milli(expires_at) > 0 AND expires_at <= ")
	c.value("DateTime64(3, 'UTC')", now.UTC().Format("2006-01-02 15:04:05.000"))
	if err := p.conn.Exec(context.WithoutCancel(ctx), c.text.String(), c.args...); err != nil {
		return fmt.Errorf("mark restored days that have expired: %w", err)
	}
	return p.erase(ctx, table{name: schema.EventsRestored, time: "created_at", light: true}, func(string) *condition {
		var c condition
		c.write("(tenant_id, toDate(created_at)) NOT IN (SELECT tenant_id, day FROM ", schema.Restores, " GROUP BY tenant_id, day HAVING argMax(state, version) != 'removed')")
		return &c
	})
}
