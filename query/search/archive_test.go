package search

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// TestSearchArchive_NewestReadsFewFiles holds that windows go by what is known of the
// archived days: all older files are taken away, and nobody misses them until they
// are needed.
func TestSearchArchive_NewestReadsFewFiles(t *testing.T) {
	conn := querytest.Open(t)
	gateway := archivetest.Start(t)
	place := gateway.Place("days")
	today := now.Truncate(24 * time.Hour)
	var events []event.Event
	var days []time.Time
	for n := 20; n >= 11; n-- {
		days = append(days, today.AddDate(0, 0, -n))
		for i := range 240 {
			events = append(events, event.Event{TenantID: string(acme), EventID: fmt.Sprintf("e%d_%d", n, i), CreatedAt: days[len(days)-1].Add(time.Duration(i) * 6 * time.Minute), EventType: "a"})
		}
	}
	querytest.Insert(t, conn, querytest.Rows(events...))
	querytest.Archive(t, conn, place, acme, days...)
	querytest.Purge(t, conn, acme, days...)
	reader := statement.NewReader(conn, statement.DefaultConfig())
	s := New(reader, retention.Days(10), clock, nil).WithArchive(archived.New(conn, reader, &archive.Places{All: place}))
	ends := map[Order][]time.Time{Newest: days[:8], Oldest: days[2:]}
	for order, away := range ends {
		moved := map[string][]byte{}
		for _, day := range away {
			name := gateway.File(place, archive.Folder(acme, day)+archive.Data(1))
			content, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, os.Remove(name))
			moved[name] = content
		}
		request := Request{Tenant: acme, Filter: &filter.Filter{}, Order: order, Limit: 50, Archive: true}
		want := ids(events, order, nil)
		for i := range 4 {
			page, err := s.Search(t.Context(), request)
			require.NoError(t, err, "%s, page %d", order, i)
			var got []string
			for _, e := range page.Events {
				require.True(t, e.Archived)
				got = append(got, e.EventID)
			}
			require.Equal(t, want[50*i:50*i+50], got)
			require.Equal(t, "archive", page.Source)
			request.Cursor = page.NextCursor
		}
		request.Limit = 1000
		_, err := s.Search(t.Context(), request)
		require.ErrorContains(t, err, "is missing from its bucket")

		// A cursor belongs to what it was made for.
		request.Archive = false
		_, err = s.Search(t.Context(), request)
		require.ErrorContains(t, err, "belongs to another search")
		for name, content := range moved {
			require.NoError(t, os.WriteFile(name, content, 0o600))
		}
	}
}

// TestSearchArchive_ReadsRowGroups holds that times leave out what a file has besides.
func TestSearchArchive_ReadsRowGroups(t *testing.T) {
	conn := querytest.Open(t)
	place := archivetest.Start(t).Place("days")
	day := now.Truncate(24*time.Hour).AddDate(0, 0, -20)
	const rows = 300_000
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, payload, kafka_topic, kafka_offset)
SELECT 'acme', toDateTime64(?, 6, 'UTC') + toIntervalMicrosecond(number * 288000), toString(number), '{}', 'events', number FROM numbers(?)`, day.Format(time.DateTime), rows))
	querytest.Archive(t, conn, place, acme, day)
	querytest.Purge(t, conn, acme, day)
	reader := statement.NewReader(conn, statement.DefaultConfig())
	s := New(reader, retention.Days(10), clock, nil).WithArchive(archived.New(conn, reader, &archive.Places{All: place}))
	for query, most := range map[string]uint64{"": rows / 4, "q=eventId:7": rows / 4, "to=" + day.Add(10*time.Minute).Format(time.RFC3339): rows / 20} {
		page, err := s.Search(t.Context(), Request{Tenant: acme, Filter: parse(t, query), Order: Newest, Limit: 50, Archive: true})
		require.NoError(t, err)
		require.NotEmpty(t, page.Events)
		require.Less(t, page.Usage.RowsRead, most, query)
	}
}
