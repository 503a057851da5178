package ingest

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/schema"
	"daybook/schema/schematest"
)

// A block that is verified has all its rollups mended one right after the other. The
// server takes a name that has just been used for one still in use now and then, so
// each statement has a name of its own.
func TestRepairRollups_OneAfterTheOther(t *testing.T) {
	w := &writer{conn: schematest.Open(t), metrics: newMetrics(prometheus.NewRegistry())}
	at := time.Date(2026, 11, 22, 11, 40, 0, 0, time.UTC)
	b := &block{topic: "events", rows: []event.Event{{CreatedAt: at}}}
	const rounds = 150
	for range rounds {
		for _, r := range schema.Rollups {
			require.NoError(t, w.conn.Exec(t.Context(), "INSERT INTO "+r.Table+" (tenant_id, bucket, event_type, severity, events) VALUES ('acme', fromUnixTimestamp(?), 'x', 'INFO', 1)", at.Unix()))
		}
		require.NoError(t, w.repairRollups(b))
	}
	for _, r := range schema.Rollups {
		var events int64
		require.NoError(t, w.conn.QueryRow(t.Context(), "SELECT sum(events) FROM "+r.Table).Scan(&events))
		require.Zero(t, events, r.Table)
	}
}
