package search

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/openapi/openapitest"
	"daybook/query/querytest"
)

func get(t *testing.T, s *Service, query string) (*httptest.ResponseRecorder, error) {
	t.Helper()
	request := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), acme), "GET", "/api/v1/events?"+query, nil)
	request.Header.Set("Authorization", "Bearer key")
	answer := httptest.NewRecorder()
	err := s.ServeSearch(answer, request)
	if err == nil {
		openapitest.Check(t, request, nil, answer.Result(), answer.Body.Bytes())
	}
	return answer, err
}

func TestServeSearch(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(
		event.Event{TenantID: string(acme), EventID: "evt_1", EventType: "a", Category: event.CategoryOther, CreatedAt: now, Payload: []byte(`{"n": 1.50}`)},
		event.Event{TenantID: string(acme), EventID: "evt_2", EventType: "b", Category: event.CategoryOther, CreatedAt: now},
	))
	s := service(conn, nil)
	answer, err := get(t, s, "limit=1")
	require.NoError(t, err)
	require.Equal(t, "application/json", answer.Header().Get("Content-Type"))
	var page struct {
		Events []json.RawMessage
		Next   *string `json:"nextCursor"`
		Meta   struct {
			ElapsedMs *float64
			RowsRead  *int
			Source    string
			Partial   *bool
		}
	}
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
	require.Len(t, page.Events, 1)
	require.Contains(t, string(page.Events[0]), `"eventId":"evt_2"`)
	require.NotNil(t, page.Next)
	require.NotNil(t, page.Meta.ElapsedMs)
	require.NotNil(t, page.Meta.RowsRead)
	require.Equal(t, "raw", page.Meta.Source)
	require.False(t, *page.Meta.Partial)

	answer, err = get(t, s, "limit=1&cursor="+*page.Next)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
	require.Contains(t, string(page.Events[0]), `"payload":{"n": 1.50}`)
	require.Nil(t, page.Next)

	answer, err = get(t, s, "q=nothing")
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(answer.Body.String(), `{"events":[],"nextCursor":null,"meta":{`), answer.Body)
}

func TestServeSearch_Faults(t *testing.T) {
	s := service(querytest.Open(t), nil)
	for query, field := range map[string]string{
		"limit=0":               "limit",
		"limit=-1":              "limit",
		"limit=1000000000":      "limit",
		"limit=1001":            "limit",
		"limit=x":               "limit",
		"limit=1&limit=2":       "limit",
		"order=random":          "order",
		"order=ingest":          "order",
		"count=yes":             "count",
		"count=exact&count=":    "count",
		"highlight=1":           "highlight",
		"cursor=abc":            "cursor",
		"q=(":                   "q",
		"nosuch=1":              "nosuch",
		"from=now&to=now-1h":    "from",
		"tz=Nowhere/At_All":     "tz",
		"severity=LOUD":         "severity",
		"eventType=%ff":         "eventType",
		"limit=0&q=%22&order=x": "q",
	} {
		_, err := get(t, s, query)
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem, query)
		require.Equal(t, apierror.KindInvalid, problem.Kind, query)
		require.Equal(t, field, problem.Fields[0].Field, query)
	}
	_, err := get(t, s, "q=%zz")
	require.ErrorContains(t, err, "invalid")
	// What looks like SQL is a value like any other.
	for _, name := range []string{"q", "eventType", "actorId", "correlationId", "attr.x", "attr.%27;DROP%20TABLE"} {
		_, err := get(t, s, name+"=%27%3B+DROP+TABLE+events%3B+%2F*+%7Bp1%3AString%7D+%3F+%241")
		require.NoError(t, err, name)
	}
}

func TestServeSearch_CountsAndHighlights(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(
		event.Event{TenantID: string(acme), EventID: "evt_1", EventType: "a", ActorID: "jane", Category: event.CategoryOther, CreatedAt: now, Payload: []byte(`{"n": "caf\u00e9", "CAFÉ": 1}`)},
		event.Event{TenantID: string(acme), EventID: "evt_2", EventType: "b", Category: event.CategoryOther, CreatedAt: now, Payload: []byte(`{"n": 1}`)},
		event.Event{TenantID: string(acme), EventID: "evt_3", EventType: "b", Category: event.CategoryOther, CreatedAt: now, Payload: []byte(`{"n": 2}`)},
	))
	s := service(conn, nil)
	for query, wants := range map[string][]string{
		"limit=1":                                {`"meta":{`, `"source":"raw","partial":false,"indexes":["key"]}}`},
		"limit=1&count=&highlight=false&cursor=": {`"indexes":["key"]}}`},
		"limit=1&count=exact":                    {`"indexes":["key"],"count":{"value":3,"relation":"eq","source":"rollup"}}}`},
		"limit=1&count=capped&q=%22n%22":         {`"count":{"value":3,"relation":"eq","source":"raw"}}}`},
		"q=nothing&count=capped&highlight=true":  {`"events":[],"highlights":[],"nextCursor":null`, `"indexes":["key","text"],"count":{"value":0,`},
		"q=caf%C3%A9+-visa&actorId=jane&highlight=true": {
			`"highlights":[[{"field":"actorId","start":0,"end":4},` +
				`{"field":"payload","start":7,"end":16,"parts":[{"pointer":"/n","of":"value","start":0,"end":4}]},` +
				`{"field":"payload","start":20,"end":24,"parts":[{"pointer":"/CAFÉ","of":"key","start":0,"end":4}]}]],"nextCursor":null`,
			`"indexes":["key","actorId","text"]`,
		},
		"q=payload.n:*+-jane&highlight=true&order=asc": {`"highlights":[[{"field":"payload","start":2,"end":3,"parts":[{"pointer":"/n","of":"key","start":0,"end":1}]}],[`},
		"highlight=true&limit=2":                       {`"highlights":[[],[]],`},
	} {
		answer, err := get(t, s, query)
		require.NoError(t, err, query)
		for _, want := range wants {
			require.Contains(t, answer.Body.String(), want, query)
		}
	}
	s.stored = &confirmed{Log{Topic: querytest.Topic, Next: []int64{2}}}
	answer, err := get(t, s, "order=ingest&limit=1&count=exact")
	require.NoError(t, err)
	require.Contains(t, answer.Body.String(), `"indexes":["key","offset"],"count":{"value":2,"relation":"eq","source":"raw"}`)
}

// A cursor belongs to its search and comes whole; what it does not depend on may
// change from page to page.
func TestServeSearch_Cursors(t *testing.T) {
	s := manyEvents(t, 10)
	next := func(query string) string {
		answer, err := get(t, s, query)
		require.NoError(t, err)
		var page struct{ NextCursor string }
		require.NoError(t, json.Unmarshal(answer.Body.Bytes(), &page))
		require.NotEmpty(t, page.NextCursor)
		return page.NextCursor
	}
	time, ingest := next("limit=2&q=x&from=now-1d"), next("limit=2&q=x&from=now-1d&order=ingest")
	for _, query := range []string{
		"q=x&from=now-1d&cursor=" + time, "q=X&from=now-1d&limit=9&count=exact&highlight=true&cursor=" + time, "q=x+x&from=now-1d&order=desc&cursor=" + time,
		"q=x&from=now-1d&order=ingest&cursor=" + ingest,
	} {
		_, err := get(t, s, query)
		require.NoError(t, err, query)
	}
	for query, says := range map[string]string{
		"q=x&from=now-2d&cursor=" + time:                     "another search",
		"q=y&from=now-1d&cursor=" + time:                     "another search",
		"q=x&cursor=" + time:                                 "another search",
		"q=x&from=now-1d&to=now&cursor=" + time:              "another search",
		"q=x&from=now-1d&severity=ERROR&cursor=" + time:      "another search",
		"q=x&from=now-1d&order=asc&cursor=" + time:           "another search",
		"q=x&from=now-1d&order=ingest&cursor=" + time:        "another search",
		"q=x&from=now-1d&cursor=" + ingest:                   "another search",
		"q=x&from=now-1d&tz=Asia/Tokyo&cursor=" + time:       "another search",
		"q=x&from=now-1d&cursor=" + time[:len(time)/2]:       "damaged",
		"q=x&from=now-1d&cursor=" + time[1:]:                 "damaged",
		"q=x&from=now-1d&order=ingest&cursor=" + ingest[:9]:  "damaged",
		"q=x&from=now-1d&cursor=" + strings.ToLower(time):    "damaged",
		"q=x&from=now-1d&cursor=" + time + "&cursor=" + time: "2 times",
	} {
		_, err := get(t, s, query)
		requireInvalidCursor(t, err, says)
	}
}
