package search

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/query/querytest"
)

// Paging over ids finds each event, also one that comes in
// uneven numbers.
func TestSearch_PagesOfIDs(t *testing.T) {
	conn := querytest.Open(t)
	const of = `multiIf(number % 2 = 0, 'busy', number BETWEEN 40001 AND 45000 OR number % 31 = 1, 'uneven', number < 40, 'once', '')`
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, actor_id, payload, kafka_topic)
		SELECT 'acme', toDateTime64('2026-03-01 00:00:00', 6, 'UTC') + number * 40, toString(number), `+of+`, '{}', 'events' FROM numbers(90000)`))
	s := service(conn, nil)
	for _, actor := range []string{"busy", "uneven", "once", "none"} {
		var want uint64
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT countIf("+of+" = '"+actor+"') FROM numbers(90000)").Scan(&want))
		for _, order := range []Order{Newest, Oldest} {
			found, _ := follow(t, s, Request{Tenant: acme, Filter: parse(t, "actorId="+actor), Order: order, Limit: 1000})
			require.Len(t, found, int(want), "%s %s", actor, order)
			slices.Sort(found)
			require.Len(t, slices.Compact(found), int(want), "%s %s", actor, order)
		}
	}
}
