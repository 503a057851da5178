package field

import (
	"encoding/json"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/facet"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// Where all events were looked at, values are those of the facets, which are
// exact, as far as they have in them what was typed.
func TestServeValues_Agree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	conn := querytest.Open(t)
	events := randomEvents(dice, 900)
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := newService(conn)
	facets := facet.New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(50), func() time.Time { return now })
	sources := map[string]int{}
	pick := func(from []string) string { return from[dice.IntN(len(from))] }
	for range 80 {
		field := pick([]string{"eventType", "category", "severity", "source", "actorType", "actorId", "targetId", "payload.s", "payload.n", `payload.a\.b.s`, "payload.nosuch"})
		typed := typed{prefix: pick([]string{"", "", "a", "u", "t1", "4", "Ž", "true", "cr", `a*b "q`}), within: pick([]string{"", "", "", "1", "R", "ž", "*"})}
		narrow := pick(narrowings)
		own := url.Values{"field": {field}, "prefix": {typed.prefix}, "search": {typed.within}, "limit": {strconv.Itoa(1 + dice.IntN(9))}}
		got, err := get(t, s, "values", own.Encode()+"&"+narrow)
		require.NoError(t, err)
		require.True(t, got.Sample.Whole)
		require.Equal(t, field, got.Field)
		sources[got.Meta.Source]++

		r := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), acme), "GET", "/?limit=1000&field="+url.QueryEscape(field)+"&"+narrow, nil)
		w := httptest.NewRecorder()
		require.NoError(t, facets.ServeFacets(w, r))
		var exact struct{ Facets []answer }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &exact))
		typed.prefix, typed.within = strings.ToLower(typed.prefix), strings.ToLower(typed.within)
		shown := 0
		for _, v := range exact.Facets[0].Values {
			switch {
			case !typed.accepts(v.Value):
			case shown == len(got.Values):
				require.True(t, got.More, "%s: %s is missing", own, v.Value)
			default:
				require.Equal(t, v, got.Values[shown], "%s&%s", own, narrow)
				shown++
			}
		}
		require.Len(t, got.Values, shown)
	}
	require.Len(t, sources, 2, "requests of one source test half of it: %v", sources)
}

func TestServeValues_Steps(t *testing.T) {
	conn := querytest.Open(t)
	const n = 60_000
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{TenantID: "acme", EventID: strconv.Itoa(i), EventType: "a", ActorID: "actor_" + strconv.Itoa(i%3), CreatedAt: now.Add(-time.Duration(i) * time.Minute), Payload: []byte(`{"s": "new"}`)}
		if i >= n-10 {
			events[i].ActorID, events[i].Payload = "old_"+strconv.Itoa(i), []byte(`{"s": "older"}`)
		}
	}
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := newService(conn)
	s.kept = retention.Days(100)
	defer func(before []uint64) { columnSteps = before }(columnSteps)
	columnSteps = []uint64{20_000, 100_000}

	a, err := get(t, s, "values", "field=actorId&limit=2")
	require.NoError(t, err)
	require.Len(t, a.Values, 2)
	require.True(t, a.More)
	require.False(t, a.Sample.Whole)
	require.InDelta(t, 20_000, a.Sample.Events, 200, "the newest are enough")
	require.Equal(t, n, *a.Sample.Of)

	a, err = get(t, s, "values", "field=actorId&prefix=OLD_")
	require.NoError(t, err)
	require.Len(t, a.Values, 10, "few were found, so more is read")
	require.True(t, a.Sample.Whole)

	a, err = get(t, s, "values", "field=payload.s")
	require.NoError(t, err)
	require.Len(t, a.Values, 1)
	require.Equal(t, a.Values[0].Count, a.Sample.Events)
	require.False(t, a.Sample.Whole)

	a, err = get(t, s, "values", "field=payload.s&prefix=Older")
	require.NoError(t, err)
	require.Len(t, a.Values, 1, "by the text index")
	require.Equal(t, 10, a.Values[0].Count)

	a, err = get(t, s, "values", "field=eventType&prefix=zzz")
	require.NoError(t, err)
	require.Empty(t, a.Values)
	require.Equal(t, n, a.Sample.Events)
	require.Equal(t, "rollup", a.Meta.Source)
}

func TestNeedle(t *testing.T) {
	for in, want := range map[typed]string{
		{prefix: "cust"}: "cust", {prefix: "cus"}: "", {prefix: "c", within: "über"}: event.FoldText("über"), {prefix: "4500"}: "", {prefix: "1e300"}: "", {prefix: "-1.25"}: "", {prefix: "12a4"}: "12a4",
	} {
		require.Equal(t, want, needle(in), in)
	}
	require.Len(t, filter.KeyPrefix, 1)
}
