package search

import (
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
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
			s := New(statement.NewReader(conn, limits), 365, clock, nil)
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
	_, err := New(statement.NewReader(conn, limits), 365, clock, nil).Search(t.Context(), Request{Tenant: acme, Filter: parse(t, "eventType=rare"), Order: Newest, Limit: 4})
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, apierror.KindLimit, problem.Kind, "where nothing was looked at there is nothing to go on from")
}
