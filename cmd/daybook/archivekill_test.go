package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"daybook/ingest/archive"
	layout "daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/generate"
	"daybook/pkg/retention"
	"daybook/schema"
)

// A whole node is killed with -9 again and again while it archives; in the end every
// closed day is in the bucket once, and right.
func TestServe_KilledWhileArchiving(t *testing.T) {
	const events, archivedDays = 20_000, "SELECT count() FROM " + schema.ArchiveDays + " FINAL WHERE verified_at IS NOT NULL"
	seed := uint64(setting(t, "DAYBOOK_KILL_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("DAYBOOK_KILL_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	place := archivetest.Start(t).Place("the-archive")
	n := newNodeProcess(t)
	n.start()
	published, err := publishThrough(t.Context(), n.kafka, generate.Config{Seed: seed, Events: events, Days: 40, Tenants: 6, End: time.Now().UTC().Truncate(24 * time.Hour)})
	require.NoError(t, err)
	require.Equal(t, events, published)
	n.await(events, "SELECT count() FROM "+schema.Events)
	n.kill()

	n.env = append(n.env, "DAYBOOK_ARCHIVE_ENABLED=true", "DAYBOOK_ARCHIVE_DELAY=0s", "DAYBOOK_ARCHIVE_BUCKET="+place.Bucket,
		"DAYBOOK_ARCHIVE_ENDPOINT="+place.Endpoint, "DAYBOOK_ARCHIVE_ACCESS_KEY="+place.AccessKey, "DAYBOOK_ARCHIVE_SECRET_KEY="+place.SecretKey)
	n.start()
	all := n.count("SELECT uniqExact(tenant_id, toDate(created_at)) FROM " + schema.Events)
	var seen []uint64
	for before := uint64(0); len(seen) < 8 && before < all; seen = append(seen, before) {
		pauseFor(t, time.Duration(random.IntN(1500))*time.Millisecond)
		if len(seen)%2 == 1 { // Every other time a day must have come to be archived.
			n.await(before+1, archivedDays)
		}
		n.kill()
		n.start()
		before = n.count(archivedDays)
	}
	t.Logf("archived days at each start: %d of %d", seen, all)
	require.True(t, slices.ContainsFunc(seen, func(days uint64) bool { return days > 0 && days < all }), "no kill came between the first day and the last")
	n.await(all, archivedDays)

	conn, err := clickhouse.Open(t.Context(), n.store)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	r := archive.New(archive.Config{Places: layout.Places{All: place}, Writer: "daybook test"},
		archive.Deps{Conn: conn, Retention: retention.Days(365), Log: zap.NewNop(), Now: time.Now})
	t.Cleanup(r.Close)
	v, err := r.Verify(t.Context(), archive.Range{}, nil)
	require.NoError(t, err)
	require.Empty(t, v.Faults)
	require.Empty(t, v.Repaired)
	require.Equal(t, fmt.Sprint(events, all), fmt.Sprint(v.Events, v.Days))
}
