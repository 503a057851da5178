package query

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/query/querytest"
	"daybook/query/statement"
)

// readers are the calls that read events, each asked for more than the limits
// of the test below allow, and the limits that it must run into. An export lasts, and
// reads whatever there is; of the others, those that a rollup answers need hardly any memory.
var readers = map[string]struct {
	target, body string
	limits       string
}{
	"GET /api/v1/events":           {target: "/api/v1/events?q=lorem&limit=1000", limits: "rows memory duration"},
	"GET /api/v1/events/export":    {target: "/api/v1/events/export?q=lorem", limits: "memory"},
	"GET /api/v1/events/histogram": {target: "/api/v1/events/histogram?q=lorem", limits: "rows memory duration"},
	"GET /api/v1/events/facets":    {target: "/api/v1/events/facets?field=actorId&field=payload.n", limits: "rows memory duration"},
	"GET /api/v1/events/fields":    {target: "/api/v1/events/fields?q=lorem", limits: "rows memory"},
	"GET /api/v1/events/values":    {target: "/api/v1/events/values?field=payload.n&q=lorem", limits: "rows memory"},
	"POST /api/v1/events/aggregate": {
		target: "/api/v1/events/aggregate", limits: "rows memory duration",
		body: `{"bucket":null,"groupBy":["actorId"],"metrics":[{"op":"uniq","field":"payload.n"}],"filter":{"q":"lorem"}}`,
	},
	"GET /api/v1/events/:eventId":         {target: "/api/v1/events/event-5", limits: "rows memory"},
	"GET /api/v1/events/:eventId/context": {target: "/api/v1/events/event-5/context", limits: "rows memory duration"},
	"GET /api/v1/events/:eventId/diff":    {target: "/api/v1/events/event-5/diff?with=event-6", limits: "rows memory"},
	"GET /api/audit":                      {target: "/api/audit", limits: "rows memory duration"},
	"GET /api/audit/events":               {target: "/api/audit/events", limits: "rows"},
	"GET /api/audit/:id":                  {target: "/api/audit/event-5", limits: "rows memory"},
	"GET /api/v1/status":                  {target: "/api/v1/status", limits: "rows"},
	"GET /api/users/:id/audit":            {target: "/api/users/actor-5/audit", limits: "rows memory duration"},
}

// others are the calls that read no events, or none from the store.
var others = []string{"POST /api/v1/events", "GET /api/v1/events/stream", " /api/v1/presets", " /api/v1/presets/:id", " /api/v1/holds", " /api/v1/holds/:id", "GET /openapi.json", "GET /docs"}

// bulk stores so many events of a kilobyte each.
func bulk(t *testing.T, conn driver.Conn, events int) {
	t.Helper()
	require.NoError(t, conn.Exec(t.Context(), fmt.Sprintf(`INSERT INTO events (tenant_id, created_at, event_id, event_type, category, source, actor_type, actor_id, correlation_id, payload, payload_text, ingested_at, kafka_topic, kafka_partition, kafka_offset)
		SELECT 'acme', toDateTime64('%s', 6, 'UTC') - number AS at, concat('event-', toString(number)), concat('user_', toString(number %% 50)), 'auth', 'web', 'USER', concat('actor-', toString(number %% 1000)), 'chain',
		concat('{"n":', toString(number), ',"text":"', repeat('lorem ipsum ', 80), '"}') AS p, p, at, 'events', 0, number FROM numbers(%d)`, now.Add(-time.Minute).Format(time.DateTime), events)))
}

// Each limit answers 422 with the name of its setting, on each kind of call.
func TestRoutes_LimitsAreNamed(t *testing.T) {
	conn := querytest.Open(t)
	bulk(t, conn, 100_000)
	settings := map[string]string{"rows": "query.max_rows_read", "memory": "query.max_memory", "duration": "query.max_duration"}
	bases := map[string]string{}
	for name := range settings {
		limits := statement.DefaultConfig()
		switch name {
		case "rows":
			limits.MaxRowsRead = 1
		case "memory":
			limits.MaxMemory = 1
		case "duration":
			limits.MaxDuration = time.Millisecond
		}
		bases[name] = serveOn(t, conn, limits)
	}
	within := serveOn(t, conn, statement.DefaultConfig())
	for _, r := range Routes(Deps{}) {
		operation := r.Method + " " + r.Path
		c, reads := readers[operation]
		if !reads {
			require.True(t, slices.ContainsFunc(others, func(suffix string) bool { return strings.HasSuffix(operation, suffix) }), "%s: say which limits it runs into", operation)
			continue
		}
		ask := func(base string) (int, string) {
			request, err := http.NewRequestWithContext(t.Context(), r.Method, base+c.target, strings.NewReader(c.body))
			require.NoError(t, err)
			request.Header.Set("Authorization", "Bearer acme/admin")
			answer, err := http.DefaultClient.Do(request)
			require.NoError(t, err)
			defer func() { require.NoError(t, answer.Body.Close()) }()
			body, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			return answer.StatusCode, string(body[:min(len(body), 1000)])
		}
		for name, base := range bases {
			status, answer := ask(base)
			if status == http.StatusOK && !strings.Contains(c.limits, name) {
				continue
			}
			require.Equal(t, http.StatusUnprocessableEntity, status, "%s with little %s: %s", operation, name, answer)
			require.Contains(t, answer, settings[name], operation)
		}
		status, answer := ask(within)
		require.Equal(t, http.StatusOK, status, "%s within its limits: %s", operation, answer)
	}
}
