package field

import (
	"fmt"
	"math/rand/v2"
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
	"daybook/query/filter"
	"daybook/query/querytest"
)

var payloads = []string{
	`{}`, `{"s": "a"}`, `{"s": "b", "n": 450}`, `{"s": "", "n": 450.00}`, `{"s": null, "n": "450"}`, `{"s": ["a", "b", "a"], "n": 4.5e2}`, `{"s": [], "n": -3}`,
	`{"s": {"x": "a"}, "n": 0.1}`, `{"s": [["a"], {"x": 1}, null, "c"], "n": -0.0}`, `{"s": true, "n": 0}`, `{"s": "true", "n": 1e300}`, `{"s": false}`,
	`{"s": "a*b \"q\" \\", "n": [1, 1.0, 2]}`, `{"n": 9007199254740992}`, `{"a.b": {"s": "dot", "x y": {"ž\"": "\u017d"}}}`, `{"s": "Ž\u017d", "n": 1e400}`,
	`{"items": [{"price": 1}, {"price": 2}]}`, `{"": {"a": 1}, "only": null}`, `{"dup": 1, "dup": "x", "deep": {"a": {"b": {"c": 1}}}}`, `{"text": "\ud800"}`,
}

func randomEvents(dice *rand.Rand, n int) []event.Event {
	pick := func(from ...string) string { return from[dice.IntN(len(from))] }
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{
			TenantID: pick(string(acme), string(acme), string(acme), "other"), EventID: strconv.Itoa(i), EventType: pick("a", "b", "c:d"), Category: pick("auth", "billing"),
			Source: pick("x", "y"), Severity: event.Severities[dice.IntN(4)], ActorType: pick("", "USER"), ActorID: pick("u1", "u2", "U3", "u*", "", `"`, "ž"), TargetID: fmt.Sprint("t", dice.IntN(40)),
			CreatedAt: now.Add(-time.Duration(dice.IntN(60*24*3600*10)) * 100 * time.Millisecond), Payload: []byte(payloads[dice.IntN(len(payloads))]),
		}
	}
	return events
}

// matching returns the events that a request's filter finds.
func matching(t *testing.T, events []event.Event, narrow url.Values) []event.Event {
	t.Helper()
	f, err := filter.Parse(narrow, now)
	require.NoError(t, err)
	return slices.DeleteFunc(slices.Clone(events), func(e event.Event) bool {
		return e.TenantID != string(acme) || e.CreatedAt.Before(scope.Oldest) || !f.Match(&e)
	})
}

// having returns how many of the events a filter finds.
func having(t *testing.T, events []event.Event, q string) int {
	t.Helper()
	f, err := filter.Parse(url.Values{"q": {q}}, now)
	require.NoError(t, err, q)
	n := 0
	for i := range events {
		if f.Match(&events[i]) {
			n++
		}
	}
	return n
}

func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

var narrowings = []string{
	"", "from=now-30d", "from=now-20d&to=now-3h", "from=now-3d&to=now-1d&severity=WARN%2B", "q=type:a", "actorId=u1", "q=a&from=now-10d", "to=now-5d&category=auth", "attr.n%3E0", "actorId=nosuch",
}

// Where the sample is whole, a field is said to have the events that a filter
// for it finds, each example is found, and no field of the events is missing.
func TestServeFields_Agree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	conn := querytest.Open(t)
	events := randomEvents(dice, 900)
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := newService(conn)
	for _, query := range narrowings {
		narrow, err := filter.Values(query)
		require.NoError(t, err)
		matched := matching(t, events, narrow)
		got, err := get(t, s, "fields", query)
		require.NoError(t, err, query)
		require.True(t, got.Sample.Whole, query)
		require.Equal(t, len(matched), got.Sample.Events, query)
		require.Equal(t, len(matched), *got.Sample.Of, query)
		for _, f := range got.Fields {
			n := having(t, matched, f.Name+":*")
			require.Equal(t, n, f.Events, "%s: %s", query, f.Name)
			if n > 0 && n < len(matched) {
				require.InDelta(t, float64(n)/float64(len(matched)), f.Share, 0.0001, "%s: %s", query, f.Name)
			}
			for _, text := range f.Examples {
				require.Positive(t, having(t, matched, f.Name+":"+quote(text)), "%s: %s:%s", query, f.Name, text)
			}
		}
		names := got.names()
		for _, f := range filter.Fields {
			require.Equal(t, having(t, matched, f.Name+":*") > 0, slices.Contains(names, f.Name), "%s: %s", query, f.Name)
		}
		for _, e := range matched {
			filter.EachValue(e.Payload, func(name, _ []byte) { require.Contains(t, names, string(name), query) })
		}
	}
}

func TestServeFields_Types(t *testing.T) {
	conn := querytest.Open(t)
	var events []event.Event
	for i, payload := range []string{
		`{"v": 1, "tags": ["x", 2, null], "items": [{"price": 5}]}`, `{"v": "one", "tags": []}`, `{"v": null, "tags": ["x"]}`, `{"v": true, "tags": "x"}`, `{"v": 2.5, "o": {"k": "é\t"}}`, `{"v": 2.5}`,
	} {
		events = append(events, event.Event{TenantID: "acme", EventID: strconv.Itoa(i), EventType: "a", CreatedAt: now.Add(-time.Hour), Payload: []byte(payload)})
	}
	events = append(events, event.Event{TenantID: "other", EventID: "x", EventType: "theirs", CreatedAt: now.Add(-time.Hour), Payload: []byte(`{"secret": 1}`)})
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := newService(conn)
	a, err := get(t, s, "fields", "")
	require.NoError(t, err)
	require.Equal(t, []string{"eventId", "eventType", "severity", "payload.v", "payload.tags", "payload.items", "payload.o", "payload.o.k"}, a.names(),
		"what is in an array has no name, and another tenant's fields are not there")
	v := a.field("payload.v")
	require.Equal(t, 5, v.Events)
	require.InDelta(t, 0.5, v.Types.of("number"), 0.001)
	require.InDelta(t, 0.1667, v.Types.of("null"), 0.001)
	require.InDelta(t, 0.1667, v.Types.of("boolean"), 0.001)
	require.Equal(t, "number", v.Types[0].Type)
	require.Equal(t, []string{"2.5", "1", "one", "true"}, v.Examples, "the most frequent first")
	tags := a.field("payload.tags")
	require.InDelta(t, 0.75, tags.Types.of("array"), 0.001)
	require.InDelta(t, 0.6667, tags.Elements.of("string"), 0.001)
	require.InDelta(t, 0.3333, tags.Elements.of("number"), 0.001)
	require.Equal(t, []string{"x", "2"}, tags.Examples)
	require.InDelta(t, 1, a.field("payload.items").Elements.of("object"), 0)
	require.Equal(t, []string{"é\t"}, a.field("payload.o.k").Examples)
	require.Equal(t, "type", a.field("eventType").Short)

	for query, want := range map[string][]string{
		"prefix=payload.O": {"payload.o", "payload.o.k"}, "search=TAG": {"payload.tags"}, "prefix=type": {"eventType"}, "prefix=se": {"severity"}, "prefix=nosuch": {},
		"limit=2": {"eventId", "eventType"}, "prefix=payload.&search=.o": {"payload.o", "payload.o.k"},
	} {
		a, err := get(t, s, "fields", query)
		require.NoError(t, err, query)
		require.Equal(t, want, a.names(), query)
		require.Equal(t, query == "limit=2", a.More, query)
	}
}

// A sample of many events is bounded, has something of every type, and tells
// how large a part of the events has a field.
func TestServeFields_Sampled(t *testing.T) {
	conn := querytest.Open(t)
	const n = 30_000
	events := make([]event.Event, n)
	for i := range events {
		events[i] = event.Event{
			TenantID: "acme", EventID: strconv.Itoa(i), EventType: "common", Severity: event.Info, CreatedAt: now.Add(-time.Duration(i) * 2 * time.Minute), Payload: []byte(`{"c": 1}`),
		}
		switch {
		case i%4 == 0:
			events[i].EventType, events[i].Payload = "fourth", []byte(`{"c": 1, "f": {"x": "y"}}`)
		case i == n-17: // In a window of no sample.
			events[i].EventType, events[i].Payload = "once", []byte(`{"rare": "once"}`)
		case i%500 == 1:
			events[i].Severity, events[i].Payload = event.Critical, []byte(`{"c": "crash"}`)
		}
	}
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := newService(conn)
	s.kept = retention.Days(100)
	a, err := get(t, s, "fields", "")
	require.NoError(t, err)
	require.False(t, a.Sample.Whole)
	require.Equal(t, n, *a.Sample.Of)
	require.Greater(t, a.Sample.Events, sampleEvents/2)
	require.LessOrEqual(t, a.Sample.Events, sampleEvents+rareTypes*rareEvents)
	require.InDelta(t, 0.25, a.field("payload.f.x").Share, 0.01)
	require.InDelta(t, 0.9999, a.field("payload.c").Share, 0.001)
	rare := a.field("payload.rare")
	require.Equal(t, 1, rare.Events, "each type has a part in the sample")
	require.InDelta(t, 0.0001, rare.Share, 0.0001)
	require.Equal(t, []string{"once"}, rare.Examples)

	a, err = get(t, s, "fields", "severity=CRITICAL")
	require.NoError(t, err)
	require.Equal(t, []string{"crash"}, a.field("payload.c").Examples)
	require.Equal(t, n/500, *a.Sample.Of)

	a, err = get(t, s, "fields", "q=y")
	require.NoError(t, err)
	require.False(t, a.Sample.Whole)
	require.Nil(t, a.Sample.Of)
	require.Equal(t, searched, a.Sample.Events, "the newest that match")
	require.InDelta(t, 1, a.field("payload.f.x").Share, 0)

	a, err = get(t, s, "fields", "from=now-2h")
	require.NoError(t, err)
	require.True(t, a.Sample.Whole)
}

// Payloads of any shape leave the answer bounded.
func TestServeFields_Extremes(t *testing.T) {
	conn := querytest.Open(t)
	var events []event.Event
	add := func(payload string) {
		events = append(events, event.Event{TenantID: "acme", EventID: strconv.Itoa(len(events)), EventType: "a", CreatedAt: now.Add(-time.Duration(len(events)) * time.Minute), Payload: []byte(payload)})
	}
	add(`{"` + strings.Repeat("k", 5000) + `": 1, "a.b\"c\u0001 *": "x"}`)
	for i := range 60 { // 12,000 keys, none twice.
		members := make([]string, 200)
		for j := range members {
			members[j] = fmt.Sprintf(`"key_%d": %d`, i*200+j, j)
		}
		add("{" + strings.Join(members, ",") + `, "all": 1}`)
	}
	for range 150 { // More bytes than a sample takes.
		add(`{"big": "` + strings.Repeat("x", 100_000) + `", "all": 2}`)
	}
	add(`{"toobig": "` + strings.Repeat("x", payloadBytes) + `", "all": 3}`)
	add(strings.Repeat(`{"d":`, 100) + "1" + strings.Repeat("}", 100))
	querytest.Insert(t, conn, querytest.Rows(events...))
	s := newService(conn)
	a, err := get(t, s, "fields", "limit=1000")
	require.NoError(t, err)
	require.Len(t, a.Fields, 1000)
	require.True(t, a.More)
	require.False(t, a.Sample.Whole, "not every payload was read")
	require.Equal(t, "payload.all", a.Fields[3].Name, "behind the fields of the event the most frequent comes first")
	require.Empty(t, a.field("payload.big").Examples)
	require.Equal(t, []string{"x"}, func() []string {
		a, err := get(t, s, "fields", "prefix="+url.QueryEscape(`payload.a\.b\"c`))
		require.NoError(t, err)
		require.Len(t, a.Fields, 1)
		require.Equal(t, len(a.Fields), having(t, events, a.Fields[0].Name+":*"))
		return a.Fields[0].Examples
	}())
	a, err = get(t, s, "fields", "search=key_119")
	require.NoError(t, err)
	require.NotEmpty(t, a.Fields, "a name that is asked for is found among any number")
	a, err = get(t, s, "fields", "q=x")
	require.NoError(t, err)
	require.Less(t, a.Sample.Events, 200, "the newest that match, up to a number of bytes")
	a, err = get(t, s, "values", "field=payload.big")
	require.NoError(t, err)
	require.Empty(t, a.Values)
}

func TestServe_Faults(t *testing.T) {
	s := newService(nil)
	for query, name := range map[string]string{
		"values?field=nosuch": "field", "values?": "field", "values?field=": "field", "values?field=payload.": "field", "values?field=createdAt": "field", "values?field=a&field=b": "field",
		"values?field=source&limit=0": "limit", "values?field=source&colour=red": "colour", "values?field=source&prefix=a&prefix=b": "prefix",
		"fields?limit=0": "limit", "fields?limit=x": "limit", "fields?limit=1000000000": "limit", "fields?limit=1&limit=2": "limit", "fields?q=(": "q", "fields?field=source": "field",
		"fields?prefix=%FF": "prefix", "fields?search=%FF": "search", "fields?search=" + strings.Repeat("x", maxTyped+1): "search", "fields?from=now&to=now-1d": "from", "fields?tz=Mars/Base": "tz",
	} {
		call, query, _ := strings.Cut(query, "?")
		_, err := get(t, s, call, query)
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem, query)
		require.Equal(t, apierror.KindInvalid, problem.Kind, query)
		require.Equal(t, name, problem.Fields[0].Field, query)
	}
	_, err := get(t, s, "fields", "q=(&limit=0&prefix=%FF")
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Len(t, problem.Fields, 3, "every fault is named")
}
