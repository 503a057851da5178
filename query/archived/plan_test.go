package archived

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

func dayAt(days int) time.Time { return now.Truncate(day).AddDate(0, 0, -days) }

// TestPlan_OneSource holds that pieces are gapless, and that each instant has the source
// of its day.
func TestPlan_OneSource(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		oldest := now.AddDate(0, 0, -r.IntN(5)).Add(-time.Duration(r.IntN(2)*r.IntN(86400)) * time.Second)
		p := &Plan{scope: filter.Scope{Tenant: "acme", Oldest: oldest}}
		kinds := map[time.Time]kind{}
		for n := 12; n >= 0; n-- {
			if k := kind(r.IntN(3)); k != table && dayAt(n).Before(oldest) {
				kinds[dayAt(n)] = k
				p.days = append(p.days, dayOf{kind: k, from: dayAt(n), to: dayAt(n - 1), rows: uint64(r.IntN(300_000)), first: dayAt(n).Add(time.Hour), last: dayAt(n).Add(20 * time.Hour)})
			}
		}
		of := func(at time.Time) kind {
			if !at.Before(oldest) {
				return table
			}
			return kinds[at.Truncate(day)]
		}
		from, to := now.Add(-time.Duration(r.IntN(15*86400))*time.Second), time.Time{}
		if r.IntN(3) > 0 {
			to = from.Add(time.Duration(1+r.IntN(8*86400)) * time.Second)
		}
		pieces := p.pieces(from, to)
		at := from
		for i, one := range pieces {
			require.Equal(t, at, one.from)
			if at = one.to; i > 0 {
				require.NotEqual(t, pieces[i-1].kind, one.kind)
			}
			end := one.to
			if end.IsZero() {
				require.Len(t, pieces, i+1)
				end = one.from.Add(20 * day)
			}
			for probe := one.from; probe.Before(end); probe = probe.Add(7 * time.Minute) {
				require.Equal(t, of(probe), one.kind, "%v of %v, retention %v", probe, one, oldest)
				require.Equal(t, one.kind != table, p.Covers(probe), probe)
			}
			require.Equal(t, of(end.Add(-time.Microsecond)), one.kind)
		}
		require.Equal(t, to, at)
		for cut := from; !to.IsZero() && cut.Before(to); {
			next := p.Cut(cut, to)
			require.True(t, next.After(cut) && !next.After(to), "%v does not go on behind %v", next, cut)
			require.Len(t, p.pieces(cut, next), 1, "one source at once")
			cut = next
		}
	}
	require.Equal(t, now, (*Plan)(nil).Cut(now.Add(-day), now))
	require.False(t, (*Plan)(nil).Reads(time.Time{}, time.Time{}))
}

// TestPlan_From holds the text: each branch is confined to the tenant and its time.
func TestPlan_From(t *testing.T) {
	place := archive.Place{Endpoint: "http://s3.example", Bucket: "b", AccessKey: "a", SecretKey: "the secret"}
	a := New(nil, nil, &archive.Places{All: place})
	p := &Plan{archive: a, scope: filter.Scope{Tenant: "acme", Oldest: now.AddDate(0, 0, -2)}, days: []dayOf{
		{kind: storedDay, from: dayAt(6), to: dayAt(5), files: []string{archive.Data(1), archive.Data(2)}},
		{kind: storedDay, from: dayAt(5), to: dayAt(4), files: []string{archive.Data(1)}},
		{kind: restoredDay, from: dayAt(4), to: dayAt(3)},
		{kind: storedDay, from: dayAt(2), to: dayAt(1), files: []string{archive.Data(1)}},
	}}
	text := func(from, to time.Time) string {
		var b filter.Builder
		p.From(&b, from, to)
		out, _ := b.Statement()
		reads, _, _ := b.Archive()
		require.Equal(t, reads, p.Reads(from, to) && len(p.files(p.pieces(from, to))) > 0)
		require.NotContains(t, out, place.SecretKey)
		require.NotContains(t, out, "s3.example")
		return out
	}
	require.Equal(t, "events", text(now.AddDate(0, 0, -2), time.Time{}))
	require.Equal(t, "events", text(dayAt(3), dayAt(2)), "a day that nobody has archived")
	require.Contains(t, text(dayAt(6), dayAt(4)), "FROM s3("+place.Collection()+", filename = 'tenant=acme/{date=2026-04-11/events-0001.parquet,date=2026-04-11/events-0002.parquet,date=2026-04-12/events-0001.parquet}'")
	require.NotContains(t, text(dayAt(6), dayAt(4)), "UNION ALL")
	all := text(time.Time{}, time.Time{})
	require.Contains(t, all, "FROM events WHERE tenant_id = {p1:String} AND (created_at >= {p2:DateTime64(6, 'UTC')} AND created_at < {p3:DateTime64(6, 'UTC')} OR created_at >= {p4:DateTime64(6, 'UTC')}")
	require.Contains(t, all, "FROM events_restored WHERE tenant_id = {p1:String} AND (created_at >=")
	require.Contains(t, all, `CAST(severity, 'Enum8(\'INFO\' = 1`)
}

// TestPlan_Unchanged holds that a day that is given up or archived while it is read
// is told.
func TestPlan_Unchanged(t *testing.T) {
	conn := querytest.Open(t)
	place := archivetest.Start(t).Place("days")
	querytest.Insert(t, conn, querytest.Rows(
		event.Event{TenantID: "acme", EventID: "a", CreatedAt: dayAt(9).Add(time.Hour)}, event.Event{TenantID: "acme", EventID: "b", CreatedAt: dayAt(8).Add(time.Hour)},
		event.Event{TenantID: "other", EventID: "c", CreatedAt: dayAt(8).Add(time.Hour)},
	))
	reader := statement.NewReader(conn, statement.DefaultConfig())
	a := New(conn, reader, &archive.Places{All: place})
	scope := filter.Scope{Tenant: "acme", Oldest: now.AddDate(0, 0, -4)}
	plan := func() *Plan {
		var usage statement.Usage
		included, err := a.Include(t.Context(), scope, true, &usage)
		require.NoError(t, err)
		return Of(included)
	}
	unchanged := func(p *Plan) error {
		var usage statement.Usage
		return p.Unchanged(t.Context(), &usage)
	}
	before := plan()
	require.NoError(t, unchanged(before))
	querytest.Archive(t, conn, place, "other", dayAt(8))
	require.NoError(t, unchanged(before), "somebody else's")
	querytest.Archive(t, conn, place, "acme", dayAt(8))
	require.ErrorContains(t, unchanged(before), "while it was read")
	archived := plan()
	require.Equal(t, storedDay, archived.pieces(dayAt(8), dayAt(7))[0].kind)
	querytest.Restore(t, conn, place, "acme", dayAt(8))
	require.NoError(t, unchanged(archived), "the files are still there")
	restored := plan()
	require.Equal(t, restoredDay, restored.pieces(dayAt(8), dayAt(7))[0].kind)
	querytest.SetRestored(t, conn, "acme", dayAt(8), "removed")
	require.ErrorContains(t, unchanged(restored), "while it was read")
	require.Equal(t, storedDay, plan().pieces(dayAt(8), dayAt(7))[0].kind)

	// Events that came late are in a second file, and not in what was restored before.
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO restores (tenant_id, day, state, manifest, version) SELECT 'acme', ?, 'done', 1, toUnixTimestamp64Nano(now64(9))", dayAt(8)))
	require.Equal(t, restoredDay, plan().pieces(dayAt(8), dayAt(7))[0].kind)
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO archive_days SELECT * REPLACE (2 AS manifest, version + 1 AS version) FROM archive_days WHERE tenant_id = 'acme'"))
	require.Equal(t, storedDay, plan().pieces(dayAt(8), dayAt(7))[0].kind)
}
