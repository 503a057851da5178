package export

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/search"
)

var aView = &view{
	began: now, oldest: now.Add(-time.Hour), newest: now, ingested: now, logs: []log{{"events", []int64{10, 0, 30}}, {"old", []int64{7}}},
}

// TestGolden holds the SQL of an export.
func TestGolden(t *testing.T) {
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	f, err := filter.Parse(url.Values{"q": {"refund"}, "severity": {"ERROR"}, "from": {"now-1h"}}, now)
	require.NoError(t, err)
	out := querytest.Golden{Columns: search.Columns}
	for _, shape := range []struct {
		title string
		*filter.Builder
	}{
		{"the view of now", viewStatement(scope, f)},
		{"from the beginning", rowsStatement(scope, f, aView, nil)},
		{"behind a position", rowsStatement(scope, f, aView, &position{now, "evt_1", "billing"})},
	} {
		out.Add(shape.title, shape)
	}
	out.Check(t, "statements.golden")
}

// Rows come in the order of the key, unsorted, from the key's range behind the
// position.
func TestExport_UsesTheKey(t *testing.T) {
	conn := querytest.Open(t)
	many(t, conn, 100_000, 64)
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	f := &filter.Filter{To: filter.Moment{Time: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)}}
	statement, args := rowsStatement(scope, f, aView, &position{time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC), "evt_1", ""}).Statement()
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
	_, key, found := strings.Cut(plan.String(), "PrimaryKey")
	require.True(t, found, plan.String())
	require.Regexp(t, `(?s)Keys:\W+tenant_id\W+created_at\W`, key)
	require.Regexp(t, `Granules: \d/\d\d\b`, key)
	require.Contains(t, plan.String(), "Read type: InOrder")
}
