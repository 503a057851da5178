package aggregate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/openapi/openapitest"
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

const acme = tenant.ID("acme")

// answer is an answer as its reader sees it.
type answer struct {
	Series []struct {
		Group  map[string]*string `json:"group"`
		Other  bool               `json:"other"`
		Points []struct {
			Start  time.Time  `json:"start"`
			Values []*float64 `json:"values"`
		} `json:"points"`
		Totals   []*float64 `json:"totals"`
		Previous []struct {
			Start  time.Time  `json:"start"`
			Values []*float64 `json:"values"`
		} `json:"previous"`
		PreviousTotals []*float64 `json:"previousTotals"`
	} `json:"series"`
	Totals []*float64 `json:"totals"`
	Meta   struct {
		Bucket    *string  `json:"bucket"`
		Source    string   `json:"source"`
		Exact     bool     `json:"exact"`
		Partial   bool     `json:"partial"`
		RowsRead  *uint64  `json:"rowsRead"`
		ElapsedMs *float64 `json:"elapsedMs"`
		From, To  time.Time
		Previous  time.Time `json:"previousFrom"`
	} `json:"meta"`
}

func post(t testing.TB, s *Service, body string) (*answer, error) {
	t.Helper()
	request := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), acme), "POST", "/api/v1/events/aggregate", strings.NewReader(body))
	request.Header.Set("Authorization", "Bearer key")
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	if err := s.ServeAggregate(recorder, request); err != nil {
		return nil, err
	}
	openapitest.Check(t, request, []byte(body), recorder.Result(), recorder.Body.Bytes())
	var a answer
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &a), recorder.Body.String())
	return &a, nil
}

func randomEvents(r *rand.Rand, n int) []event.Event {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{
			TenantID: string(acme), EventID: fmt.Sprintf("evt_%d", i), EventType: pick("a", "b", "c:d", ""), Category: pick("auth", "billing"),
			Source: pick("x", "y"), Severity: event.Severities[r.IntN(4)], ActorID: pick("u1", "u2", "u3", ""),
			CreatedAt: now.Add(-time.Duration(r.IntN(60*24*3600*10)) * 100 * time.Millisecond),
			Payload: []byte(pick(`{}`, `{"n": 1, "c": "USD"}`, `{"n": 2.5, "c": "EUR"}`, `{"n": "7", "c": ""}`, `{"n": [1], "c": null}`, `{"n": -3, "c": 5}`,
				`{"c": {"a": 1}}`, `{"n": 0.1, "c": "=", "big": 123456789012345678901234567890}`)),
		}
		if r.IntN(4) == 0 { // Near the ends of ranges, where rollups end and events begin.
			end := []time.Time{now, now.Add(-24 * time.Hour), time.Date(2026, 4, 17, 11, 11, 11, 0, time.UTC), time.Date(2026, 3, 20, 12, 34, 56, 0, time.UTC)}[r.IntN(4)]
			events[i].CreatedAt = end.Add(time.Duration(r.IntN(40*60*1000)-20*60*1000) * time.Millisecond)
		}
		if r.IntN(10) == 0 {
			events[i].TenantID = "other"
		}
	}
	return events
}

// TestAgree compares answers to random requests with what a plain evaluation
// of the events gives.
func TestAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	conn := querytest.Open(t)
	events := randomEvents(r, 1500)
	querytest.Insert(t, conn, querytest.Rows(events...))
	service := New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(50), func() time.Time { return now })
	scope := filter.Scope{Tenant: acme, Oldest: now.Add(-50 * 24 * time.Hour)}

	sources := map[string]int{}
	for range 300 {
		body := randomRequest(r)
		got, err := post(t, service, body)
		require.NoError(t, err, body)
		request, err := parseRequest(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)), now)
		require.NoError(t, err)
		sources[got.Meta.Source]++
		require.True(t, got.Meta.Exact)

		var usage statement.Usage
		c, err := prepare(t.Context(), service.reader, &usage, scope, request, now)
		require.NoError(t, err)
		if last := lastQuarter(events); request.filter.To.IsZero() && last.After(now) {
			c, _, err = c.extend(last)
			require.NoError(t, err)
		}
		compare(t, c, events, got, body)
	}
	require.Greater(t, sources["rollup"], 20, "%v", sources)
	require.Greater(t, sources["raw"], 20, "%v", sources)
}

// lastQuarter returns the end of the quarter of an hour with the tenant's last event.
func lastQuarter(events []event.Event) (end time.Time) {
	for _, e := range events {
		if of := e.CreatedAt.Truncate(rollup15m).Add(rollup15m); e.TenantID == string(acme) && of.After(end) {
			end = of
		}
	}
	return end
}

func randomRequest(r *rand.Rand) string {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	some := func(from ...string) string {
		var out []string
		for _, one := range from {
			if r.IntN(len(from)) == 0 {
				out = append(out, one)
			}
		}
		return strings.Join(out[:min(len(out), maxDimensions)], ",")
	}
	members := []string{
		`"bucket":` + pick(`null`, `"auto"`, `"1h"`, `"6h"`, `"1d"`, `"1d"`, `"1w"`, `"1mo"`),
		`"timezone":"` + pick("UTC", "Europe/Prague", "Asia/Kathmandu", "Australia/Lord_Howe") + `"`,
		`"fill":"` + pick("zero", "null", "none") + `"`,
		`"filter":{` + pick(``, ``, `"eventType":"a"`, `"severity":"WARN+","category":"auth"`, `"q":"usd"`, `"q":"-type:b source:x"`, `"attr.n":">0"`) + `}`,
	}
	if from := pick("", "now-30d/d", "now-10d", "2026-03-20T12:34:56.789Z", "now-90d"); from != "" {
		members = append(members, `"from":"`+from+`"`)
		if r.IntN(2) == 0 {
			members = append(members, `"compare":"previous"`)
		}
	}
	if to := pick("", "now", "now/d", "2026-04-17T11:11:11.111Z"); to != "" {
		members = append(members, `"to":"`+to+`"`)
	}
	groupBy := some(`"eventType"`, `"severity"`, `"category"`, `"actorId"`, `"payload.c"`)
	if r.IntN(2) == 0 {
		groupBy = some(`"eventType"`, `"severity"`, `"category"`, `"source"`)
	}
	metrics := pick(`{"op":"count"}`, `{"op":"rate"},{"op":"count"}`)
	if r.IntN(2) == 0 {
		metrics = some(`{"op":"count"}`, `{"op":"rate"}`, `{"op":"uniq","field":"actorId"}`, `{"op":"uniq","field":"payload.c"}`, `{"op":"sum","field":"payload.n"}`,
			`{"op":"avg","field":"payload.n"}`, `{"op":"min","field":"payload.n"}`, `{"op":"max","field":"payload.n"}`, `{"op":"p50","field":"payload.n"}`, `{"op":"p95","field":"payload.n"}`)
	}
	members = append(members, `"groupBy":[`+groupBy+`]`, `"metrics":[`+metrics+`]`)
	if groupBy != "" && r.IntN(2) == 0 {
		members = append(members, fmt.Sprintf(`"top":{"k":%d,"by":%d,"other":%t}`, 1+r.IntN(4), r.IntN(max(1, strings.Count(metrics, "op"))), r.IntN(2) == 0))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// compare evaluates a computation plainly and holds the answer against it.
func compare(t *testing.T, c *computation, events []event.Event, got *answer, body string) {
	t.Helper()
	within := matching(c, events)
	groups := map[string][]event.Event{}
	for _, e := range within {
		groups[groupKey(keysOf(c, e))] = append(groups[groupKey(keysOf(c, e))], e)
	}
	keep := func(string) bool { return true }
	ranked := rank(c, groups)
	if c.top > 0 {
		ranked = ranked[:min(c.top, len(ranked))]
		keep = func(key string) bool { return slices.Contains(ranked, key) }
	}
	wants := map[string][]event.Event{}
	for key, members := range groups {
		switch {
		case keep(key):
			wants[label(c, members[0])] = members
		case c.other:
			wants["other"] = append(wants["other"], members...)
		}
	}
	if len(c.groupBy) == 0 && len(wants) == 0 {
		wants["{}"] = nil
	}
	var before *computation
	var earlier []event.Event
	if c.compare {
		var err error
		before, err = c.previous()
		require.NoError(t, err)
		earlier = matching(before, events)
	}
	seen := map[string]bool{}
	for i, s := range got.Series {
		name := "other"
		if !s.Other {
			raw, err := json.Marshal(s.Group)
			require.NoError(t, err)
			name = string(raw)
		}
		require.False(t, seen[name], "%s\n%s twice", body, name)
		seen[name] = true
		members, known := wants[name]
		if !known {
			require.True(t, c.compare, "%s\n%s is not there", body, name)
		}
		if i < len(ranked) {
			require.Equal(t, label(c, groups[ranked[i]][0]), name, "%s\nrank %d", body, i)
		}
		requireTotals(t, c, members, s.Totals, body+" "+name)
		points := map[time.Time][]*float64{}
		for _, p := range s.Points {
			points[p.Start] = p.Values
		}
		requirePoints(t, c, members, points, body+" "+name)
		if before != nil {
			own := slices.DeleteFunc(slices.Clone(earlier), func(e event.Event) bool {
				if name == "other" {
					return keep(groupKey(keysOf(c, e)))
				}
				return label(c, e) != name
			})
			requireTotals(t, before, own, s.PreviousTotals, body+" previous "+name)
			points := map[time.Time][]*float64{}
			for _, p := range s.Previous {
				points[p.Start] = p.Values
			}
			requirePoints(t, before, own, points, body+" previous "+name)
		}
	}
	for name := range wants {
		require.True(t, seen[name], "%s\n%s is missing", body, name)
	}
	requireTotals(t, c, within, got.Totals, body+" totals")
}

// rank returns the keys of groups in the order that package aggregate promises.
func rank(c *computation, groups map[string][]event.Event) []string {
	return slices.SortedFunc(maps.Keys(groups), func(a, b string) int {
		x, y := plain(c.metrics[c.by], groups[a], 1), plain(c.metrics[c.by], groups[b], 1)
		switch {
		case x == nil && y == nil:
		case x == nil:
			return 1
		case y == nil:
			return -1
		case *x != *y:
			return cmp.Compare(*y, *x)
		}
		return slices.Compare(keysOf(c, groups[a][0]), keysOf(c, groups[b][0]))
	})
}

func matching(c *computation, events []event.Event) []event.Event {
	return slices.DeleteFunc(slices.Clone(events), func(e event.Event) bool {
		return e.TenantID != string(acme) || e.CreatedAt.Before(c.scope.Oldest) || !c.filter.Match(&e)
	})
}

// payloadText is what the payload has at c, as a text, and whether it has it.
func payloadText(e event.Event) (string, bool) {
	var payload map[string]json.RawMessage
	if strings.Contains(string(e.Payload), "big") || json.Unmarshal(e.Payload, &payload) != nil || payload["c"] == nil || string(payload["c"]) == "null" {
		return "", false
	}
	var text string
	if json.Unmarshal(payload["c"], &text) == nil {
		return text, true
	}
	return strings.ReplaceAll(string(payload["c"]), " ", ""), true
}

func keysOf(c *computation, e event.Event) []string {
	var keys []string
	for _, d := range c.groupBy {
		switch {
		case d.name == "severity":
			keys = append(keys, e.Severity.String())
		case d.path != nil:
			if text, ok := payloadText(e); ok {
				keys = append(keys, "="+text)
			} else {
				keys = append(keys, "")
			}
		default:
			f, _ := filter.FieldByName(d.name)
			keys = append(keys, f.Get(&e))
		}
	}
	return keys
}

func label(c *computation, e event.Event) string {
	group := map[string]*string{}
	for i, d := range c.groupBy {
		if value, ok := d.value(keysOf(c, e)[i]); ok {
			group[d.name] = &value
		} else {
			group[d.name] = nil
		}
	}
	raw, _ := json.Marshal(group)
	return string(raw)
}

func requirePoints(t *testing.T, c *computation, members []event.Event, points map[time.Time][]*float64, what string) {
	t.Helper()
	for i := range c.grid.count() {
		own := slices.DeleteFunc(slices.Clone(members), func(e event.Event) bool {
			return e.CreatedAt.Before(c.grid.edges[i]) || !e.CreatedAt.Before(c.grid.edges[i+1])
		})
		values, ok := points[c.grid.edges[i]]
		switch {
		case len(own) > 0:
			require.True(t, ok, "%s: no point %v", what, c.grid.edges[i])
			for j, m := range c.metrics {
				same(t, plain(m, own, c.grid.seconds(i)), values[j], "%s: %s at %v", what, m.op, c.grid.edges[i])
			}
		case c.fill == fillNone:
			require.False(t, ok, "%s: a point %v", what, c.grid.edges[i])
		default:
			require.True(t, ok, what)
			for j, m := range c.metrics {
				if c.fill == fillNull {
					require.Nil(t, values[j], what)
				} else {
					same(t, m.ofNothing(), values[j], "%s: %s at %v", what, m.op, c.grid.edges[i])
				}
			}
		}
	}
}

func requireTotals(t *testing.T, c *computation, members []event.Event, totals []*float64, what string) {
	t.Helper()
	require.Len(t, totals, len(c.metrics), what)
	for i, m := range c.metrics {
		wants := plain(m, members, c.grid.to.Sub(c.grid.from).Seconds())
		if len(members) == 0 {
			wants = m.ofNothing()
		}
		same(t, wants, totals[i], "%s: total %s", what, m.op)
	}
}

func same(t *testing.T, wants, got *float64, what string, args ...any) {
	t.Helper()
	switch {
	case wants == nil || got == nil:
		require.Equal(t, wants, got, fmt.Sprintf(what, args...))
	case math.Abs(*wants-*got) > 1e-9*max(1, math.Abs(*wants)):
		require.Equal(t, *wants, *got, fmt.Sprintf(what, args...))
	}
}
