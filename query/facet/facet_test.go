package facet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// answer is what the call answers, as its reader sees it.
type answer struct {
	Facets []struct {
		Field  string `json:"field"`
		Values []struct {
			Value string `json:"value"`
			Count int    `json:"count"`
		} `json:"values"`
		Other    int `json:"other"`
		Missing  int `json:"missing"`
		Distinct int `json:"distinct"`
	} `json:"facets"`
	Meta struct {
		Source    string   `json:"source"`
		RowsRead  *uint64  `json:"rowsRead"`
		ElapsedMs *float64 `json:"elapsedMs"`
		Partial   *bool    `json:"partial"`
	} `json:"meta"`
}

func get(t testing.TB, s *Service, query string) (*answer, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), acme), "GET", "/api/v1/events/facets?"+query, nil)
	w := httptest.NewRecorder()
	if err := s.ServeFacets(w, r); err != nil {
		return nil, err
	}
	var a answer
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a), w.Body.String())
	return &a, nil
}

var payloads = []string{
	`{}`, `{"s": "a"}`, `{"s": "b", "n": 450}`, `{"s": "", "n": 450.00}`, `{"s": null, "n": "450"}`, `{"s": ["a", "b", "a"], "n": 4.5e2}`, `{"s": [], "n": -3}`,
	`{"s": {"x": "a"}, "n": 0.1}`, `{"s": [["a"], {"x": 1}, null, "c"], "n": -0.0}`, `{"s": true, "n": 0}`, `{"s": "true", "n": 1e300}`, `{"s": false}`,
	`{"s": "a*b \"q\" \\", "n": [1, 1.0, 2]}`, `{"s": "=~", "n": 9007199254740992}`, `{"s": "~"}`, `{"a.b": {"s": "dot"}}`, `{"s": "Ž\u017d", "n": 1e400}`,
	`{"s": "` + strings.Repeat("x", filter.MaxValueBytes) + `"}`, `{"s": "` + strings.Repeat("y", filter.MaxValueBytes+1) + `"}`,
}

func randomEvents(r *rand.Rand, n int) []event.Event {
	pick := func(from ...string) string { return from[r.IntN(len(from))] }
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{
			TenantID: pick(string(acme), string(acme), string(acme), "other"), EventID: strconv.Itoa(i), EventType: pick("a", "b", "c:d", ""), Category: pick("auth", "billing"),
			Source: pick("x", "y"), Severity: event.Severities[r.IntN(4)], ActorType: pick("", "USER"), ActorID: pick("u1", "u2", "u3", "u*", "", `"`, "ž"), TargetID: fmt.Sprint("t", r.IntN(40)),
			CreatedAt: now.Add(-time.Duration(r.IntN(60*24*3600*10)) * 100 * time.Millisecond), Payload: []byte(payloads[r.IntN(len(payloads))]),
		}
	}
	return events
}

// TestAgree compares the facets of random requests with what filters for the
// shown values find, one event after the other.
func TestAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	conn := querytest.Open(t)
	events := randomEvents(dice, 1500)
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := newService(conn)
	fields := []string{"eventType", "category", "severity", "source", "actorType", "actorId", "targetId", "payload.s", "payload.n", `payload.a\.b.s`, "payload.nosuch"}
	sources := map[string]int{}
	for range 60 {
		pick := func(from ...string) string { return from[dice.IntN(len(from))] }
		dice.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		own := url.Values{"field": fields[:1+dice.IntN(5)], "limit": {strconv.Itoa(1 + dice.IntN(9))}}
		narrow, err := filter.Values(pick("", "from=now-30d", "from=now-20d&to=now-3h", "from=now-3d&to=now-1d&severity=WARN%2B", "q=type:a", "actorId=u1", "q=a&from=now-10d", "to=now-5d&category=auth"))
		require.NoError(t, err)
		query := own.Encode() + "&" + narrow.Encode()
		got, err := get(t, s, query)
		require.NoError(t, err, query)
		sources[got.Meta.Source]++
		require.Len(t, got.Facets, len(own["field"]))
		for i, f := range got.Facets {
			require.Equal(t, own["field"][i], f.Field)
			counts, missing := plain(t, events, narrow, f.Field)
			order := make([]string, 0, len(counts))
			for v := range counts {
				order = append(order, v)
			}
			slices.SortFunc(order, func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b)) })
			var limit, shown, other int
			_, err = fmt.Sscan(own.Get("limit"), &limit)
			require.NoError(t, err)
			for _, v := range order {
				if len(v) > filter.MaxValueBytes || shown == limit {
					other += counts[v]
					continue
				}
				require.Greater(t, len(f.Values), shown, "%s: %s", query, f.Field)
				require.Equal(t, v, f.Values[shown].Value, "%s: %s", query, f.Field)
				require.Equal(t, counts[v], f.Values[shown].Count, "%s: %s=%s", query, f.Field, v)
				shown++
			}
			require.Len(t, f.Values, shown)
			require.Equal(t, other, f.Other, "%s: %s", query, f.Field)
			require.Equal(t, missing, f.Missing, "%s: %s", query, f.Field)
			require.Equal(t, len(counts), f.Distinct, "%s: %s", query, f.Field)
		}
	}
	require.Len(t, sources, 2, "requests of one source test half of it: %v", sources)
}

// plain returns how many events a filter for each of the field's values finds
// among those of the request, and how many have none.
func plain(t *testing.T, events []event.Event, narrow url.Values, name string) (counts map[string]int, missing int) {
	t.Helper()
	counts = map[string]int{}
	candidates := []string{"a", "b", "", "450", "-3", "0.1", "c", "0", "true", "false", "1e300", `a*b "q" \`, "1", "2", "=~", "9007199254740992", "~", "dot", "ŽŽ",
		strings.Repeat("x", filter.MaxValueBytes), "c:d", "auth", "billing", "x", "y", "INFO", "WARN", "ERROR", "CRITICAL", "USER", "u1", "u2", "u3", "u*", `"`, "ž"}
	for i := range 40 {
		candidates = append(candidates, fmt.Sprint("t", i))
	}
	f, err := filter.Parse(narrow, now)
	require.NoError(t, err)
	isPath := strings.HasPrefix(name, filter.PayloadPrefix)
	var filters []*filter.Filter
	var values []string
	for _, v := range candidates {
		if v == "" && !isPath {
			continue
		}
		quoted := `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
		one, err := filter.Parse(url.Values{"q": {name + ":" + quoted}}, now)
		if err != nil {
			continue // a is no severity.
		}
		filters, values = append(filters, one), append(values, v)
	}
	for _, e := range events {
		if e.TenantID != string(acme) || e.CreatedAt.Before(scope.Oldest) || !f.Match(&e) {
			continue
		}
		found := false
		for i, one := range filters {
			if one.Match(&e) {
				counts[values[i]]++
				found = true
			}
		}
		if long := strings.Repeat("y", filter.MaxValueBytes+1); name == "payload.s" && strings.Contains(string(e.Payload), long) {
			counts[long]++
			found = true
		}
		if !found {
			missing++
		}
	}
	return counts, missing
}

func TestServeFacets_Defaults(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(
		event.Event{TenantID: "acme", EventID: "1", EventType: "a", CreatedAt: now.Add(-time.Hour)},
		event.Event{TenantID: "acme", EventID: "2", EventType: "a", ActorType: "USER", CreatedAt: now.Add(-48 * time.Hour)},
		event.Event{TenantID: "other", EventID: "3", EventType: "theirs", CreatedAt: now.Add(-time.Hour)},
	))
	a, err := get(t, newService(conn), "")
	require.NoError(t, err)
	require.Len(t, a.Facets, len(defaultFields))
	require.Equal(t, "eventType", a.Facets[0].Field)
	require.Len(t, a.Facets[0].Values, 1)
	require.Equal(t, 2, a.Facets[0].Values[0].Count)
	require.NotNil(t, a.Meta.RowsRead)
	a, err = get(t, newService(conn), "field=eventType&field=severity")
	require.NoError(t, err)
	require.Equal(t, "rollup", a.Meta.Source)
	a, err = get(t, newService(conn), "field=eventType&from=now-1m")
	require.NoError(t, err)
	require.Empty(t, a.Facets[0].Values)
	require.NotNil(t, a.Facets[0].Values, "[] and not null")
}

// Texts that are too long for a filter need no memory each.
func TestServeFacets_LongTexts(t *testing.T) {
	conn := querytest.Open(t)
	const n, size = 3000, 100_000
	require.NoError(t, conn.Exec(t.Context(), fmt.Sprintf(`INSERT INTO events (tenant_id, created_at, event_id, severity, payload)
		SELECT 'acme', toDateTime64(%d, 6), toString(number), 'INFO', concat('{"s": "', toString(number), repeat('x', %d), '", "t": "a"}') FROM numbers(%d)`,
		now.Add(-time.Hour).Unix(), size, n)))
	config := statement.DefaultConfig()
	config.MaxMemory = n * size / 2  // Not enough for all of them.
	config.MaxDuration = time.Minute // On machines that do other work.
	s := New(statement.NewReader(conn, config), retention.Days(50), func() time.Time { return now })
	a, err := get(t, s, "field=payload.s&field=payload.t")
	require.NoError(t, err)
	require.Empty(t, a.Facets[0].Values)
	require.Equal(t, n, a.Facets[0].Other)
	require.Equal(t, 1, a.Facets[0].Distinct)
	require.Equal(t, n, a.Facets[1].Values[0].Count)
}

func TestServeFacets_Faults(t *testing.T) {
	s := newService(nil)
	tooMany := url.Values{}
	for i := range maxPaths + 1 {
		tooMany.Add("field", fmt.Sprintf("payload.x%d", i))
	}
	for query, name := range map[string]string{
		"field=nosuch": "field", "field=payload.": "field", "field=createdAt": "field", "field=source&field=source": "field", tooMany.Encode(): "field",
		"limit=0": "limit", "limit=x": "limit", "limit=1000000000": "limit", "limit=1&limit=2": "limit", "q=(": "q", "colour=red": "colour",
	} {
		_, err := get(t, s, query)
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem, query)
		require.Equal(t, name, problem.Fields[0].Field, query)
	}
}
