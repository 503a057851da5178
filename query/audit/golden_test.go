package audit

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/query/filter"
	"daybook/query/search"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds the SQL of each kind of read.
func TestGolden(t *testing.T) {
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	l := listing{page: 3, limit: 50, eventType: "user_login", userID: "u1", from: now.Add(-time.Hour), to: now}
	own := ownReads{caller: "k1", target: "/api/audit"}
	since := own
	since.since = now
	var out strings.Builder
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
	require.Equal(t, string(want), out.String(), "go test ./query/audit -update writes it anew")
}
