package query

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/auth"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/openapi/openapitest"
	"daybook/query/querytest"
	"daybook/query/search"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

// keys knows a key by the tenant that it names.
type keys struct{}

func (keys) Verify(_ context.Context, key string) (auth.Principal, error) {
	name, scope, _ := strings.Cut(key, "/")
	return auth.Principal{KeyID: key, Tenant: tenant.ID(name), Scopes: []auth.Scope{auth.Scope(scope)}}, nil
}

func serve(t *testing.T, limits statement.Config, events ...event.Event) (base string) {
	t.Helper()
	return serveOn(t, querytest.Open(t), limits, events...)
}

func serveOn(t *testing.T, conn driver.Conn, limits statement.Config, events ...event.Event) (base string) {
	t.Helper()
	for i := range events {
		if events[i].Category == "" {
			events[i].Category = event.CategoryOther
		}
	}
	querytest.Insert(t, conn, querytest.Rows(events...))
	none := func(c echo.Context) error { return c.NoContent(http.StatusTeapot) }
	return querytest.Serve(t, keys{}, Routes(Deps{Conn: conn, Limits: limits, Kept: retention.Days(365), Now: func() time.Time { return now }, Intake: none, Stream: filterOnly, Publish: recorded, Topic: topic{}}))
}

// filterOnly stands for the live stream: it answers with the filter that it reads.
func filterOnly(c echo.Context) error {
	values, err := filter.Values(c.Request().URL.RawQuery)
	if err != nil {
		return err
	}
	f, err := filter.ParseRequest(c.Request().Context(), values, now)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusTeapot, map[string]string{"filter": f.Canonical()})
}

// topic is one of which all is stored.
type topic struct{}

func (topic) Stored(context.Context) (search.Log, error) {
	return search.Log{Topic: querytest.Topic, Next: []int64{1 << 20}}, nil
}

func (topic) Ends(context.Context) (first, end []int64, err error) {
	return []int64{0}, []int64{1 << 20}, nil
}

func recorded(context.Context, tenant.ID, []byte) error { return nil }

func call(t *testing.T, key, method, address, body string) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	raw, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	if answer.StatusCode != http.StatusTeapot { // That is the tests' stand-in for the stream.
		openapitest.Check(t, request, []byte(body), answer, raw)
	}
	var object map[string]any
	if len(raw) > 0 {
		require.NoError(t, json.Unmarshal(raw, &object), string(raw))
	}
	return answer.StatusCode, object
}

func TestRoutes(t *testing.T) {
	const odd = `a/b c%2F?ü"`
	base := serve(t, statement.DefaultConfig(),
		event.Event{TenantID: "acme", EventID: odd, EventType: "a", CreatedAt: now.Add(-time.Minute), Payload: []byte(`{"n":2}`)},
		event.Event{TenantID: "other", EventID: "theirs", EventType: "a", CreatedAt: now.Add(-time.Minute)},
	)
	const key = "acme/events:read"
	for _, test := range []struct {
		name, method, path, body string
		status                   int
		has                      string
	}{
		{"search", "GET", "/api/v1/events?q=type:a", "", 200, "events"},
		{"a semicolon is no separator", "GET", "/api/v1/events?q=a;b", "", 200, "events"},
		{"a fault in the filter", "GET", "/api/v1/events?q=(", "", 400, "errors"},
		{"one event", "GET", "/api/v1/events/" + url.PathEscape(odd), "", 200, "eventId"},
		{"another tenant's event", "GET", "/api/v1/events/theirs", "", 404, "detail"},
		{"histogram is no event", "GET", "/api/v1/events/histogram", "", 200, "buckets"},
		{"aggregate", "POST", "/api/v1/events/aggregate", `{"groupBy":["eventType"],"metrics":[{"op":"sum","field":"payload.n"}]}`, 200, "series"},
		{"aggregate of nonsense", "POST", "/api/v1/events/aggregate", `{"groupBy":`, 400, "detail"},
		{"aggregate of too much", "POST", "/api/v1/events/aggregate", `{"x":"` + strings.Repeat("x", 2<<20) + `"}`, 413, "detail"},
		{"stream", "GET", "/api/v1/events/stream", "", http.StatusTeapot, ""},
	} {
		status, answer := call(t, key, test.method, base+test.path, test.body)
		require.Equal(t, test.status, status, "%s: %v", test.name, answer)
		if test.has != "" {
			require.Contains(t, answer, test.has, test.name)
		}
	}
	_, one := call(t, key, "GET", base+"/api/v1/events/"+url.PathEscape(odd), "")
	require.Equal(t, odd, one["eventId"])
	_, page := call(t, key, "GET", base+"/api/v1/events", "")
	require.Len(t, page["events"], 1, "of this tenant")
	_, sums := call(t, key, "POST", base+"/api/v1/events/aggregate", `{"bucket":null,"metrics":[{"op":"sum","field":"payload.n"}]}`)
	require.Equal(t, []any{2.0}, sums["totals"])
}

// "events" is a call of its own, also where an event has that id.
func TestRoutes_Audit(t *testing.T) {
	login := event.Event{TenantID: "acme", EventID: "a/b?", EventType: "user_login", Category: event.CategoryAuth, ActorID: "ü 1/2", CreatedAt: now.Add(-time.Minute)}
	named := login
	named.EventID = "events"
	base := serve(t, statement.DefaultConfig(), login, named)
	for _, scope := range []string{"audit:read", "admin"} {
		key := "acme/" + scope
		for path, has := range map[string]string{
			"/api/audit": "audit_logs", "/api/audit/events": "event_types", "/api/audit/a%2Fb%3F": "user_name", "/api/users/%C3%BC%201%2F2/audit": "user",
		} {
			status, answer := call(t, key, "GET", base+path, "")
			require.Equal(t, http.StatusOK, status, "%s: %v", path, answer)
			require.Contains(t, answer, has, path)
		}
		status, _ := call(t, key, "GET", base+"/api/audit/nosuch", "")
		require.Equal(t, http.StatusNotFound, status)
		for _, path := range []string{"/api/users//audit", "/api/audit/"} {
			status, answer := call(t, key, "GET", base+path, "")
			require.Equal(t, http.StatusNotFound, status, "%s: %v", path, answer)
		}
	}
	status, _ := call(t, "other/audit:read", "GET", base+"/api/users/%C3%BC%201%2F2/audit", "")
	require.Equal(t, http.StatusNotFound, status, "another tenant's user")
}

func TestRoutes_Scopes(t *testing.T) {
	base := serve(t, statement.DefaultConfig())
	for _, route := range Routes(Deps{}) {
		if route.Public {
			continue
		}
		path := strings.NewReplacer(":eventId", "x", ":id", "x").Replace(route.Path)
		status, _ := call(t, "acme/nothing", route.Method, base+path, "{}")
		require.Equal(t, http.StatusForbidden, status, route.Method+" "+route.Path)
	}
}
