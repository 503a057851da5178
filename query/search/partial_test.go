package search

import (
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/pkg/retention"
	"daybook/query/statement"
)

// A search that runs into a limit in a later window gives what it has found, and
// goes on behind what it has looked at: it comes to its end whatever the limit, and
// no event is lost or comes twice.
func TestSearch_PartialPagesGoOn(t *testing.T) {
	conn := manyRows(t, 200_000)
	unlimited := service(conn, nil)
	for _, order := range []Order{Newest, Oldest} {
		for _, rows := range []int64{30_000, 60_000, 150_000} {
			limits := statement.DefaultConfig()
			limits.MaxRowsRead = rows
			s := New(statement.NewReader(conn, limits), retention.Days(365), clock, nil)
			for _, query := range []string{"eventType=rare", "eventType=nosuch", "eventType=rare&from=2026-04-15T11:11:11Z&to=2026-04-17T03:03:03Z"} {
				r := Request{Tenant: acme, Filter: parse(t, query), Order: order, Limit: 4}
				want, _ := follow(t, unlimited, r)
				var got []string
				partial := 0
				for pages := 0; pages == 0 || r.Cursor != ""; pages++ {
					require.Less(t, pages, 50, "it comes to no end")
					page, err := s.Search(t.Context(), r)
					require.NoError(t, err)
					for _, e := range page.Events {
						got = append(got, e.EventID)
					}
					if page.Partial {
						partial++
						require.NotEmpty(t, page.NextCursor)
						require.Less(t, len(page.Events), r.Limit)
					}
					r.Cursor = page.NextCursor
				}
				require.Equal(t, want, got, "%s %s %d", query, order, rows)
				if rows < 150_000 {
					require.Positive(t, partial, "%s %s %d", query, order, rows)
				}
			}
		}
	}
	limits := statement.DefaultConfig()
	limits.MaxRowsRead = 5000
	_, err := New(statement.NewReader(conn, limits), retention.Days(365), clock, nil).Search(t.Context(), Request{Tenant: acme, Filter: parse(t, "eventType=rare"), Order: Newest, Limit: 4})
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, apierror.KindLimit, problem.Kind, "where nothing was looked at there is nothing to go on from")
}

// A text that no index knows is looked for window by window, over all there is, and
// no page of it reads more than its limit.
func TestSearch_ShortTexts(t *testing.T) {
	conn := manyRows(t, 1_050_000)
	limits := statement.DefaultConfig()
	limits.MaxRowsRead = 530_000
	s := New(statement.NewReader(conn, limits), retention.Days(365), clock, nil)
	for query, pages := range map[string]int{"q=zq": 2, "q=é": 2, "q=zq+OR+nothing+longer": 2, "q=payload.n:zq": 2, "q=0x": 1} {
		r := Request{Tenant: acme, Filter: parse(t, query), Order: Newest, Limit: 50}
		page, err := s.Search(t.Context(), r)
		require.NoError(t, err, query)
		require.Equal(t, []string{"key"}, page.Indexes, query)
		require.Equal(t, pages > 1, page.Partial, query)
		read := page.Usage.RowsRead
		for asked := 1; asked < pages; asked++ {
			require.Empty(t, page.Events, query)
			require.NotEmpty(t, page.NextCursor, query)
			r.Cursor = page.NextCursor
			page, err = s.Search(t.Context(), r)
			require.NoError(t, err, query)
			read += page.Usage.RowsRead
		}
		if pages > 1 {
			require.GreaterOrEqual(t, read, uint64(1_050_000), "%s: all of them", query)
		} else {
			require.Len(t, page.Events, 50)
		}
	}
}
