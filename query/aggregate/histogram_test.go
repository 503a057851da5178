package aggregate

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/openapi/openapitest"
)

type histogram struct {
	Buckets []struct {
		Start  time.Time      `json:"start"`
		Counts map[string]int `json:"counts"`
		Other  *int           `json:"other"`
	} `json:"buckets"`
	Interval string `json:"interval"`
	Total    int    `json:"total"`
	Meta     struct {
		ElapsedMs *float64 `json:"elapsedMs"`
		RowsRead  *int     `json:"rowsRead"`
		Source    string   `json:"source"`
		Partial   *bool    `json:"partial"`
	} `json:"meta"`
}

func getHistogram(t *testing.T, s *Service, query string) (*histogram, error) {
	t.Helper()
	request := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), acme), "GET", "/api/v1/events/histogram?"+query, nil)
	request.Header.Set("Authorization", "Bearer key")
	recorder := httptest.NewRecorder()
	if err := s.ServeHistogram(recorder, request); err != nil {
		return nil, err
	}
	openapitest.Check(t, request, nil, recorder.Result(), recorder.Body.Bytes())
	var h histogram
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &h), recorder.Body.String())
	return &h, nil
}

func TestServeHistogram(t *testing.T) {
	var events []event.Event
	add := func(id string, ago time.Duration, severity event.Severity, payload string) {
		events = append(events, event.Event{
			TenantID: string(acme), EventID: id, Severity: severity, CreatedAt: now.Add(-ago), Payload: []byte(payload), EventType: "t" + id,
		})
	}
	add("1", time.Minute, event.Info, `{"c":"USD"}`)
	add("2", time.Minute, event.Critical, `{"c":"EUR"}`)
	add("3", 2*time.Hour, event.Critical, `{"c":""}`)
	add("4", 48*time.Hour, event.Warn, `{}`)
	add("5", -5*time.Minute, event.Info, `{"c":"USD"}`) // A producer's clock that is ahead.
	s := newService(t, events...)

	h, err := getHistogram(t, s, "from=now-3h&interval=1h")
	require.NoError(t, err)
	require.Equal(t, "1h", h.Interval)
	require.Equal(t, 4, h.Total)
	require.Equal(t, "raw", h.Meta.Source)
	require.Len(t, h.Buckets, 4)
	require.Equal(t, at(t, "2026-04-17T11:00:00Z"), h.Buckets[0].Start)
	require.Equal(t, map[string]int{"INFO": 0, "WARN": 0, "ERROR": 0, "CRITICAL": 1}, h.Buckets[1].Counts)
	require.Equal(t, map[string]int{"INFO": 2, "WARN": 0, "ERROR": 0, "CRITICAL": 1}, h.Buckets[3].Counts)

	h, err = getHistogram(t, s, "")
	require.NoError(t, err)
	require.Equal(t, 5, h.Total)
	require.Equal(t, "15m", h.Interval)
	require.Equal(t, "rollup", h.Meta.Source)
	require.Equal(t, 1, h.Buckets[0].Counts["WARN"], "it begins with the first event")
	require.Nil(t, h.Buckets[0].Other)

	h, err = getHistogram(t, s, "groupBy=payload.c&interval=1d&severity=INFO%2B")
	require.NoError(t, err)
	total := map[string]int{}
	for _, b := range h.Buckets {
		for value, count := range b.Counts {
			total[value] += count
		}
	}
	require.Equal(t, map[string]int{"USD": 2, "EUR": 1, "": 2}, total)

	for query, field := range map[string]string{
		"interval=7m": "interval", "interval=1s": "interval", "groupBy=nosuch": "groupBy", "nosuch=1": "nosuch", "limit=5": "limit", "tz=x": "tz",
		"interval=1h&interval=1d": "interval", "q=(": "q",
	} {
		if query == "interval=1s" {
			query = "interval=1s&from=now-30d"
		}
		_, err := getHistogram(t, s, query)
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem, query)
		require.Equal(t, field, problem.Fields[0].Field, query)
	}
}

func TestServeHistogram_ManyValues(t *testing.T) {
	var events []event.Event
	for i := range 30 {
		events = append(events, event.Event{TenantID: string(acme), EventID: string(rune('a' + i)), EventType: string(rune('a' + i)), CreatedAt: now.Add(-time.Minute)})
	}
	h, err := getHistogram(t, newService(t, events...), "groupBy=eventType&from=now-1h&interval=1h")
	require.NoError(t, err)
	require.Equal(t, 30, h.Total)
	last := h.Buckets[len(h.Buckets)-1]
	require.Len(t, last.Counts, histogramTop)
	require.Equal(t, 10, *last.Other)
}
