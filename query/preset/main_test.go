package preset

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC) // A Friday.

func newService(conn driver.Conn) *Service {
	return New(conn, statement.NewReader(conn, statement.DefaultConfig()), func() time.Time { return now })
}

func open(t *testing.T) *Service {
	t.Helper()
	return newService(querytest.Open(t))
}

func caller(key string, scopes ...auth.Scope) Caller {
	return Caller{Tenant: "acme", Principal: auth.Principal{KeyID: key, Tenant: "acme", Scopes: scopes}}
}

var (
	jane  = caller("jane", auth.ScopePresetsWrite)
	john  = caller("john", auth.ScopePresetsWrite)
	admin = caller("admin", auth.ScopeAdmin)
)

func change(name, object string, shared bool) Change {
	return Change{Name: name, Filter: []byte(object), Shared: shared}
}

func requireKind(t *testing.T, kind apierror.Kind, err error) {
	t.Helper()
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, kind, problem.Kind, problem.Detail)
}

func names(list []Preset) []string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = p.Name
	}
	return out
}

func TestGolden(t *testing.T) {
	r := row{Preset: Preset{ID: "preset_x", Version: 3, Owner: "jane", Name: "Mine", Filter: []byte(`{"q":"x"}`), Shared: true, CreatedAt: now, UpdatedAt: now}, seq: 7, writer: "W"}
	var out querytest.Golden
	for _, shape := range []struct {
		title string
		*filter.Builder
	}{{"read", readStatement("acme")}, {"add", addStatement("acme", r)}} {
		out.Add(shape.title, shape)
	}
	out.Check(t, "statements.golden")
}
