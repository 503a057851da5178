package aggregate

import (
	"fmt"
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
	"daybook/query/statement"
)

func newService(t testing.TB, events ...event.Event) *Service {
	t.Helper()
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(events...))
	return New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(365), func() time.Time { return now })
}

func TestPrevious_WholeDaysAreComparedWithWholeDays(t *testing.T) {
	for name, test := range map[string]struct{ zone, from, to, before string }{
		"days over a change":   {"Europe/Prague", "2026-03-28T23:00:00Z", "2026-03-30T22:00:00Z", "2026-03-26T23:00:00Z"},
		"days after a change":  {"Europe/Prague", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z", "2026-03-28T23:00:00Z"},
		"hours over a change":  {"Europe/Prague", "2026-03-29T00:30:00Z", "2026-03-29T04:30:00Z", "2026-03-28T20:30:00Z"},
		"the same days in UTC": {"UTC", "2026-03-29T00:00:00Z", "2026-03-31T00:00:00Z", "2026-03-27T00:00:00Z"},
	} {
		r := &request{zone: zone(t, test.zone), single: true, filter: &filter.Filter{}}
		c := &computation{request: r}
		from, to := at(t, test.from), at(t, test.to)
		require.NoError(t, c.setRange(filter.Moment{Time: from}, filter.Moment{Time: to}, from, to))
		p, err := c.previous()
		require.NoError(t, err)
		require.Equal(t, at(t, test.before), p.grid.from, name)
		require.Equal(t, at(t, test.before), p.filter.From.Time, name)
		require.Equal(t, from, p.filter.To.Time, name)
	}
}

func TestServeAggregate_Faults(t *testing.T) {
	s := newService(t)
	for body, field := range map[string]string{
		``:                                "",
		`[]`:                              "",
		`{} {}`:                           "",
		`{"nosuch":1}`:                    "",
		`{"groupBy":"x"}`:                 "groupBy",
		`{"bucket":5}`:                    "bucket",
		`{"bucket":"7m"}`:                 "bucket",
		`{"bucket":"1s"}`:                 "bucket",
		`{"timezone":"Nowhere"}`:          "timezone",
		`{"from":"yesterday"}`:            "from",
		`{"from":"now","to":"now-1h"}`:    "from",
		`{"filter":{"q":"("}}`:            "filter.q",
		`{"filter":{"nosuch":"x"}}`:       "filter.nosuch",
		`{"groupBy":["nosuch"]}`:          "groupBy",
		`{"groupBy":["payload."]}`:        "groupBy",
		`{"groupBy":["source","source"]}`: "groupBy",
		`{"groupBy":["eventType","severity","source","category","actorId"]}`:        "groupBy",
		`{"metrics":[{"op":"median"}]}`:                                             "metrics[0]",
		`{"metrics":[{"op":"sum"}]}`:                                                "metrics[0]",
		`{"metrics":[{"op":"sum","field":"actorId"}]}`:                              "metrics[0]",
		`{"metrics":[{"op":"count","field":"actorId"}]}`:                            "metrics[0]",
		`{"metrics":[{"op":"uniq","field":"nosuch"}]}`:                              "metrics[0]",
		`{"metrics":[{"op":"count"},{"op":"p95"}]}`:                                 "metrics[1]",
		`{"metrics":[` + strings.Repeat(`{"op":"count"},`, 10) + `{"op":"count"}]}`: "metrics",
		`{"top":{"k":5}}`:                             "top",
		`{"groupBy":["source"],"top":{"k":0}}`:        "top",
		`{"groupBy":["source"],"top":{"k":5000}}`:     "top",
		`{"groupBy":["source"],"top":{"k":5,"by":1}}`: "top",
		`{"fill":"linear"}`:                           "fill",
		`{"compare":"next","from":"now-1d"}`:          "compare",
		`{"compare":"previous"}`:                      "compare",
	} {
		_, err := post(t, s, strings.ReplaceAll(body, `{"bucket":"1s"}`, `{"bucket":"1s","from":"now-30d"}`))
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem, body)
		require.Equal(t, apierror.KindInvalid, problem.Kind, body)
		if field != "" {
			require.Equal(t, field, problem.Fields[0].Field, body)
		}
	}
}

func TestServeAggregate_TooManyGroups(t *testing.T) {
	conn := querytest.Open(t)
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, actor_id, payload, kafka_topic)
		SELECT 'acme', toDateTime64('2026-04-17 12:00:00', 6, 'UTC'), toString(number), toString(number), '{}', 'events' FROM numbers(60000)`))
	s := New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(365), func() time.Time { return now })
	_, err := post(t, s, `{"groupBy":["actorId"],"bucket":null}`)
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, apierror.KindLimit, problem.Kind)
	a, err := post(t, s, `{"groupBy":["actorId"],"bucket":null,"top":{"k":2,"other":true}}`)
	require.NoError(t, err)
	require.Len(t, a.Series, 3)
	require.InDelta(t, 59998, *a.Series[2].Totals[0], 0)
	require.InDelta(t, 60000, *a.Totals[0], 0)
}

func TestServeAggregate_EmptyTenant(t *testing.T) {
	a, err := post(t, newService(t), `{"metrics":[{"op":"count"},{"op":"avg","field":"payload.n"}]}`)
	require.NoError(t, err)
	require.Len(t, a.Series, 1)
	require.InDelta(t, 0, *a.Totals[0], 0)
	require.Nil(t, a.Totals[1])
	a, err = post(t, newService(t), `{"groupBy":["eventType"],"bucket":"1h","from":"now-3h"}`)
	require.NoError(t, err)
	require.Empty(t, a.Series)
}

// The buckets of an answer may reach over its range: so the answer says what that is.
func TestServeAggregate_SaysItsRange(t *testing.T) {
	s := newService(t, event.Event{TenantID: string(acme), EventID: "1", EventType: "a", CreatedAt: now.Add(-90 * time.Minute)})
	for name, bucket := range map[string]string{"in buckets": `"1h"`, "in one": `null`} {
		a, err := post(t, s, `{"from":"now-90m","to":"now","bucket":`+bucket+`,"compare":"previous"}`)
		require.NoError(t, err, name)
		require.Equal(t, now.Add(-90*time.Minute), a.Meta.From, name)
		require.Equal(t, now, a.Meta.To, name)
		require.Equal(t, now.Add(-180*time.Minute), a.Meta.Previous, name)
	}
	a, err := post(t, s, `{"bucket":null}`)
	require.NoError(t, err)
	require.Equal(t, now.Add(-90*time.Minute).Truncate(rollup15m), a.Meta.From)
	require.Equal(t, now, a.Meta.To)
	require.Zero(t, a.Meta.Previous)
}

func TestServeAggregate_TopOfNothing(t *testing.T) {
	s := newService(t, event.Event{TenantID: string(acme), EventID: "1", EventType: "a", CreatedAt: now.Add(-90 * time.Minute)})
	for _, groupBy := range []string{`"eventType"`, `"eventType","payload.x"`} {
		a, err := post(t, s, `{"from":"now-1h","compare":"previous","groupBy":[`+groupBy+`],"top":{"k":2,"other":true}}`)
		require.NoError(t, err)
		require.Len(t, a.Series, 1)
		require.True(t, a.Series[0].Other)
		require.InDelta(t, 0, *a.Series[0].Totals[0], 0)
		require.InDelta(t, 1, *a.Series[0].PreviousTotals[0], 0)
	}
}

// A group with nothing to sum shows 0 and so ranks before one below 0; a group
// with no average comes last. Groups that are equal are in the order of their keys.
func TestServeAggregate_RanksWhatItShows(t *testing.T) {
	var events []event.Event
	for i, one := range []struct{ eventType, payload string }{
		{"b", `{}`}, {"minus", `{"n": -3}`}, {"plus", `{"n": 2}`}, {"a", `{"n": "text"}`}, {"minus", `{"n": -4}`}, {"c", `{"n": null}`},
	} {
		events = append(events, event.Event{
			TenantID: string(acme), EventID: strconv.Itoa(i), EventType: one.eventType, CreatedAt: now.Add(-time.Hour), Payload: []byte(one.payload),
		})
	}
	s := newService(t, events...)
	for op, want := range map[string][]string{
		"sum": {"plus", "a", "b", "c", "minus"}, "avg": {"plus", "minus", "a", "b", "c"}, "max": {"plus", "minus", "a", "b", "c"}, "count": {"minus", "a", "b", "c", "plus"},
	} {
		for k := range 6 { // 0: all, unranked.
			top := ""
			if k > 0 {
				top = fmt.Sprintf(`,"top":{"k":%d,"by":0}`, k)
			}
			a, err := post(t, s, `{"bucket":null,"groupBy":["eventType"],"metrics":[{"op":"`+op+`","field":"payload.n"}]`+top+`}`)
			if op == "count" {
				a, err = post(t, s, `{"bucket":null,"groupBy":["eventType"]`+top+`}`)
			}
			require.NoError(t, err)
			var got []string
			for _, series := range a.Series {
				got = append(got, *series.Group["eventType"])
			}
			n := len(want)
			if k > 0 {
				n = k
			}
			require.Equal(t, want[:n], got, "%s, top %d", op, k)
		}
	}
}

func TestServeAggregate_NamesItsSource(t *testing.T) {
	s := newService(t, event.Event{TenantID: string(acme), EventID: "1", CreatedAt: now.Add(-time.Hour)})
	for body, source := range map[string]string{
		`{"from":"now-30d","groupBy":["eventType","severity","category","source"]}`: "rollup",
		`{"from":"now-30d","filter":{"severity":"WARN+","eventType":"a*"}}`:         "rollup",
		`{"from":"now-30d","timezone":"Asia/Kathmandu","bucket":"1d"}`:              "rollup",
		`{"from":"now-30d","compare":"previous"}`:                                   "rollup",
		`{"from":"now-7h","bucket":"1m"}`:                                           "rollup",
		`{"from":"now-2h","bucket":"10s"}`:                                          "raw",
		`{"from":"now-1h"}`:                                                         "raw",
		`{"from":"now-30d","groupBy":["actorId"]}`:                                  "raw",
		`{"from":"now-30d","filter":{"q":"x"}}`:                                     "raw",
		`{"from":"now-30d","filter":{"q":"createdAt:>now-1d"}}`:                     "raw",
		`{"from":"now-30d","metrics":[{"op":"uniq","field":"eventType"}]}`:          "raw",
	} {
		a, err := post(t, s, body)
		require.NoError(t, err, body)
		require.Equal(t, source, a.Meta.Source, body)
		require.NotNil(t, a.Meta.RowsRead)
		require.NotNil(t, a.Meta.ElapsedMs)
	}
}
