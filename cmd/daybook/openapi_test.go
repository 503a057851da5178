package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/query/openapi"
	"daybook/query/openapi/openapitest"
)

// A whole node answers every call that is described, as it is described.
func TestServe_AsDescribed(t *testing.T) {
	s := configure(t)
	s.start(t)
	const key = "bootstrap-secret"
	document, err := openapi.Load()
	require.NoError(t, err)
	missing := map[string]bool{}
	for _, o := range document.Operations() {
		missing[o.Method+" "+o.Path] = true
	}
	var id string // of what the last call made
	call := func(operation, query, body string, want int, headers ...string) (answer string) {
		t.Helper()
		method, path, _ := strings.Cut(operation, " ")
		delete(missing, operation)
		path = regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, id)
		request, err := http.NewRequestWithContext(t.Context(), method, s.url+path+query, strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+key)
		request.Header.Set("X-Tenant-Id", "acme")
		if body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		for i := 0; i < len(headers); i += 2 {
			request.Header.Set(headers[i], headers[i+1])
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer func() { require.NoError(t, response.Body.Close()) }()
		received := make([]byte, 64)
		if strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
			_, err = response.Body.Read(received) // It has no end.
		} else {
			received, err = io.ReadAll(response.Body)
		}
		require.NoError(t, err)
		require.Equal(t, want, response.StatusCode, "%s%s: %s", operation, query, received)
		openapitest.Check(t, request, []byte(body), response, received)
		var made struct{ ID string }
		if json.Unmarshal(received, &made) == nil && made.ID != "" {
			id = made.ID
		}
		return string(received)
	}

	call("POST /api/v1/events", "", `[{"eventType":"user_login","eventId":"login-1","actorId":"jane","actorEmail":"jane@example.com","payload":{"n":1.5}},
		{"eventType":"payment.received","severity":"warning","more":true}]`, http.StatusAccepted)
	s.find(t, key, "/api/v1/events/login-1", "jane", "X-Tenant-Id", "acme")
	s.find(t, key, "/api/v1/events/histogram", `"total":2`, "X-Tenant-Id", "acme")
	call("GET /api/v1/events", "?q=%22n%22&eventType=user_*&eventType=x&attr.n=1..2&limit=1&order=asc&from=now-1d&tz=Europe/Prague", "", http.StatusOK)
	call("GET /api/v1/events", "?severity=WARN%2B&attr.n%3E1", "", http.StatusOK)
	call("GET /api/v1/events", "?q=%22n%22+-nothing&actorId=jane&highlight=true&count=exact", "", http.StatusOK)
	call("GET /api/v1/events", "?order=ingest&limit=1&count=capped&highlight=false", "", http.StatusOK)
	call("GET /api/v1/events", "?count=all", "", http.StatusBadRequest)
	call("GET /api/v1/events", "?limit=0", "", http.StatusBadRequest)
	call("GET /api/v1/events", "?q=(", "", http.StatusBadRequest)
	call("GET /api/v1/events/stream", "?since=now-1h", "", http.StatusOK)
	call("GET /api/v1/events/export", "?limit=1", "", http.StatusOK)
	call("GET /api/v1/events/export", "?format=csv", "", http.StatusOK)
	call("GET /api/v1/events/export", "?format=parquet", "", http.StatusOK)
	call("GET /api/v1/events/export", "?format=xml", "", http.StatusBadRequest)
	call("GET /api/v1/events/histogram", "?groupBy=payload.n&interval=1h&from=now-6h", "", http.StatusOK)
	call("POST /api/v1/events/aggregate", "", `{"groupBy":["eventType","payload.n"],"bucket":"1h","from":"now-1d","to":"now","timezone":"Asia/Tokyo","compare":"previous",
		"metrics":[{"op":"count"},{"op":"p95","field":"payload.n"}],"top":{"k":1,"by":0,"other":true},"fill":"null","filter":{"severity":["INFO","WARN"]}}`, http.StatusOK)
	call("POST /api/v1/events/aggregate", "", `{"bucket":null,"compare":null,"filter":null}`, http.StatusOK)
	call("POST /api/v1/events/aggregate", "", `{"bucket":"2y"}`, http.StatusBadRequest)

	call("GET /api/v1/events/facets", "?field=eventType&field=payload.n&limit=5", "", http.StatusOK)
	call("GET /api/v1/events/facets", "?field=nosuch", "", http.StatusBadRequest)
	call("GET /api/v1/events/fields", "?search=N&severity=INFO&limit=5", "", http.StatusOK)
	call("GET /api/v1/events/fields", "?q=payload.n:*", "", http.StatusOK)
	call("GET /api/v1/events/fields", "?limit=0", "", http.StatusBadRequest)
	call("GET /api/v1/events/values", "?field=payload.n&prefix=1", "", http.StatusOK)
	call("GET /api/v1/events/values", "?field=eventType&from=now-7d", "", http.StatusOK)
	call("GET /api/v1/events/values", "", "", http.StatusBadRequest)

	id = "login-1"
	call("GET /api/v1/events/{eventId}", "", "", http.StatusOK)
	call("GET /api/v1/events/{eventId}/context", "?chain=5&before=1", "", http.StatusOK)
	call("GET /api/v1/events/{eventId}/diff", "?with=login-1", "", http.StatusOK)
	call("GET /api/v1/events/{eventId}/diff", "?with=nosuch", "", http.StatusBadRequest)
	call("GET /api/audit", "?limit=1&event_type=user_login&start_date=2026-01-01&user_id=jane", "", http.StatusOK)
	call("GET /api/audit", "?page=0", "", http.StatusBadRequest)
	call("GET /api/audit/events", "", "", http.StatusOK)
	call("GET /api/audit/{id}", "", "", http.StatusOK)
	id = "jane"
	call("GET /api/users/{id}/audit", "?page=2", "", http.StatusOK)
	call("GET /api/audit/{id}", "", "", http.StatusNotFound)

	preset := `{"name":"Logins","filter":{"eventType":"user_login"},"shared":true}`
	call("POST /api/v1/presets", "", preset, http.StatusCreated)
	call("POST /api/v1/presets", "", preset, http.StatusConflict)
	call("GET /api/v1/presets", "", "", http.StatusOK)
	call("GET /api/v1/presets/{id}", "", "", http.StatusOK)
	call("GET /api/v1/events", "?preset="+id, "", http.StatusOK)
	call("PUT /api/v1/presets/{id}", "", preset, http.StatusPreconditionRequired)
	call("PUT /api/v1/presets/{id}", "", preset, http.StatusPreconditionFailed, "If-Match", `"77"`)
	call("PUT /api/v1/presets/{id}", "", strings.Replace(preset, "Logins", "All logins", 1), http.StatusOK, "If-Match", "*")
	call("DELETE /api/v1/presets/{id}", "", "", http.StatusNoContent, "If-Match", "*")

	call("POST /api/v1/keys", "", `{"name":"support","scopes":["audit:read"],"expiresAt":null}`, http.StatusCreated)
	call("POST /api/v1/keys", "", `{"scopes":["root"]}`, http.StatusBadRequest)
	call("GET /api/v1/keys", "", "", http.StatusOK)
	call("DELETE /api/v1/keys/{id}", "", "", http.StatusNoContent)
	call("POST /api/v1/holds", "", `{"reason":"case 17","filter":{"actorId":"jane","from":"2025-01-01T00:00:00Z"}}`, http.StatusCreated)
	call("POST /api/v1/holds", "", `{"reason":"case 17","filter":{"from":"now-1d"}}`, http.StatusBadRequest)
	call("GET /api/v1/holds", "", "", http.StatusOK)
	call("GET /api/v1/holds", "?x=1", "", http.StatusBadRequest)
	call("DELETE /api/v1/holds/{id}", "", `{"reason":""}`, http.StatusBadRequest)
	call("DELETE /api/v1/holds/{id}", "", `{"reason":"closed"}`, http.StatusOK)
	call("DELETE /api/v1/holds/{id}", "", `{"reason":"again"}`, http.StatusConflict)
	call("GET /api/v1/deadletters", "?class=nosuch&from=now-1d&pending=true&limit=5", "", http.StatusOK)
	call("GET /api/v1/deadletters", "?limit=0", "", http.StatusBadRequest)
	call("POST /api/v1/deadletters/replay", "", `{"every":true}`, http.StatusOK)
	call("POST /api/v1/deadletters/replay", "", `{}`, http.StatusBadRequest)
	call("GET /api/v1/status", "", "", http.StatusOK)
	call("GET /api/v1/status", "?x=1", "", http.StatusBadRequest)
	id = "0:99"
	call("GET /api/v1/deadletters/{id}", "", "", http.StatusNotFound)
	call("GET /api/v1/session", "", "", http.StatusOK)
	call("GET /api/v1/session", "", "", http.StatusUnauthorized, "Authorization", "Bearer nobody")
	call("POST /api/v1/session", "", `{"key":"bootstrap-secret","tenantId":"acme"}`, http.StatusCreated)
	call("POST /api/v1/session", "", `{"key":"nobody","tenantId":null}`, http.StatusUnauthorized)
	call("POST /api/v1/session", "", `{}`, http.StatusBadRequest)
	call("POST /api/v1/session", "", `{"key":"bootstrap-secret"}`, http.StatusForbidden, "Sec-Fetch-Site", "cross-site")
	call("DELETE /api/v1/session", "", "", http.StatusNoContent)
	call("GET /openapi.json", "", "", http.StatusOK)
	call("GET /docs", "", "", http.StatusOK)

	for operation := range missing {
		t.Errorf("%s is described, but not called by this test", operation)
	}
}
