package audit

import (
	"testing"
	"time"

	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/search"
)

// TestGolden holds the SQL of each kind of read.
func TestGolden(t *testing.T) {
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	l := listing{page: 3, limit: 50, eventType: "user_login", userID: "u1", from: now.Add(-time.Hour), to: now}
	own := ownReads{caller: "k1", target: "/api/audit"}
	since := own
	since.since = now
	out := querytest.Golden{Columns: search.Columns}
	for _, shape := range []struct {
		title string
		*filter.Builder
	}{
		{"a page", positionsStatement(scope, l, own, false)},
		{"a next page, without its own reads, where there are copies", positionsStatement(scope, listing{page: 2, limit: 50}, since, true)},
		{"how many rows and times", timesStatement(scope, l, own)},
		{"how many more events than times", tiesStatement(scope, l, own)},
		{"when the first page was read", ownReadsStatement(scope, own, now)},
		{"the events of a page", eventsStatement(scope, []position{{now, "b", ""}, {now.Add(-time.Hour), "a", "billing"}})},
		{"one event", eventStatement(scope, "evt_1")},
		{"a user", userStatement(scope, "u1")},
		{"event types", eventTypesStatement(scope)},
	} {
		out.Add(shape.title, shape)
	}
	out.Check(t, "statements.golden")
}
