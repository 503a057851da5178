package search

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
	"daybook/query/querytest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds the SQL of each kind of search.
func TestGolden(t *testing.T) {
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	r := Request{Tenant: acme, Filter: parse(t, "q=refund&severity=ERROR"), Order: Newest}
	upwards := r
	upwards.Order = Oldest
	after := &at{now, "evt_1", "billing"}
	hour := window{now.Add(-time.Hour), now}
	var out strings.Builder
	for _, shape := range []struct {
		title string
		*filter.Builder
	}{
		{"newest first, first page", timeStatement(scope, r, window{from: hour.from}, nil, 51)},
		{"newest first, behind a cursor", timeStatement(scope, r, hour, after, 51)},
		{"oldest first, behind a cursor", timeStatement(scope, upwards, hour, after, 51)},
		{"by ingest", ingestStatement(scope, Request{Filter: r.Filter, Limit: 50}, querytest.Topic, []int64{1, 2}, []int64{3, 4})},
	} {
		statement, args := shape.Statement()
		fmt.Fprintf(&out, "%s\n  %s\n", shape.title, strings.ReplaceAll(statement, Columns, "COLUMNS"))
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
	require.Equal(t, string(want), out.String(), "go test ./query/search -update writes it anew")
}
