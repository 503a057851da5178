package facet

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

const acme = tenant.ID("acme")

var scope = filter.Scope{Tenant: acme, Oldest: now.Add(-50 * 24 * time.Hour)}

func newService(conn driver.Conn) *Service {
	return New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(50), func() time.Time { return now })
}

func parseQuery(t testing.TB, s *Service, query string) (*request, error) {
	t.Helper()
	return s.parse(httptest.NewRequestWithContext(tenant.NewContext(t.Context(), acme), "GET", "/?"+query, nil))
}

func TestGolden(t *testing.T) {
	var out querytest.Golden
	s := newService(nil)
	for _, query := range []string{
		"",
		"field=severity&field=actorId&limit=3&from=now-30d&to=now&severity=WARN%2B",
		"field=eventType&field=targetType&q=refund",
		`field=payload.customer.a\.b&from=now-1h`,
	} {
		r, err := parseQuery(t, s, query)
		require.NoError(t, err)
		for _, p := range plan(scope, r) {
			out.Add(fmt.Sprintf("%s (%s)", query, p.source.Name()), p.statement(scope, r))
		}
	}
	out.Check(t, "facets.golden")
}
