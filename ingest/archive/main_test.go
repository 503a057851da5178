package archive

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"

	"daybook/ingest"
	"daybook/ingest/purge"
	layout "daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/generate"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/schema"
	"daybook/schema/schematest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

// today is the clock of the tests.
var today = time.Date(2026, 4, 17, 12, 0, 0, 0, time.UTC)

// lab is a store, a storage and a runner.
type lab struct {
	testing.TB
	conn    driver.Conn
	gateway *archivetest.Gateway
	place   layout.Place
	now     time.Time
	offset  int64
	buckets int
}

func newLab(t testing.TB) *lab {
	t.Helper()
	g := archivetest.Start(t)
	return &lab{TB: t, conn: schematest.Open(t), gateway: g, place: g.Place("the-archive"), now: today}
}

// purge runs a purge at the lab's time, which takes restored days and no others.
func (l *lab) purge() {
	l.Helper()
	purger := purge.New(purge.Deps{
		Conn: l.conn, Settings: retention.Days(36_500), Now: func() time.Time { return l.now }, Registry: prometheus.NewRegistry(), Log: zaptest.NewLogger(l),
		Holds:   func(context.Context) (purge.Held, error) { return purge.Held{}, nil },
		Publish: func(context.Context, tenant.ID, []byte) error { return errors.New("nothing is to be told") },
	})
	require.NoError(l, purger.Purge(l.Context()))
}

// in returns an empty store, which is the same one emptied, and an empty bucket, for a
// subtest: migrations take longer than most of them.
func (l *lab) in(t testing.TB) *lab {
	t.Helper()
	for _, table := range []string{schema.Events, schema.ArchiveDays, schema.Restores, schema.EventsRestored} {
		require.NoError(t, l.conn.Exec(t.Context(), "TRUNCATE TABLE "+table))
	}
	l.gateway.Run()
	l.buckets++
	return &lab{TB: t, conn: l.conn, gateway: l.gateway, place: l.gateway.Place(fmt.Sprintf("the-archive-%d", l.buckets)), now: today}
}

// runner returns another runner over the same store and storage.
func (l *lab) runner(change ...func(*Runner)) *Runner {
	r := New(Config{
		Places: layout.Places{All: l.place}, Delay: 6 * time.Hour, Restored: 30 * 24 * time.Hour, Writer: "daybook test",
	}, Deps{Conn: l.conn, Retention: retention.Days(365), Log: zaptest.NewLogger(l, zaptest.Level(zap.PanicLevel)), Now: func() time.Time { return l.now }})
	for _, c := range change {
		c(r)
	}
	l.Cleanup(r.Close)
	return r
}

// generate stores generated events of days up to the end of yesterday.
func (l *lab) generate(events, tenants, days int) {
	l.Helper()
	decoder, err := event.NewDecoder(event.DefaultConfig())
	require.NoError(l, err)
	g := generate.New(generate.Config{Seed: 1, Events: events, Days: days, Tenants: tenants, End: today.Truncate(24 * time.Hour).Add(-time.Millisecond)})
	for more := true; more; {
		var chunk []event.Message
		for len(chunk) < 100_000 {
			value, key, at, ok := g.Next(nil)
			if more = ok; !ok {
				break
			}
			chunk = append(chunk, event.Message{Topic: "events", Position: event.Position{Partition: int32(l.offset % 4), Offset: l.offset / 4}, Time: at, Key: key, Value: value})
			l.offset++
		}
		if len(chunk) > 0 {
			prepared, err := ingest.Prepare(ingest.DefaultConfig(), decoder, chunk)
			require.NoError(l, err)
			require.NoError(l, prepared.Insert(l.conn, 2))
		}
	}
}

// store stores n events of a tenant, one a second from an instant on.
func (l *lab) store(id tenant.ID, from time.Time, n int) {
	l.Helper()
	require.NoError(l, l.conn.Exec(context.Background(), `INSERT INTO events (tenant_id, created_at, event_id, event_type, category, source, severity, payload, payload_text, ingested_at, kafka_topic, kafka_partition, kafka_offset)
		SELECT ?, toDateTime64(?, 6, 'UTC') + toIntervalSecond(number) + toIntervalMicrosecond(number), concat('evt_', toString(? + number)), 'a.b', 'system', 's', 'WARN',
			concat(char(123), '"n":', toString(number), char(125)), toString(number), now64(3), 'events', 0, ? + number FROM numbers(?)`,
		string(id), from.UTC().Format(time.DateTime), l.offset, l.offset, n))
	l.offset += int64(n)
}

func (l *lab) archive(r *Runner) Report {
	l.Helper()
	report, err := r.Archive(l.Context(), Range{}, nil)
	require.NoError(l, err)
	return report
}

// whole checks that the archive has exactly what the table has of every closed day,
// by manifests and files alone.
func (l *lab) whole() {
	l.Helper()
	r := l.runner()
	b, err := r.bucketOf(l.Context(), l.place)
	require.NoError(l, err)
	objects, err := b.list(l.Context(), "tenant=")
	require.NoError(l, err)
	var all layout.Totals
	var units []unit
	for u, objects := range folders(objects) {
		s, err := b.look(l.Context(), u, objects)
		require.NoError(l, err)
		if s.manifest == nil {
			continue
		}
		require.Empty(l, s.lost(), u)
		read, err := r.fileTotals(l.Context(), l.place, within(u, s.manifest.Files))
		require.NoError(l, err)
		var sumOf layout.Totals
		for _, f := range s.manifest.Files {
			require.True(l, same(read[u.folder()+f.Name], f.Totals), "%s %s", u, f.Name)
			sha, length, err := b.sum(l.Context(), u.folder()+f.Name)
			require.NoError(l, err)
			require.Equal(l, f.SHA256, sha)
			require.Equal(l, f.Bytes, length)
			sumOf = plus(sumOf, f.Totals)
		}
		require.True(l, same(sumOf, s.manifest.Totals))
		all = plus(all, sumOf)
		units = append(units, u)
	}
	require.NotEmpty(l, units)
	var rows uint64
	require.NoError(l, l.conn.QueryRow(l.Context(), "SELECT count() FROM events FINAL WHERE created_at < ?", l.now.Add(-6*time.Hour).Truncate(24*time.Hour)).Scan(&rows))
	require.Equal(l, rows, all.Rows, "events of the archive")
	known, err := r.known(l.Context(), Range{})
	require.NoError(l, err)
	require.Len(l, known, len(units))
	for u, k := range known {
		require.NotNil(l, k.VerifiedAt, "%s: %s", u, k.Fault)
	}
	waiting, err := r.pending(l.Context(), Range{})
	require.NoError(l, err)
	require.Empty(l, waiting)
}

// files are the objects of the bucket, by name.
func (l *lab) objects() []string {
	l.Helper()
	b, err := l.runner().bucketOf(l.Context(), l.place)
	require.NoError(l, err)
	objects, err := b.list(l.Context(), "")
	require.NoError(l, err)
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = o.name
	}
	return names
}

func day(n int) time.Time { return today.Truncate(24*time.Hour).AddDate(0, 0, -n) }
