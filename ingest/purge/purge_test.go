package purge

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

// The first sentence of spec/event-log.txt on retention. Whole days leave, so
// what is hidden already may stay until midnight; what is shown never leaves.
func TestEventsAreRetainedFor365Days(t *testing.T) {
	s := open(t)
	ages := []time.Duration{0, day, 364*day + 23*time.Hour, 365*day - time.Second, 365 * day}
	s.add("acme", "x", ages...)
	for _, age := range ages {
		s.addDeadLetter("acme", age)
	}
	s.purge()
	require.Equal(t, ages, s.events("acme"))
	require.Len(t, s.ages("dead_letters", "message_time", "acme"), len(ages))
	require.Empty(t, s.told)
	s.agree()
	// A second before midnight nothing of the day that the retention cuts in two has left.
	s.now = noon.Add(12*time.Hour - time.Second)
	s.purge()
	require.Equal(t, ages, s.events("acme"))
}

// The second sentence.
func TestAfter365DaysEventsAreAutomaticallyPurged(t *testing.T) {
	s := open(t)
	s.add("acme", "x", day, 365*day-time.Second, 365*day+time.Second, 365*day+13*time.Hour, 366*day, 400*day, 800*day)
	s.add("other", "x", 366*day, 10*day)
	for _, age := range []time.Duration{day, 366 * day} {
		s.addDeadLetter("acme", age)
		s.addDeadLetter("", age)
	}
	s.purge()
	// The day that the retention cuts in two stays whole; all that is older has left.
	require.Equal(t, []time.Duration{day, 365*day - time.Second, 365*day + time.Second}, s.events("acme"))
	require.Equal(t, []time.Duration{10 * day}, s.events("other"))
	require.Equal(t, []time.Duration{day}, s.ages("dead_letters", "message_time", "acme"))
	require.Equal(t, []time.Duration{day}, s.ages("dead_letters", "message_time", ""))
	require.Equal(t, []time.Duration{day, 365 * day, 365 * day}, truncated(s.ages("events_1m", "bucket", "acme")))
	s.agree()
	midnight := noon.Add(-365*day - 12*time.Hour)
	require.Equal(t, []told{
		{"acme", s.told[0].id, noon, payload{"events", midnight, 4, 0}},
		{"other", s.told[1].id, noon, payload{"events", midnight, 1, 0}},
		{"acme", s.told[2].id, noon, payload{"dead_letters", midnight, 1, 0}},
	}, s.told)

	// A day later the rest of that day leaves, and nothing is told twice.
	s.now = noon.Add(day)
	s.told = nil
	s.purge()
	require.Equal(t, []time.Duration{day}, s.events("acme"))
	require.Len(t, s.told, 1)
	require.EqualValues(t, 2, s.told[0].payload.Rows)
	s.agree()
	s.purge()
	require.Len(t, s.told, 1)
	require.EqualValues(t, 4, s.number("SELECT count() FROM purges FINAL WHERE state = 'done' AND tenant_id != ''"))
}

// truncated rounds ages of buckets for a comparison.
func truncated(ages []time.Duration) []time.Duration {
	for i := range ages {
		ages[i] = ages[i].Truncate(12 * time.Hour)
	}
	return ages
}

// Tenants with days of their own are purged by these.
func TestPurge_DaysOfTenants(t *testing.T) {
	s := open(t)
	kept := retention.Days(365).Except(map[tenant.ID]int{"short": 30, "long": 730, "short too": 30})
	for _, id := range []tenant.ID{"short", "long", "usual", "short too"} {
		s.add(id, "x", day, 40*day, 400*day, 800*day)
		s.addDeadLetter(id, 40*day)
	}
	require.NoError(t, s.purger(kept, Archive{}).Purge(t.Context()))
	require.Equal(t, []time.Duration{day}, s.events("short"))
	require.Equal(t, []time.Duration{day}, s.events("short too"))
	require.Equal(t, []time.Duration{day, 40 * day}, s.events("usual"))
	require.Equal(t, []time.Duration{day, 40 * day, 400 * day}, s.events("long"))
	require.EqualValues(t, 2, s.number("SELECT count() FROM dead_letters"))
	s.agree()
}

// A month that has nothing else is dropped in parts; of a month that has, rows
// are masked, and once many are masked they leave the disk.
func TestPurge_PartsAndMasks(t *testing.T) {
	s := open(t)
	s.add("acme", "x", 500*day, 501*day) // A month of its own.
	exec := func(statement string) { t.Helper(); require.NoError(t, s.conn.Exec(t.Context(), statement)) }
	// 2025-11: ten days, of which 27 days to 26 November have expired by noon of the 28th of 2026.
	exec(`INSERT INTO events (tenant_id, created_at, event_id, kafka_topic, kafka_offset, ingested_at) SELECT 'acme', toDateTime64('2025-11-01 00:00:00', 6, 'UTC') + INTERVAL number HOUR,
		toString(number), 'events', number, toDateTime64('2026-11-01 00:00:00', 3, 'UTC') FROM numbers(720)`)
	exec("OPTIMIZE TABLE events FINAL")
	s.now = time.Date(2026, 11, 3, 1, 0, 0, 0, time.UTC) // Two of 30 days: masked.
	s.purge()
	require.Zero(t, s.number("SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = 'events' AND partition_id < '202511'"), "the old month's parts are dropped")
	stored := "SELECT sum(rows) FROM system.parts WHERE active AND database = currentDatabase() AND table = 'events' AND partition_id = '202511'"
	require.EqualValues(t, 720, s.number(stored))
	require.EqualValues(t, 672, s.number("SELECT count() FROM events"))
	s.now = time.Date(2026, 11, 5, 1, 0, 0, 0, time.UTC) // Four of 30: written anew.
	s.purge()
	require.EqualValues(t, 624, s.number("SELECT count() FROM events"))
	require.EqualValues(t, 624, s.number(stored))
	s.agree()
	s.now = time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	s.purge()
	require.Zero(t, s.number(stored))
	s.agree()
}

// An event that comes older than its tenant's retention is not purged before
// ingest has left it alone for an hour.
func TestPurge_LateEvents(t *testing.T) {
	s := open(t)
	s.addAt("acme", "x", noon.Add(-500*day), noon.Add(-30*time.Minute))
	s.addAt("acme", "x", noon.Add(-510*day), noon.Add(-90*time.Minute))
	s.addAt("acme", "x", noon.Add(9*time.Minute), noon) // From a clock that is fast.
	s.purge()
	require.Equal(t, []time.Duration{-9 * time.Minute, 500 * day}, s.events("acme"))
	s.agree()
	s.now = noon.Add(time.Hour)
	s.purge()
	require.Equal(t, []time.Duration{-9 * time.Minute}, s.events("acme"))
	require.Len(t, s.told, 2)
	s.agree()
}

func TestPurge_LegalHolds(t *testing.T) {
	s := open(t)
	for _, id := range []tenant.ID{"whole", "filtered", "free"} {
		s.add(id, "kept", 400*day, 600*day)
		s.add(id, "other", 400*day, 600*day)
		s.addDeadLetter(id, 400*day)
	}
	s.held = Held{
		Tenants: []tenant.ID{"whole", "filtered"},
		SQL:     "(tenant_id = {p1:String}) OR (tenant_id = {p2:String} AND event_type = {p3:String})",
		Args:    []any{clickhouse.Named("p1", "whole"), clickhouse.Named("p2", "filtered"), clickhouse.Named("p3", "kept")},
	}
	purger := s.purger(retention.Days(365), Archive{})
	require.NoError(t, purger.Purge(t.Context()))
	require.Len(t, s.events("whole"), 4)
	require.Len(t, s.events("filtered"), 2)
	require.Empty(t, s.events("free"))
	require.EqualValues(t, 2, s.number("SELECT count() FROM events WHERE event_type = 'kept' AND tenant_id = 'filtered'"))
	require.EqualValues(t, 2, s.number("SELECT count() FROM dead_letters"))
	require.EqualValues(t, 2, s.metric("daybook_purge_held_tenants"))
	require.Len(t, s.told, 3) // Of filtered, of free, and free's dead letter.
	require.EqualValues(t, 2, s.told[0].payload.Rows)
	s.agree()
	require.NoError(t, purger.Purge(t.Context()))
	require.Len(t, s.told, 3)

	s.held = Held{}
	require.NoError(t, purger.Purge(t.Context()))
	require.Zero(t, s.number("SELECT count() FROM events"))
	require.Zero(t, s.number("SELECT count() FROM dead_letters"))
	s.agree()
}

// Where nobody can say what is held, nothing goes: neither at the first look
// nor after the plan was made.
func TestPurge_HoldsUnreadable(t *testing.T) {
	s := open(t)
	s.add("acme", "x", 400*day)
	s.addDeadLetter("acme", 400*day)
	s.fault = errCrash
	purger := s.purger(retention.Days(365), Archive{})
	require.ErrorIs(t, purger.Purge(t.Context()), errCrash)
	s.fault = nil
	purger.reached = func(state) error { s.fault = errCrash; return nil }
	require.ErrorIs(t, purger.Purge(t.Context()), errCrash)
	require.Len(t, s.events("acme"), 1)
	require.EqualValues(t, 1, s.number("SELECT count() FROM dead_letters"))
	require.Empty(t, s.told)
	require.EqualValues(t, 2, s.metric("daybook_purge_failures_total"))
}

// A hold that is placed between the plan and the deletion holds.
func TestPurge_HoldAfterThePlan(t *testing.T) {
	s := open(t)
	s.add("acme", "x", 400*day)
	s.add("other", "x", 400*day)
	purger := s.purger(retention.Days(365), Archive{})
	purger.reached = func(at state) error {
		if at == planned {
			s.held = Held{Tenants: []tenant.ID{"acme"}, SQL: "tenant_id = {p1:String}", Args: []any{clickhouse.Named("p1", "acme")}}
		}
		return nil
	}
	require.NoError(t, purger.Purge(t.Context()))
	require.Len(t, s.events("acme"), 1)
	require.Empty(t, s.events("other"))
	require.Len(t, s.told, 1)
	require.EqualValues(t, "other", s.told[0].tenant)
}

// Wherever a purge is cut off, the next one finishes it and tells of it as one
// event, with the rows that went, even when the clock has moved on.
func TestPurge_KilledAtEachStep(t *testing.T) {
	for name, at := range map[string]state{"planned": planned, "deleted": deleted, "published": done} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			s.add("acme", "x", 400*day, 401*day, 10*day)
			s.add("acme", "held", 402*day)
			s.held = Held{Tenants: []tenant.ID{"acme"}, SQL: "event_type = {p1:String}", Args: []any{clickhouse.Named("p1", "held")}}
			dying := s.purger(retention.Days(365), Archive{})
			dying.reached = func(reached state) error {
				if reached == at {
					return errCrash
				}
				return nil
			}
			require.ErrorIs(t, dying.Purge(t.Context()), errCrash)
			s.now = noon.Add(2 * time.Hour)
			s.purge()
			require.Equal(t, []time.Duration{10 * day, 402 * day}, s.events("acme"))
			ids := map[string]bool{}
			for _, e := range s.told {
				ids[e.id] = true
				require.Equal(t, noon, e.created)
				require.EqualValues(t, 2, e.payload.Rows)
			}
			require.Len(t, ids, 1, "one event, whose copies are dropped as a producer's repetition")
			require.EqualValues(t, 1, s.number("SELECT count() FROM purges FINAL WHERE state = 'done'"))
			require.EqualValues(t, 1, s.number("SELECT count() FROM purges FINAL"))
			s.agree()
			s.purge()
			require.LessOrEqual(t, len(s.told), 2)
		})
	}
}

// After an outage that is longer than the retention, a purge that was cut off is
// told of as soon as its event can be.
func TestPurge_FinishedAfterAYear(t *testing.T) {
	s := open(t)
	s.add("acme", "x", 400*day)
	purger := s.purger(retention.Days(365), Archive{})
	purger.reached = func(state) error { return errCrash }
	require.ErrorIs(t, purger.Purge(t.Context()), errCrash)
	s.now = noon.Add(400 * day)
	s.purge()
	require.Empty(t, s.events("acme"))
	require.Len(t, s.told, 1)
	require.Equal(t, s.now.Add(-365*day+time.Hour), s.told[0].created)
	require.EqualValues(t, 1, s.told[0].payload.Rows)
}

func TestPurge_ArchiveRequired(t *testing.T) {
	s := open(t)
	s.add("acme", "x", 400*day, 400*day, 401*day, 402*day, 403*day)
	archived := func(age time.Duration, rows int, verified time.Time) {
		require.NoError(t, s.conn.Exec(t.Context(), "INSERT INTO archive_days (tenant_id, day, manifest, rows, verified_at, version) VALUES ('acme', toDate(fromUnixTimestamp(?)), 1, ?, fromUnixTimestamp64Milli(?), ?)",
			noon.Add(-age).Unix(), rows, verified.UnixMilli(), verified.UnixMilli()))
	}
	archived(400*day, 2, noon)
	archived(401*day, 1, time.UnixMilli(0))  // Written, not verified.
	archived(402*day, 0, noon)               // The event came later.
	archived(403*day, 5, noon.Add(-404*day)) // So did this one, of a day of which most is purged.
	required := s.purger(retention.Days(365), Archive{Enabled: true, Required: true})
	require.NoError(t, required.Purge(t.Context()))
	require.Equal(t, []time.Duration{401 * day, 402 * day, 403 * day}, s.events("acme"))
	require.Len(t, s.told, 1)
	require.Equal(t, payload{"events", noon.Add(-365*day - 12*time.Hour), 2, 2}, s.told[0].payload)
	require.EqualValues(t, 1, s.metric("daybook_purge_waiting_tenants"))
	s.agree()

	// Once a day is verified, it goes; and of a day of which a part is purged, what the archive has.
	archived(401*day, 1, noon.Add(time.Minute))
	archived(402*day, 5, noon.Add(time.Minute))
	require.NoError(t, required.Purge(t.Context()))
	require.Equal(t, []time.Duration{403 * day}, s.events("acme"))
	// Without archive.required, archiving holds nothing.
	require.NoError(t, s.purger(retention.Days(365), Archive{Enabled: true}).Purge(t.Context()))
	require.Empty(t, s.events("acme"))
	require.EqualValues(t, 0, s.told[len(s.told)-1].payload.Archived)
}

func TestPurge_RestoredDaysExpire(t *testing.T) {
	s := open(t)
	for i, expires := range []time.Time{noon, noon.Add(time.Second), time.UnixMilli(0)} { // The last is without an end.
		d := noon.Add(-time.Duration(400+i) * day)
		require.NoError(t, s.conn.Exec(t.Context(), "INSERT INTO events_restored (tenant_id, created_at, event_id, kafka_topic) VALUES ('acme', fromUnixTimestamp64Micro(?), 'x', 'events')", d.UnixMicro()))
		require.NoError(t, s.conn.Exec(t.Context(), "INSERT INTO restores (tenant_id, day, state, rows, expires_at, version) VALUES ('acme', toDate(fromUnixTimestamp(?)), 'done', 1, fromUnixTimestamp64Milli(?), 7)", d.Unix(), expires.UnixMilli()))
	}
	// What cut removals have left: of a day that is marked as removed, and of one that nobody knows.
	for _, age := range []time.Duration{410 * day, 411 * day} {
		require.NoError(t, s.conn.Exec(t.Context(), "INSERT INTO events_restored (tenant_id, created_at, event_id, kafka_topic) VALUES ('acme', fromUnixTimestamp64Micro(?), 'x', 'events')", noon.Add(-age).UnixMicro()))
	}
	require.NoError(t, s.conn.Exec(t.Context(), "INSERT INTO restores (tenant_id, day, state, rows, expires_at, version) VALUES ('acme', toDate(fromUnixTimestamp(?)), 'removed', 1, fromUnixTimestamp64Milli(?), 7)",
		noon.Add(-410*day).Unix(), noon.Add(day).UnixMilli()))
	require.Len(t, s.ages("events_restored", "created_at", "acme"), 5)
	s.purge()
	require.Equal(t, []time.Duration{401 * day, 402 * day}, s.ages("events_restored", "created_at", "acme"))
	require.EqualValues(t, 1, s.number("SELECT count() FROM restores FINAL WHERE state = 'removed' AND day != toDate(fromUnixTimestamp(?))", noon.Add(-410*day).Unix()))
	s.now = noon.Add(time.Second)
	s.purge()
	require.Equal(t, []time.Duration{402 * day}, s.ages("events_restored", "created_at", "acme"))
}
