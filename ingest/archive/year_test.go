package archive

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	layout "daybook/pkg/archive"
)

// yearOf is how many events TestYear has, over how many days; ARCHIVE_EVENTS=5000000
// is the year, with -timeout 1h. Without it a month stands for the year.
func yearOf(t testing.TB) (events, days int) {
	t.Helper()
	text := os.Getenv("ARCHIVE_EVENTS")
	if text == "" {
		return 100_000, 30
	}
	events, err := strconv.Atoi(text)
	require.NoError(t, err)
	return events, 365
}

// A year of 20 tenants is archived, verified, gone from the table, restored, and equal:
// count, ids, every column of every event.
func TestYear(t *testing.T) {
	l := newLab(t)
	n, days := yearOf(t)
	l.generate(n, 20, days)
	r := l.runner()
	was := l.everything(events)
	require.EqualValues(t, n, was.rows)

	timed := func(what string, events int, do func()) {
		began, work := time.Now(), cpu()
		do()
		took := time.Since(began)
		t.Logf("%s: %d events in %s, %.0f/s, CPU of all %s", what, events, took.Round(time.Millisecond), float64(events)/took.Seconds(), cpu()-work)
	}
	var report Report
	timed("archive", n, func() { report = l.archive(r) })
	require.EqualValues(t, n, report.Events)
	require.Zero(t, l.archive(r))
	timed("verify", n, func() {
		v, err := r.Verify(t.Context(), Range{}, nil)
		require.NoError(t, err)
		require.Empty(t, v.Faults)
		require.Empty(t, v.Repaired)
		require.EqualValues(t, n, v.Events)
	})
	require.NoError(t, l.conn.Exec(t.Context(), "TRUNCATE TABLE events"))
	timed("restore", n, func() {
		back, err := r.Restore(t.Context(), Range{}, 0, nil)
		require.NoError(t, err)
		require.Equal(t, report, back)
	})
	require.Equal(t, was, l.everything("events_restored"))
	require.Zero(t, l.archive(r), "a table without the events changes nothing")
	v, err := r.Verify(t.Context(), Range{}, nil)
	require.NoError(t, err)
	require.Empty(t, v.Faults, "the archive does not need the table")
}

type everything struct{ rows, ids, content, payload uint64 }

// everything sums up a table, by expressions of its own. The numbers are made of the payload, and only where events arrive.
func (l *lab) everything(table string) (e everything) {
	l.Helper()
	require.NoError(l, l.conn.QueryRow(l.Context(), `SELECT count(), groupBitXor(sipHash64(tenant_id, event_id, source, created_at)),
		sum(cityHash64(* EXCEPT payload_numbers)), sum(length(payload)) FROM `+table).Scan(&e.rows, &e.ids, &e.content, &e.payload))
	return e
}

// One day of a million events, as go test -bench Day ./ingest/archive measures it.
func BenchmarkDay(b *testing.B) {
	n := 1_000_000
	if os.Getenv("ARCHIVE_EVENTS") != "" {
		n, _ = yearOf(b)
	}
	l := newLab(b)
	l.generate(n, 1, 1)
	require.NoError(b, l.conn.Exec(b.Context(), "OPTIMIZE TABLE events FINAL")) // A closed day has been merged.
	report := func(b *testing.B, work time.Duration) {
		b.Helper()
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
		b.ReportMetric((cpu()-work).Seconds()/float64(b.N), "CPU-s/op")
	}
	b.Run("archive", func(b *testing.B) {
		work := cpu()
		for b.Loop() {
			b.StopTimer()
			l = l.in2(b)
			b.StartTimer()
			l.archive(l.runner())
		}
		report(b, work)
	})
	b.Run("verify", func(b *testing.B) {
		work := cpu()
		for b.Loop() {
			v, err := l.runner().Verify(b.Context(), Range{}, nil)
			require.NoError(b, err)
			require.EqualValues(b, n, v.Events)
		}
		report(b, work)
	})
	b.Run("restore", func(b *testing.B) {
		work := cpu()
		for b.Loop() {
			b.StopTimer()
			_, err := l.runner().Remove(b.Context(), Range{})
			require.NoError(b, err)
			b.StartTimer()
			report, err := l.runner().Restore(b.Context(), Range{}, 0, nil)
			require.NoError(b, err)
			require.EqualValues(b, n, report.Events)
		}
		report(b, work)
	})
}

// in2 is the same store with an empty bucket that nothing is known of.
func (l *lab) in2(b testing.TB) *lab {
	b.Helper()
	require.NoError(b, l.conn.Exec(b.Context(), "TRUNCATE TABLE archive_days"))
	l.buckets++
	return &lab{TB: b, conn: l.conn, gateway: l.gateway, now: today, buckets: l.buckets, place: func() layout.Place { return l.gateway.Place(fmt.Sprintf("bench-%d", l.buckets)) }()}
}
