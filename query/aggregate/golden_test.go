package aggregate

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/query/filter"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden holds the SQL of each kind of request.
func TestGolden(t *testing.T) {
	var out strings.Builder
	for _, body := range []string{
		`{"from":"now-2h","to":"now","bucket":"5m"}`,
		`{"from":"now-2h","to":"now","bucket":null,"groupBy":["severity","payload.currency"],"metrics":[{"op":"p95","field":"payload.latency_ms"}]}`,
		`{"from":"now-2d","to":"now","bucket":"1h","groupBy":["eventType"],"filter":{"severity":"WARN+"}}`,
		`{"from":"2026-03-28T00:00:00+01:00","to":"2026-03-31T00:00:00+02:00","bucket":"1d","timezone":"Europe/Prague","filter":{"q":"refund"},"metrics":[{"op":"avg","field":"payload.amount"}]}`,
		`{"from":"now-2h","to":"now","bucket":"1h","groupBy":["actorId"],"metrics":[{"op":"uniq","field":"targetId"}],"top":{"k":2,"by":0}}`,
		`{"from":"now-2h","to":"now","bucket":"1h","groupBy":["actorId","source"],"top":{"k":2,"by":0,"other":true}}`,
	} {
		r, err := parseRequest(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)), now)
		require.NoError(t, err)
		c, err := prepare(t.Context(), nil, nil, filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}, r, now)
		require.NoError(t, err)
		if r.top > 0 {
			c.only = []row{{key: "2:u1"}, {key: "2:u2"}}
			var b filter.Builder
			c.rankStatement(&b)
			write(&out, body+" (rank)", &b)
		}
		var b filter.Builder
		c.statement(&b, c.furtherLevels())
		write(&out, body, &b)
	}
	file := filepath.Join("testdata", "statements.golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(file, []byte(out.String()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, string(want), out.String(), "go test ./query/aggregate -update writes it anew")
}

func write(out *strings.Builder, title string, b *filter.Builder) {
	statement, args := b.Statement()
	fmt.Fprintf(out, "%s\n  %s\n", title, statement)
	for _, a := range args {
		named := a.(driver.NamedValue)
		fmt.Fprintf(out, "  %s = %#v\n", named.Name, named.Value)
	}
	out.WriteString("\n")
}
