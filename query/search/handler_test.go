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
