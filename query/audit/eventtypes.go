package audit

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/schema"
)

// rollup is what types are counted from.
var rollup = schema.Rollups[len(schema.Rollups)-1]

// eventTypes counts the events of each type, the most frequent first.
func (s *Service) eventTypes(ctx context.Context, scope filter.Scope) ([]typeCount, error) {
	counts, err := collect(ctx, s, eventTypesStatement(scope), func(rows driver.Rows) (c typeCount, err error) {
		return c, rows.Scan(&c.EventType, &c.Count)
	})
	if counts == nil {
		counts = []typeCount{} // An array in JSON, too.
	}
	return counts, err
}

// eventTypesStatement counts by the rollup, and by the events themselves what
// the retention leaves of its first bucket.
func eventTypesStatement(scope filter.Scope) *filter.Builder {
	whole := scope.Oldest.Truncate(rollup.Bucket)
	if whole.Before(scope.Oldest) {
		whole = whole.Add(rollup.Bucket)
	}
	var b filter.Builder
	b.Write("SELECT event_type, sum(n) AS total FROM (SELECT event_type, events AS n FROM ", rollup.Table, " WHERE tenant_id = ")
	b.Text(string(scope.Tenant))
	b.Write(" AND bucket >= ")
	b.Seconds(whole)
	b.Write(" AND category = '", event.CategoryAuth, "' UNION ALL SELECT event_type, toInt64(1) AS n FROM ")
	tableAudit(&b, scope, time.Time{}, whole)
	b.Write(" WHERE ")
	whereAudit(&b, scope, time.Time{}, whole)
	b.Write(") GROUP BY event_type HAVING total > 0 ORDER BY total DESC, event_type")
	return &b
}
