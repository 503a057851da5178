package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/client"
)

// The client and the commands that use it, on a whole node.
func TestServe_Clients(t *testing.T) {
	s := configure(t)
	s.start(t)
	const bootstrap = "bootstrap-secret"
	connect := func(key string, options ...client.Option) *client.Client {
		c, err := client.New(s.url, key, options...)
		require.NoError(t, err)
		return c
	}
	ctx := t.Context()
	admin := connect(bootstrap, client.WithTenant("acme"))

	made, err := admin.CreateKey(ctx, client.NewKey{Name: "analyst", Scopes: []string{"events:read", "events:write", "presets:write", "audit:read"}, ExpiresAt: new(time.Now().Add(time.Hour))})
	require.NoError(t, err)
	require.NotEmpty(t, made.Key)
	c := connect(made.Key)
	at := time.Now().Add(-time.Minute).UTC().Truncate(time.Millisecond)
	ids, err := c.Publish(ctx,
		client.NewEvent{EventID: "pay-1", EventType: "payment.failed", Severity: "ERROR", Source: "billing", ActorType: "USER", ActorID: "jane", CorrelationID: "req-1", CreatedAt: &at,
			Payload: map[string]any{"amount": 450, "currency": "USD", "a.b": map[string]any{"c": "=1+1"}}},
		client.NewEvent{EventID: "pay-2", EventType: "payment.received", Source: "gateway", ActorType: "USER", ActorID: "jane", CorrelationID: "req-1", CreatedAt: new(at.Add(time.Second)),
			Payload: map[string]any{"amount": 50, "currency": "EUR"}},
		client.NewEvent{EventID: "login-1", EventType: "user_login", ActorID: "jane", ActorEmail: "jane@example.com", CreatedAt: new(at.Add(2 * time.Second)), Payload: map[string]any{"idp": "github"}},
	)
	require.NoError(t, err)
	require.Equal(t, []string{"pay-1", "pay-2", "login-1"}, ids)
	s.find(t, made.Key, "/api/v1/events/histogram", `"total":3`)

	t.Run("client", func(t *testing.T) { checkClient(t, c) })
	t.Run("keys", func(t *testing.T) {
		keys, err := admin.Keys(ctx)
		require.NoError(t, err)
		require.Equal(t, made.ID, keys[0].ID)
		require.Empty(t, keys[0].Key)
		other, err := admin.CreateKey(ctx, client.NewKey{Scopes: []string{"events:read"}})
		require.NoError(t, err)
		require.NoError(t, admin.RevokeKey(ctx, other.ID))
		require.Equal(t, http.StatusUnauthorized, status(connect(other.Key).Fields(ctx, nil)))
		require.Equal(t, http.StatusForbidden, status(c.Keys(ctx)))
	})
	t.Run("commands", func(t *testing.T) {
		t.Setenv("DAYBOOK_URL", s.url)
		t.Setenv("DAYBOOK_API_KEY", made.Key)
		checkCommands(t)
	})
}

// status returns the status of the problem that a call ended with, 0 where it
// ended with none.
func status[T any](_ T, err error) int {
	if answer, ok := err.(*client.Error); ok { //nolint:errorlint // The client returns it as it is.
		return answer.Status
	}
	return 0
}

func checkClient(t *testing.T, c *client.Client) {
	t.Helper()
	ctx := t.Context()
	h, err := c.Histogram(ctx, url.Values{"from": {"now-1h"}, "interval": {"1h"}})
	require.NoError(t, err)
	require.EqualValues(t, 3, h.Total)
	require.Equal(t, "raw", h.Meta.Source)
	facets, err := c.Facets(ctx, url.Values{"field": {"payload.currency", "source"}, "limit": {"1"}})
	require.NoError(t, err)
	require.Equal(t, client.Facet{Field: "payload.currency", Values: []client.Value{{Value: "EUR", Count: 1}}, Other: 1, Missing: 1, Distinct: 2}, facets.Facets[0])
	fields, err := c.Fields(ctx, url.Values{"prefix": {"payload.A"}})
	require.NoError(t, err)
	require.True(t, fields.Sample.Whole)
	require.Equal(t, "payload.amount", fields.Fields[0].Name)
	require.Equal(t, []client.TypeShare{{Type: "number", Share: 1}}, fields.Fields[0].Types)
	require.Equal(t, `payload.a\.b.c`, fields.Fields[2].Name)
	found, err := c.Search(ctx, url.Values{"q": {fields.Fields[2].Name + `:"` + fields.Fields[2].Examples[0] + `"`}})
	require.NoError(t, err)
	require.Len(t, found.Events, 1, "what was discovered is found")
	values, err := c.Values(ctx, url.Values{"field": {"actorEmail"}, "search": {"EXAMPLE"}})
	require.NoError(t, err)
	require.Equal(t, []client.Value{{Value: "jane@example.com", Count: 1}}, values.Values)
	a, err := c.Aggregate(ctx, client.Aggregation{
		Filter: url.Values{"eventType": {"payment.*"}, "attr.amount>1": {""}, "from": {"now-1h"}}, GroupBy: []string{"payload.currency"}, Metrics: []client.Metric{{Op: "count"}, {Op: "sum", Field: "payload.amount"}},
		Top: &client.Top{K: 1, By: 1, Other: true}, Compare: "previous",
	})
	require.NoError(t, err)
	require.Equal(t, "USD", *a.Series[0].Group["payload.currency"])
	require.InDelta(t, 450, *a.Series[0].Totals[1], 0)
	require.True(t, a.Series[1].Other)
	require.Nil(t, a.Meta.Bucket)
	require.Len(t, a.Series[0].PreviousTotals, 2)
	around, err := c.Around(ctx, "pay-1", nil)
	require.NoError(t, err)
	require.Len(t, around.Correlation.Timeline, 2)
	require.Equal(t, "pay-2", around.Correlation.Timeline[1].Event.EventID)
	require.Len(t, around.Actor.After, 1)
	diff, err := c.Diff(ctx, "pay-1", "pay-2", nil)
	require.NoError(t, err)
	require.Equal(t, []string{"/a.b", "/amount", "/currency"}, []string{diff.Patch[0].Path, diff.Patch[1].Path, diff.Patch[2].Path})

	p, err := c.CreatePreset(ctx, client.NewPreset{Name: "Failures", Filter: url.Values{"severity": {"ERROR+"}}})
	require.NoError(t, err)
	changed, err := c.ChangePreset(ctx, p.ID, p.Version, client.NewPreset{Name: "Failures", Filter: json.RawMessage(`{"severity":"WARN+"}`), Shared: true})
	require.NoError(t, err)
	require.True(t, changed.Shared)
	require.Equal(t, http.StatusPreconditionFailed, status(c.ChangePreset(ctx, p.ID, p.Version, client.NewPreset{Name: "Mine", Filter: url.Values{}})), "somebody has changed it meanwhile")
	again, err := c.Preset(ctx, p.ID)
	require.NoError(t, err)
	require.Equal(t, changed, again)
	narrowed, err := c.Search(ctx, url.Values{"preset": {p.ID}})
	require.NoError(t, err)
	require.Len(t, narrowed.Events, 1)
	require.NoError(t, c.DeletePreset(ctx, p.ID, changed.Version))
	require.Equal(t, http.StatusNotFound, status(c.Preset(ctx, p.ID)))
	presets, err := c.Presets(ctx)
	require.NoError(t, err)
	require.Len(t, presets, 3, "those that every tenant has")

	logs, err := c.Audit(ctx, url.Values{"event_type": {"user_login"}})
	require.NoError(t, err)
	require.EqualValues(t, 1, logs.Pagination.Total)
	require.Equal(t, "jane@example.com", *logs.AuditLogs[0].UserEmail)
	types, err := c.AuditEventTypes(ctx, nil)
	require.NoError(t, err)
	require.Contains(t, types, client.AuditEventType{EventType: "user_login", Count: 1})
	entry, err := c.AuditEvent(ctx, "login-1", nil)
	require.NoError(t, err)
	require.JSONEq(t, `{"idp":"github"}`, string(entry.EventData))
	user, err := c.UserAudit(ctx, "jane", url.Values{"limit": {"1"}})
	require.NoError(t, err)
	require.Equal(t, "jane@example.com", *user.User.Email)

	_, err = c.Facets(ctx, url.Values{"field": {"nosuch"}})
	var problem *client.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, http.StatusBadRequest, problem.Status)
	require.Equal(t, "field", problem.Errors[0].Field)
	_, err = c.Around(ctx, "a/b?c", nil)
	require.ErrorContains(t, err, "there is no event with this id", "an id is one part of a path")
	_, err = c.Around(ctx, "", nil)
	require.ErrorContains(t, err, "must not be empty")
}

func checkCommands(t *testing.T) {
	t.Helper()
	succeed := func(args ...string) string {
		t.Helper()
		got := runWith(t, "", args...)
		require.Equal(t, exitOK, got.code, "%v: %s", args, got.stderr)
		return got.stdout
	}
	rows := func(args ...string) [][]string {
		t.Helper()
		read, err := csv.NewReader(strings.NewReader(succeed(append(args, "--output", "csv")...))).ReadAll()
		require.NoError(t, err)
		return read
	}
	histogram := succeed("histogram", "--from", "now-2h", "--interval", "1h", "--severity", "ERROR+")
	require.Regexp(t, `^START +INFO  WARN  ERROR  CRITICAL  TOTAL\n`, histogram)
	require.Regexp(t, `(?m)^20\S+Z +0 +0 +1 +0 +1  █{40}$`, histogram)
	require.Equal(t, []string{"start", "EUR", "USD", "", "total"}, func() []string {
		first := rows("histogram", "--group-by", "payload.currency", "--from", "now-1h", "--event-type", "*")[0]
		return []string{first[0], "EUR", "USD", "", first[len(first)-1]}
	}())

	require.Equal(t, [][]string{
		{"field", "kind", "value", "events", "share"}, {"payload.currency", "value", "EUR", "1", "33.3%"}, {"payload.currency", "other", "", "1", "33.3%"}, {"payload.currency", "missing", "", "1", "33.3%"},
	}, rows("facets", "payload.currency", "--limit", "1", "--event-type", "payment.*", "--event-type", "user_login"))
	require.Equal(t, []string{`payload.a\.b.c`, "string", "'=1+1", "33.3%"}, rows("fields", "payload.A", "--event-type", "payment.*", "--event-type", "user_login")[3], "a spreadsheet runs nothing")
	require.Contains(t, succeed("fields", "payload.amount", "--event-type", "payment.*"), "payload.amount  number  450 | 50  100.0%")

	require.Equal(t, [][]string{{"source", "count", "max:payload.amount"}, {"billing", "1", "450"}, {"gateway", "1", "50"}},
		rows("aggregate", "--by", "source", "--metric", "count", "--metric", "max:payload.amount", "--event-type", "payment.*"))
	require.Regexp(t, `^source +max:payload.amount\nbilling +450\n`, succeed("aggregate", "--by", "source", "--metric", "max:payload.amount", "--event-type", "payment.*"), "names stay as they are")
	compared := rows("aggregate", "--bucket", "1h", "--from", "now-2h", "--compare", "--event-type", "user_login")
	require.Equal(t, []string{"start", "count", "previous count"}, compared[0])
	var answer client.Aggregate
	require.NoError(t, json.Unmarshal([]byte(succeed("aggregate", "--output", "json", "--event-type", "payment.*")), &answer))
	require.InDelta(t, 2, *answer.Totals[0], 0)

	around := rows("context", "pay-1")
	require.Equal(t, []string{">", "chain", "'+0.000s"}, around[1][:3])
	require.Equal(t, []string{"", "chain", "'+1.000s"}, around[2][:3])
	require.Equal(t, "actor", around[3][1])
	require.Contains(t, succeed("context", "login-1", "--output", "json"), `"correlation": null`)

	id := strings.TrimSpace(succeed("presets", "save", "Failed payments", "--event-type", "payment.failed", "--attr", "amount>100", "--shared"))
	require.Contains(t, succeed("presets", "list"), "Failed payments")
	require.Contains(t, succeed("presets", "show", id), `{"attr.amount>100":[""],"eventType":["payment.failed"]}`)
	require.Equal(t, 1, strings.Count(succeed("search", "--preset", id, "--output", "json"), "\n"))
	require.Equal(t, id, strings.TrimSpace(succeed("presets", "save", "All payments", "--id", id, "--event-type", "payment.*")))
	require.Contains(t, succeed("presets", "show", id, "--output", "json"), `"shared": true`, "it stays shared")
	require.Contains(t, succeed("facets", "source", "--preset", id), "gateway")
	require.Contains(t, succeed("presets", "delete", id), "is deleted")

	require.Equal(t, []string{"user_login", "jane", "jane@example.com"}, rows("audit", "list", "--user", "jane", "--event-type", "user_login")[1][1:4])
	require.Contains(t, succeed("audit", "types"), "user_login")
	require.Contains(t, succeed("audit", "show", "login-1", "--output", "json"), `"user_id": "jane"`)

	for _, test := range []struct {
		args string
		code int
		says string
	}{
		{"histogram --interval 7m", exitUsage, "interval"},
		{"histogram --output xml", exitUsage, "--output"},
		{"facets nosuch", exitUsage, "field"},
		{"facets --limit 0", exitUsage, "limit"},
		{"fields --limit 5000", exitUsage, "limit"},
		{"aggregate --metric p42:payload.x", exitUsage, "metrics"},
		{"aggregate --compare", exitUsage, "compare"},
		{"context nosuch", exitFailed, "there is no event"},
		{"context", exitUsage, "accepts 1 arg"},
		{"context pay-1 --chain 1000", exitUsage, "chain"},
		{"presets show nosuch", exitFailed, "no preset"},
		{"presets save x --severity LOUD", exitUsage, "severity"},
		{"presets delete nosuch", exitFailed, "nosuch: "},
		{"audit list --from yesterday", exitUsage, "start_date"},
		{"audit", exitUsage, "say what to do"},
		// What the flag says reaches the server, from every command that has it.
		{"search --include everything", exitUsage, "include"},
		{"export --include everything", exitUsage, "include"},
		{"histogram --include everything", exitUsage, "include"},
		{"facets severity --include everything", exitUsage, "include"},
		{"aggregate --include everything", exitUsage, "include"},
		{"context pay-1 --include everything", exitUsage, "include"},
		{"audit list --include everything", exitUsage, "include"},
		{"audit types --include everything", exitUsage, "include"},
		{"audit show login-1 --include everything", exitUsage, "include"},
	} {
		got := runWith(t, "", strings.Fields(test.args)...)
		require.Equal(t, test.code, got.code, "%s: %s", test.args, got.stderr)
		require.Contains(t, got.stderr, test.says, test.args)
	}
}

func TestReport_Screen(t *testing.T) {
	h := &client.Histogram{Buckets: []client.HistogramBucket{
		{Start: time.Date(2026, 4, 17, 22, 0, 0, 0, time.UTC), Counts: map[string]uint64{"INFO": 98, "CRITICAL": 1, "ERROR": 1}},
		{Counts: map[string]uint64{"INFO": 1}},
		{},
	}}
	var out bytes.Buffer
	s := screen{out: &out, color: true, width: 90}
	r := histogramReport(h, "", "Europe/Prague", s)
	require.Equal(t, "2026-04-18T00:00:00+02:00", r.rows[0][0])
	require.NoError(t, r.table(s))
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	plain := func(line string) string {
		for _, color := range severityColors {
			line = strings.ReplaceAll(line, color, "")
		}
		return strings.ReplaceAll(line, colorOff, "")
	}
	require.LessOrEqual(t, len([]rune(plain(lines[1]))), s.width)
	require.Greater(t, strings.Count(lines[1], "█"), 20)
	require.Contains(t, lines[1], severityColors[4]+"█", "the one critical event of a hundred is seen")
	require.Equal(t, 1, strings.Count(lines[2], "█"), "so is one event beside a hundred")
	require.NotContains(t, lines[3], "█")

	out.Reset()
	r = report{titles: []string{"a", "n"}, numbers: 1, rows: [][]string{{"\x1b[2Jgone", "1"}, {strings.Repeat("x", 100), "100"}}}
	require.NoError(t, r.table(screen{out: &out, width: 30}))
	for line := range strings.Lines(out.String()) {
		require.LessOrEqual(t, len([]rune(strings.TrimSuffix(line, "\n"))), 30)
		require.NotContains(t, line, "\x1b")
	}
}
