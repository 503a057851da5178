package archive

import (
	"errors"
	"os"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// equal checks that events_restored has exactly what events has of days.
func (l *lab) equal(units ...unit) {
	l.Helper()
	r := l.runner()
	want, err := r.tableTotals(l.Context(), events, units, "")
	require.NoError(l, err)
	got, err := r.tableTotals(l.Context(), "events_restored", units, "")
	require.NoError(l, err)
	require.Equal(l, want, got)
	have, err := r.restores(l.Context(), Range{})
	require.NoError(l, err)
	for _, u := range units {
		require.Equal(l, Done, have[u].state)
	}
}

func (l *lab) restoredRows() (n uint64) {
	l.Helper()
	require.NoError(l, l.conn.QueryRow(l.Context(), "SELECT count() FROM events_restored").Scan(&n))
	return n
}

func TestRestore(t *testing.T) {
	l := newLab(t)
	for n := range 5 {
		l.store("acme", day(n+1), 100)
		l.store("other", day(n+1), 7)
	}
	r := l.runner()
	l.archive(r)
	g := Range{Tenant: "acme", From: day(4), To: day(2)}
	report, err := r.Restore(t.Context(), g, 0, nil)
	require.NoError(t, err)
	require.EqualValues(t, 200, report.Events)
	l.equal(unit{"acme", day(4)}, unit{"acme", day(3)})
	require.EqualValues(t, 200, l.restoredRows())

	// Again: nothing doubles. With late events: they come too.
	l.store("acme", day(3).Add(time.Hour), 10)
	l.archive(r)
	for range 2 {
		report, err = r.Restore(t.Context(), g, 48*time.Hour, nil)
		require.NoError(t, err)
		require.EqualValues(t, 210, report.Events)
		l.equal(unit{"acme", day(4)}, unit{"acme", day(3)})
		require.EqualValues(t, 210, l.restoredRows())
	}

	n, err := r.Remove(t.Context(), Range{Tenant: "acme", To: day(3)})
	require.NoError(t, err)
	require.Equal(t, 1, n)
	require.EqualValues(t, 110, l.restoredRows())
	_, err = r.Restore(t.Context(), g, 0, nil)
	require.NoError(t, err)
	l.equal(unit{"acme", day(4)}, unit{"acme", day(3)})

	l.now = l.now.Add(29 * 24 * time.Hour)
	l.purge()
	require.EqualValues(t, 210, l.restoredRows())
	l.now = l.now.Add(2 * 24 * time.Hour)
	l.purge()
	require.Zero(t, l.restoredRows())
}

// Whoever restores is cut at every step; what is there then, and what the next makes of it.
func TestRestore_CutAnywhere(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 100)
	l.archive(l.runner())
	u := unit{"acme", day(1)}
	for _, step := range []string{"begun", "restored in part", "before done"} {
		t.Run(step, func(t *testing.T) {
			cut := errors.New("cut")
			_, err := l.runner(func(r *Runner) { r.step = stopAt(step, cut) }).Restore(t.Context(), Range{}, 0, nil)
			require.ErrorIs(t, err, cut)
			have, err := l.runner().restores(t.Context(), Range{})
			require.NoError(t, err)
			require.Equal(t, Begun, have[u].state, "half a day is not shown")
			_, err = l.runner().Restore(t.Context(), Range{}, 0, nil)
			require.NoError(t, err)
			l.equal(u)
			_, err = l.runner(func(r *Runner) { r.step = stopAt("removed", cut) }).Remove(t.Context(), Range{})
			require.ErrorIs(t, err, cut)
			require.NotZero(t, l.restoredRows())
			l.purge()
			require.Zero(t, l.restoredRows(), "a removal that was cut is finished")
		})
	}
}

// A restore of a day that is half there: as an insert that a dying server cuts leaves it.
func TestRestore_HalfADay(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 100)
	r := l.runner()
	l.archive(r)
	u := unit{"acme", day(1)}
	require.NoError(t, r.mark(t.Context(), []restored{{unit: u, state: Begun, manifest: 1, rows: 100, expires: l.now.Add(time.Hour)}}))
	require.NoError(t, l.conn.Exec(t.Context(), "INSERT INTO events_restored SELECT * EXCEPT payload_numbers FROM events LIMIT 40"))
	_, err := r.Restore(t.Context(), Range{}, 0, nil)
	require.NoError(t, err)
	l.equal(u)
}

// A file that was altered so that Parquet reads it still, and one that it doesn't.
func TestRestore_AlteredFile(t *testing.T) {
	all := newLab(t)
	for name, alter := range alterations {
		t.Run(name, func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 100)
			r := l.runner()
			l.archive(r)
			alter(l)
			_, err := r.Restore(t.Context(), Range{}, 0, nil)
			require.ErrorContains(t, err, "2026-04-16 of tenant acme: "+path.Base(l.one(".parquet"))+" was altered")
			have, err := r.restores(t.Context(), Range{})
			require.NoError(t, err)
			require.NotEqual(t, Done, have[unit{"acme", day(1)}].state)
		})
	}
}

func TestRestore_NothingSilentlyMissing(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 100)
	l.store("acme", day(2), 100)
	r := l.runner()
	l.archive(r)
	i := slices.IndexFunc(l.objects(), func(name string) bool { return name == (unit{"acme", day(1)}).folder()+"_manifest-0001.json" })
	require.GreaterOrEqual(t, i, 0)
	require.NoError(t, os.Remove(l.gateway.File(l.place, l.objects()[i])))
	report, err := r.Restore(t.Context(), Range{}, 0, nil)
	require.ErrorContains(t, err, "2026-04-16 of tenant acme: the bucket has no manifest 1")
	require.EqualValues(t, 100, report.Events, "the other day is restored")
	l.equal(unit{"acme", day(2)})
}

// stopAt cuts at the first time that a step is come to.
func stopAt(step string, err error) func(string) error {
	return func(at string) error {
		if at == step {
			return err
		}
		return nil
	}
}
