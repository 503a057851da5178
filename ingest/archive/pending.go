package archive

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	layout "daybook/pkg/archive"
	"daybook/pkg/tenant"
	"daybook/schema"
)

// pendingDay is a day with events that the archive may lack.
type pendingDay struct {
	unit
	events uint64
	late   bool // there is a manifest
}

// pending returns the closed days whose events are not counted in archive_days. It
// counts rows only: a copy that waits for its merge makes a day be looked at once more.
func (r *Runner) pending(ctx context.Context, g Range) ([]pendingDay, error) {
	now := r.Now()
	if closed := now.Add(-r.Delay).UTC().Truncate(24 * time.Hour); g.To.IsZero() || g.To.After(closed) {
		g.To = closed
	}
	known, err := r.known(ctx, g)
	if err != nil {
		return nil, err
	}
	where, args := g.where("created_at")
	var out []pendingDay
	text := "SELECT toString(tenant_id), toDate(created_at) AS day, count() FROM " + schema.Events + " WHERE " + where + " GROUP BY 1, 2"
	err = r.eachRow(ctx, text, args, func() { out = nil }, func(rows driver.Rows) error {
		var d pendingDay
		var id string
		if err := rows.Scan(&id, &d.day, &d.events); err != nil {
			return err
		}
		d.unit = unit{tenant.ID(id), d.day.UTC()}
		k, ok := known[d.unit]
		d.late = ok
		// What is being purged has fewer.
		purged := ok && d.events < k.Rows && d.day.Before(r.Retention.Oldest(d.tenant, now))
		if !ok || k.VerifiedAt == nil || k.Rows != d.events && !purged {
			out = append(out, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("count the events that are not archived: %w", err)
	}
	// The oldest first: they are purged first. What one month has is read together.
	slices.SortFunc(out, func(a, b pendingDay) int { return compareUnits(a.unit, b.unit) })
	return out, nil
}

func (r *Runner) byPlace(days []pendingDay) map[layout.Place][]pendingDay {
	out := map[layout.Place][]pendingDay{}
	for _, d := range days {
		p := r.Places.Of(d.tenant)
		out[p] = append(out[p], d)
	}
	return out
}
