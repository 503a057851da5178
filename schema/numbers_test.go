package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/schema"
)

// What an older program stored has no numbers beside its payloads. They read as if
// it had: at once, and when they were made in the background.
func TestUp_NumbersOfWhatIsStored(t *testing.T) {
	c, conn := migrated(t)
	run := func(statement string) {
		t.Helper()
		require.NoError(t, conn.Exec(t.Context(), statement))
	}
	run("ALTER TABLE events DROP COLUMN payload_numbers")
	run(`INSERT INTO events (tenant_id, created_at, event_id, kafka_topic, payload) VALUES
		('a', '2026-11-01 00:00:00', 'x', 'events', '{"ms":12,"text":"7"}'), ('a', '2026-11-01 00:00:01', 'y', 'events', '{"ms":1e400}')`)
	run("SYSTEM STOP MERGES events") // Mutations wait, too.
	run("DELETE FROM goose_db_version WHERE version_id >= 29 SETTINGS lightweight_deletes_sync = 2")
	require.NoError(t, schema.Up(t.Context(), c))

	const of = "SELECT sumIf(payload_numbers.values[indexOf(payload_numbers.keys, 'ms')], indexOf(payload_numbers.keys, 'ms') > 0) + 1000 * sum(length(payload_numbers.keys)) FROM events"
	sum := func() (n float64) {
		t.Helper()
		require.NoError(t, conn.QueryRow(t.Context(), of).Scan(&n))
		return n
	}
	var waiting uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM system.mutations WHERE table = 'events' AND NOT is_done AND database = currentDatabase()").Scan(&waiting))
	require.EqualValues(t, 1, waiting)
	require.InDelta(t, 1012, sum(), 0, "made by the read")
	run("SYSTEM START MERGES events")
	run("OPTIMIZE TABLE events FINAL SETTINGS mutations_sync = 2")
	require.InDelta(t, 1012, sum(), 0)
	run("INSERT INTO events (tenant_id, created_at, event_id, kafka_topic, payload) VALUES ('a', '2026-11-01 00:00:02', 'z', 'events', '{\"ms\":8}')")
	require.InDelta(t, 2020, sum(), 0, "and for a program that does not know them yet")
}
