package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/schema"
)

// Daybook purges itself: a TTL that an older program has set goes, and its days
// stay in force where events were kept by it. Keys' sessions and replays keep theirs.
func TestUp_DropsTTL(t *testing.T) {
	c, conn := migrated(t)
	number := func(query string) (n uint64) {
		t.Helper()
		require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&n))
		return n
	}
	const withTTL = `SELECT count() FROM system.tables WHERE database = currentDatabase() AND engine_full LIKE '%TTL%' AND name `
	require.Zero(t, number(withTTL+"IN ('events', 'events_1m', 'events_15m', 'dead_letters')"))
	require.EqualValues(t, 3, number(withTTL+"IN ('api_keys', 'dead_letter_replays', 'gaps')"))
	require.Zero(t, number("SELECT count() FROM retention"), "a new store has no retention in force")

	for _, statement := range []string{
		"INSERT INTO events (tenant_id, created_at, event_id, kafka_topic) VALUES ('a', now64(6), 'x', 'events')",
		"ALTER TABLE events MODIFY TTL toDateTime(created_at) + INTERVAL 90 DAY SETTINGS materialize_ttl_after_modify = 0",
		"ALTER TABLE events_1m MODIFY TTL bucket + INTERVAL 91 DAY SETTINGS materialize_ttl_after_modify = 0",
	} {
		require.NoError(t, conn.Exec(t.Context(), statement))
	}
	for range 2 {
		require.NoError(t, schema.Up(t.Context(), c))
		require.Zero(t, number(withTTL+"IN ('events', 'events_1m', 'events_15m', 'dead_letters')"))
		require.EqualValues(t, 90, number("SELECT sum(days) FROM retention FINAL WHERE tenant_id = ''"))
	}
}
