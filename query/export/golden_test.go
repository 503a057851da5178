package export

import (
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/search"
)

var update = flag.Bool("update", false, "write the golden files anew")

var aView = &view{
	began: now, oldest: now.Add(-time.Hour), newest: now, ingested: now, logs: []log{{"events", []int64{10, 0, 30}}, {"old", []int64{7}}},
}

// TestGolden holds the SQL of an export.
func TestGolden(t *testing.T) {
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	f, err := filter.Parse(url.Values{"q": {"refund"}, "severity": {"ERROR"}, "from": {"now-1h"}}, now)
	require.NoError(t, err)
	var out strings.Builder
	for _, shape := range []struct {
		title string
		*filter.Builder
	}{
		{"the view of now", viewStatement(scope, f)},
		{"from the beginning", rowsStatement(scope, f, aView, nil)},
		{"behind a position", rowsStatement(scope, f, aView, &position{now, "evt_1", "billing"})},
	} {
		statement, args := shape.Statement()
		fmt.Fprintf(&out, "%s\n  %s\n", shape.title, strings.ReplaceAll(statement, search.Columns, "COLUMNS"))
		for _, a := range args {
			named := a.(driver.NamedValue)
			fmt.Fprintf(&out, "  %s = %#v\n", named.Name, named.Value)
		}
		out.WriteString("\n")
	}
	file := filepath.Join("testdata", "statements.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "go test ./query/export -update writes it anew")
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
