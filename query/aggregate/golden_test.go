package aggregate

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/query/filter"
	"daybook/query/querytest"
)

// TestGolden holds the SQL of each kind of request.
func TestGolden(t *testing.T) {
	var out querytest.Golden
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
			out.Add(body+" (rank)", &b)
		}
		var b filter.Builder
		c.statement(&b, c.furtherLevels())
		out.Add(body, &b)
	}
	out.Check(t, "statements.golden")
}
