package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"daybook/query/openapi/openapitest"
)

// A whole node is sent what does not belong into the calls that the tests of
// package query have no real ones of: those that write to Kafka, the live stream,
// keys and dead letters. It answers with what is wrong, takes nothing that it can't store, and goes on.
func TestServe_HostileRequests(t *testing.T) {
	s := configure(t)
	s.start(t)
	const key, token, canary = "bootstrap-secret", "zq7x0kfw", "canary5d1e"
	status, answer := s.call(t, "POST", "/api/v1/events", key, `{"eventType":"user_login","eventId":"`+canary+`","actorId":"`+canary+`"}`, "X-Tenant-Id", "other")
	require.Equal(t, http.StatusAccepted, status, answer)
	s.find(t, key, "/api/v1/events/"+canary, canary, "X-Tenant-Id", "other")

	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	defer client.CloseIdleConnections()
	attempt := func(h openapitest.Hostile) (int, error) {
		request, err := http.NewRequestWithContext(t.Context(), h.Operation.Method, s.url+h.Target, strings.NewReader(h.Body))
		if err != nil {
			return 0, err
		}
		request.Header.Set("X-Tenant-Id", "acme")
		maps.Copy(request.Header, h.Header)
		request.Header.Set("Authorization", "Bearer "+key)
		response, err := client.Do(request)
		if err != nil {
			return 0, err
		}
		defer func() { _ = response.Body.Close() }()
		var body []byte
		if strings.HasSuffix(h.Operation.Path, "/stream") && response.StatusCode == http.StatusOK {
			body = make([]byte, 512) // It has no end.
			n, err := response.Body.Read(body)
			if body = body[:n]; err != nil {
				return 0, err
			}
		} else if body, err = io.ReadAll(response.Body); err != nil {
			return 0, err
		}
		if strings.Contains(string(body), canary) && !strings.HasPrefix(h.Operation.Path, "/api/v1/keys") {
			return 0, fmt.Errorf("shows what is another tenant's: %.500s", body)
		}
		return response.StatusCode, openapitest.CheckHostile(t, h, request, response, body)
	}
	var (
		group    errgroup.Group
		mu       sync.Mutex // guards what follows
		faults   []string
		statuses = map[int]int{}
	)
	group.SetLimit(4)
	for h := range openapitest.Hostiles(t, token) {
		o := h.Operation.Method + " " + h.Operation.Path
		switch {
		case o == "POST /api/v1/events", o == "GET /api/v1/events/stream", o == "GET /api/audit":
		case strings.HasPrefix(h.Operation.Path, "/api/v1/keys"), strings.HasPrefix(h.Operation.Path, "/api/v1/deadletters"):
		default:
			continue
		}
		group.Go(func() error {
			status, err := attempt(h)
			mu.Lock()
			defer mu.Unlock()
			if statuses[status]++; err != nil {
				faults = append(faults, fmt.Sprintf("%s %.300s, %s = %.100q, body %.300q: %d: %v", o, h.Target, h.Part, h.Value, h.Body, status, err))
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	t.Logf("answers by status: %v", statuses)
	require.Empty(t, faults)

	// What was accepted is stored: the last of all is, and nothing was given up.
	status, answer = s.call(t, "POST", "/api/v1/events", key, `{"eventType":"user_login","eventId":"last"}`, "X-Tenant-Id", "acme")
	require.Equal(t, http.StatusAccepted, status, answer)
	s.find(t, key, "/api/v1/events/last", "last", "X-Tenant-Id", "acme")
	_, events := s.call(t, "GET", "/api/v1/events", key, "", "X-Tenant-Id", "other")
	require.Equal(t, 1, strings.Count(events, `"eventId":`), events)
	for line := range strings.Lines(s.metrics(t)) {
		require.NotRegexp(t, `^daybook_ingest_dead_letters_total\{.*\} [1-9]`, line)
		require.NotRegexp(t, `^daybook_http_requests_total\{.*status="5`, line)
	}
}
