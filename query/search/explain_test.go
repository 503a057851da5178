package search

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/query/filter"
	"daybook/query/querytest"
)

// A page is read from the key's order, within the key's range, cursor included, and reads
// wide columns for the rows of the page only.
func TestSearch_UsesTheKey(t *testing.T) {
	conn := querytest.Open(t)
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, payload, kafka_topic)
		SELECT concat('t', toString(number % 10)), toDateTime64('2026-04-01 00:00:00', 6, 'UTC') + number, toString(number), '{}', 'events' FROM numbers(200000)`))
	scope := filter.Scope{Tenant: "t3", Oldest: now.AddDate(0, 0, -365)}
	explain := func(order Order, w window, after *at) string {
		statement, args := timeStatement(scope, Request{Filter: &filter.Filter{}, Order: order}, w, after, 51).Statement()
		rows, err := conn.Query(t.Context(), "EXPLAIN indexes = 1, actions = 1 "+statement, args...)
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		var plan strings.Builder
		for rows.Next() {
			var line string
			require.NoError(t, rows.Scan(&line))
			plan.WriteString(line + "\n")
		}
		require.NoError(t, rows.Err())
		return plan.String()
	}
	middle := time.Date(2026, 4, 2, 12, 0, 0, 0, time.UTC)
	for _, order := range []Order{Newest, Oldest} {
		for _, after := range []*at{nil, {middle, "x", ""}} {
			plan := explain(order, window{from: middle.Add(-time.Hour), to: middle.Add(time.Hour)}, after)
			_, key, found := strings.Cut(plan, "PrimaryKey")
			require.True(t, found, plan)
			require.Regexp(t, `(?s)Keys:\W+tenant_id\W+created_at\W`, key)
			require.Regexp(t, `Granules: [1-4]/9\d\b`, key)
			require.Contains(t, plan, map[Order]string{Newest: "Read type: InReverseOrder", Oldest: "Read type: InOrder"}[order])
			_, wide, found := strings.Cut(plan, "Lazily read columns:")
			require.True(t, found, plan)
			require.Contains(t, wide, "payload")
		}
	}
}

// A poller reads what came since, by the index on offsets, also of a tenant that
// has much.
func TestSearchIngest_UsesTheIndexOnOffsets(t *testing.T) {
	conn := manyRows(t, 100_000)
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	// The second partition has nothing new: its offset, far back, must not matter.
	statement, args := ingestStatement(scope, Request{Filter: &filter.Filter{}, Limit: 50}, querytest.Topic, []int64{49_900, 3}, []int64{50_000, 3}).Statement()
	var found, without uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM ("+statement+")", args...).Scan(&found))
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM ("+statement+") SETTINGS use_skip_indexes = 0", args...).Scan(&without))
	require.EqualValues(t, 51, found)
	require.EqualValues(t, 51, without)
	rows, err := conn.Query(t.Context(), "EXPLAIN indexes = 1 "+statement, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var plan strings.Builder
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	require.Regexp(t, `(?s)Name: ix_offset.*Granules: [1-2]/4\d\b`, plan.String())
}
