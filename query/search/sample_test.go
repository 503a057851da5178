package search

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// The first window of an id holds what a page of it takes: little for one that
// every second event has, much for one that the sample has nowhere.
func TestFirstSize(t *testing.T) {
	conn := querytest.Open(t)
	var events []event.Event
	for i := range 100 {
		events = append(events, event.Event{
			TenantID: string(acme), EventID: fmt.Sprintf("evt_%d", i), CreatedAt: now.Add(-time.Duration(i) * time.Second), ActorID: []string{"busy", "idle"}[i%2],
			TargetID: fmt.Sprintf("t%d", i), Payload: []byte(`{}`),
		})
	}
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := service(conn, nil)
	start := now.Truncate(time.Hour)
	// More than the sample now, and as many before.
	known := profile{{start: start.Add(-time.Hour), events: sample}, {start: start, events: sample}}
	for query, want := range map[string]uint64{
		"actorId=busy":                  sample * 6 * 3 / 50 / 2,
		"targetId=t7":                   sample * 6 * 3 / 2,
		"targetId=none":                 sample * mostWidening,
		"actorId=busy&correlationId=no": firstWindow(filter.Rare, 5),
		"eventType=x":                   firstWindow(filter.Common, 5),
		"":                              firstWindow(filter.Everything, 5),
	} {
		r := Request{Tenant: acme, Filter: parse(t, query), Order: Newest, Limit: 5}
		var usage statement.Usage
		got, err := s.firstSize(t.Context(), s.Scope(acme), r, known, window{from: now.AddDate(0, 0, -10)}, &usage)
		require.NoError(t, err)
		require.Equal(t, want, got, query)
	}
	var usage statement.Usage
	got, err := s.firstSize(t.Context(), s.Scope(acme), Request{Tenant: acme, Filter: parse(t, "actorId=busy"), Limit: 5}, known[:1], window{}, &usage)
	require.NoError(t, err)
	require.EqualValues(t, sample, got)
	require.Zero(t, usage.RowsRead, "what is one window anyway needs no sample")
}

// Paging over ids finds each event, also where the sample misleads: what it
// has of uneven lies at its far end, so that a page takes several windows.
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
