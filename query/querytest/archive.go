package querytest

import (
	"context"
	"strings"
	"testing"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/pkg/archive"
	"daybook/pkg/tenant"
	"daybook/schema"
)

// Archive puts a tenant's UTC days, as the table has them, into the place: a file
// and a row of archive_days for each, as ingest/archive leaves them.
func Archive(t testing.TB, conn driver.Conn, place archive.Place, id tenant.ID, days ...time.Time) {
	t.Helper()
	ctx := chgo.Context(t.Context(), chgo.WithSettings(archive.Settings()))
	require.NoError(t, archive.EnsureCollection(ctx, conn, place))
	for _, day := range days {
		day = day.UTC().Truncate(24 * time.Hour)
		args := []any{string(id), day, day.AddDate(0, 0, 1)}
		require.NoError(t, conn.Exec(ctx, "INSERT INTO FUNCTION "+place.Source(archive.Folder(id, day)+archive.Data(1))+" SELECT "+selected()+" FROM "+schema.Events+
			" FINAL WHERE tenant_id = ? AND created_at >= ? AND created_at < ? ORDER BY created_at, event_id, source SETTINGS "+
			"output_format_parquet_compression_method = 'zstd', output_format_compression_level = 1, output_format_parquet_row_group_size = 65536, output_format_parquet_max_dictionary_size = 65536", args...))
		require.NoError(t, conn.Exec(ctx, "INSERT INTO "+schema.ArchiveDays+" (tenant_id, day, manifest, rows, bytes, first, last, files, file_rows, written_at, verified_at, version) "+
			"SELECT tenant_id, toDate(created_at), 1, count(), sum(length(payload)), min(created_at), max(created_at), [?], [count()], now64(3), now64(3), 1 FROM "+schema.Events+
			" FINAL WHERE tenant_id = ? AND created_at >= ? AND created_at < ? GROUP BY ALL", append([]any{archive.Data(1)}, args...)...))
	}
}

// Restore reads archived days back, as daybook archive restore leaves them.
func Restore(t testing.TB, conn driver.Conn, place archive.Place, id tenant.ID, days ...time.Time) {
	t.Helper()
	ctx := chgo.Context(t.Context(), chgo.WithSettings(archive.Settings()))
	for _, day := range days {
		require.NoError(t, conn.Exec(ctx, schema.Insert(schema.EventsRestored, schema.EventColumns)+
			" SELECT * FROM "+place.Source(archive.Folder(id, day)+archive.Data(1))))
		SetRestored(t, conn, id, day, "done")
	}
}

// SetRestored notes what events_restored has of a day.
func SetRestored(t testing.TB, conn driver.Conn, id tenant.ID, day time.Time, state string) {
	t.Helper()
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO "+schema.Restores+" (tenant_id, day, state, version) SELECT ?, ?, ?, toUnixTimestamp64Nano(now64(9))",
		string(id), day, state))
}

// Purge deletes a tenant's events of a UTC day, and what counts them.
func Purge(t testing.TB, conn driver.Conn, id tenant.ID, days ...time.Time) {
	t.Helper()
	ctx := chgo.Context(context.WithoutCancel(t.Context()), chgo.WithSettings(chgo.Settings{"mutations_sync": 1}))
	for _, day := range days {
		args := []any{string(id), day, day.AddDate(0, 0, 1)}
		require.NoError(t, conn.Exec(ctx, "DELETE FROM "+schema.Events+" WHERE tenant_id = ? AND created_at >= ? AND created_at < ?", args...))
		for _, table := range []string{schema.Events1m, schema.Events15m} {
			require.NoError(t, conn.Exec(ctx, "ALTER TABLE "+table+" DELETE WHERE tenant_id = ? AND bucket >= ? AND bucket < ?", args...))
		}
	}
}

// selected is the columns of a file.
func selected() string {
	names := make([]string, len(archive.Columns))
	for i, c := range archive.Columns {
		if names[i] = c.Name; c.Name == "severity" {
			names[i] = "toString(severity) AS severity"
		}
	}
	return strings.Join(names, ", ")
}
