package search

import (
	"testing"
	"time"

	"daybook/query/filter"
	"daybook/query/querytest"
)

// TestGolden holds the SQL of each kind of search.
func TestGolden(t *testing.T) {
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	r := Request{Tenant: acme, Filter: parse(t, "q=refund&severity=ERROR"), Order: Newest}
	upwards := r
	upwards.Order = Oldest
	after := &at{now, "evt_1", "billing"}
	hour := window{now.Add(-time.Hour), now}
	out := querytest.Golden{Columns: Columns}
	for _, shape := range []struct {
		title string
		*filter.Builder
	}{
		{"newest first, first page", timeStatement(scope, r, window{from: hour.from}, nil, 51)},
		{"newest first, behind a cursor", timeStatement(scope, r, hour, after, 51)},
		{"oldest first, behind a cursor", timeStatement(scope, upwards, hour, after, 51)},
		{"by ingest", ingestStatement(scope, Request{Filter: r.Filter, Limit: 50}, querytest.Topic, []int64{1, 2}, []int64{3, 4})},
	} {
		out.Add(shape.title, shape)
	}
	out.Check(t, "statements.golden")
}
