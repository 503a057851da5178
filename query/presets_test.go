package query

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/preset"
	"daybook/query/statement"
)

// send is call with an If-Match and the answer's header.
func send(t *testing.T, key, method, address, ifMatch, body string) (int, http.Header, map[string]any) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	if ifMatch != "" {
		request.Header.Set("If-Match", ifMatch)
	}
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	raw, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	var object map[string]any
	if len(raw) > 0 {
		require.NoError(t, json.Unmarshal(raw, &object), string(raw))
	}
	return answer.StatusCode, answer.Header, object
}

// raw returns an answer as it came.
func raw(t *testing.T, key, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+key)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

func TestPresets(t *testing.T) {
	presets := serve(t, statement.DefaultConfig()) + "/api/v1/presets"
	const writer, reader, neighbour = "acme/presets:write", "acme/events:read", "other/events:read"

	status, header, made := send(t, writer, "POST", presets, "", `{"name": "Refunds", "filter": {"q": "refund", "from": "now-7d"}, "shared": true}`)
	require.Equal(t, http.StatusCreated, status, made)
	require.Equal(t, `"1"`, header.Get("ETag"))
	id := made["id"].(string)
	require.Equal(t, "/api/v1/presets/"+id, header.Get("Location"))
	require.Equal(t, map[string]any{
		"id": id, "name": "Refunds", "filter": map[string]any{"q": "refund", "from": "now-7d"}, "shared": true, "owner": writer, "mine": true,
		"version": 1.0, "createdAt": "2026-04-17T14:32:01Z", "updatedAt": "2026-04-17T14:32:01Z",
	}, made)

	status, header, read := send(t, reader, "GET", presets+"/"+id, "", "")
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, `"1"`, header.Get("ETag"))
	require.Equal(t, false, read["mine"])
	status, _, _ = send(t, neighbour, "GET", presets+"/"+id, "", "")
	require.Equal(t, http.StatusNotFound, status)
	status, _, list := send(t, reader, "GET", presets, "", "")
	require.Equal(t, http.StatusOK, status)
	require.Len(t, list["presets"], 1+len(preset.Starting))

	const change = `{"name": "Refunds", "filter": {"q": "refund"}, "shared": true}`
	for _, test := range []struct {
		name, method, id, ifMatch, body string
		status                          int
	}{
		{"no If-Match", "PUT", id, "", change, 428},
		{"no If-Match", "DELETE", id, "", "", 428},
		{"another version", "PUT", id, `"2"`, change, 412},
		{"another version", "DELETE", id, `"01"`, "", 412},
		{"a weak tag", "DELETE", id, `W/"1"`, "", 412},
		{"no tag", "DELETE", id, `1`, "", 400},
		{"no tag at all", "DELETE", id, ` , `, "", 400},
		{"no such preset", "DELETE", "nosuch", `"1"`, "", 404},
		{"a name that is taken", "PUT", id, `"1"`, `{"name": "my api key ACTIVITY", "filter": {}}`, 409},
		{"no name", "PUT", id, `"1"`, `{"filter": {}}`, 400},
		{"no filter", "PUT", id, `"1"`, `{"name": "x"}`, 400},
		{"an unknown member", "PUT", id, `"1"`, `{"name": "x", "filter": {}, "colour": "red"}`, 400},
		{"not JSON", "PUT", id, `"1"`, `{`, 400},
		{"right", "PUT", id, `"7", "1"`, change, 200},
		{"the same again", "PUT", id, `"1"`, change, 412},
		{"whatever version", "PUT", id, `*`, change, 200},
		{"right", "DELETE", id, `"3"`, "", 204},
		{"the same again", "DELETE", id, `"3"`, "", 404},
	} {
		status, header, answer := send(t, writer, test.method, presets+"/"+test.id, test.ifMatch, test.body)
		require.Equal(t, test.status, status, "%s %s: %v", test.method, test.name, answer)
		if test.status == 200 {
			require.NotEmpty(t, header.Get("ETag"))
		}
	}
	status, _, answer := send(t, writer, "GET", presets, "", "")
	require.Equal(t, http.StatusForbidden, status, answer)
	status, _, _ = send(t, reader, "POST", presets, "", change)
	require.Equal(t, http.StatusForbidden, status)
}

// TestPresets_Everywhere asks every call that filters for the presets that a tenant
// starts with, over events of which each preset means some.
func TestPresets_Everywhere(t *testing.T) {
	const me = "acme/admin"
	at := func(text string) time.Time {
		parsed, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return parsed
	}
	events := []event.Event{ // It is Friday the 17th, 14:32 in UTC.
		{EventID: "today", EventType: "login.failed", Category: "auth", CreatedAt: at("2026-04-17T00:00:00Z")},
		{EventID: "today in Prague", EventType: "user_login_failed", Category: "auth", CreatedAt: at("2026-04-16T22:30:00Z")},
		{EventID: "yesterday", EventType: "login.failed", Category: "auth", CreatedAt: at("2026-04-16T12:00:00Z")},
		{EventID: "success", EventType: "login.success", Category: "auth", CreatedAt: at("2026-04-17T12:00:00Z"), ActorID: "jane"},
		{EventID: "no login", EventType: "payment.failed", Category: "billing", CreatedAt: at("2026-04-17T12:00:00Z"), Severity: event.Error},
		{EventID: "monday", EventType: "payment.failed", Category: "billing", CreatedAt: at("2026-04-13T00:00:00Z"), Severity: event.Critical},
		{EventID: "sunday", EventType: "payment.failed", Category: "billing", CreatedAt: at("2026-04-12T23:59:59Z"), Severity: event.Critical},
		{EventID: "by me", EventType: "request.success", Category: "api", CreatedAt: at("2026-01-17T12:00:00Z"), ActorType: "API_KEY", ActorID: me},
		{EventID: "about me", EventType: "api_key.created", Category: "auth", CreatedAt: at("2026-01-17T11:00:00Z"), TargetType: "API_KEY", TargetID: me, ActorID: "jane"},
	}
	for i := range events {
		events[i].TenantID = "acme"
	}
	base := serve(t, statement.DefaultConfig(), events...) + "/api/v1/events"
	for _, test := range []struct {
		parameters string
		finds      []string
	}{
		{"preset=auth-failures-today", []string{"today"}},
		{"preset=auth-failures-today&tz=Europe/Prague", []string{"today", "today in Prague"}},
		{"preset=auth-failures-today&eventType=user_*&tz=Europe/Prague", []string{"today in Prague"}},
		{"preset=auth-failures-today&to=now/d", nil},
		{"preset=critical-billing-this-week", []string{"monday"}},
		{"preset=my-key-activity", []string{"by me", "about me"}},
		{"preset=my-key-activity&q=category:auth", []string{"about me"}},
		{"actorId=@me", []string{"by me"}},
	} {
		status, page := call(t, me, "GET", base+"?"+test.parameters, "")
		require.Equal(t, http.StatusOK, status, page)
		var found []string
		for _, e := range page["events"].([]any) {
			found = append(found, e.(map[string]any)["eventId"].(string))
		}
		require.Equal(t, test.finds, found, test.parameters)

		status, histogram := call(t, me, "GET", base+"/histogram?"+test.parameters, "")
		require.Equal(t, http.StatusOK, status, histogram)
		require.EqualValues(t, len(test.finds), histogram["total"], test.parameters)

		values, err := url.ParseQuery(test.parameters)
		require.NoError(t, err)
		zone := values.Get("tz")
		values.Del("tz")
		body, err := json.Marshal(map[string]any{"bucket": nil, "filter": values, "timezone": zone})
		require.NoError(t, err)
		status, aggregate := call(t, me, "POST", base+"/aggregate", string(body))
		require.Equal(t, http.StatusOK, status, aggregate)
		require.Equal(t, []any{float64(len(test.finds))}, aggregate["totals"], test.parameters)

		status, facets := call(t, me, "GET", base+"/facets?field=eventId&limit=100&"+test.parameters, "")
		require.Equal(t, http.StatusOK, status, facets)
		require.Len(t, facets["facets"].([]any)[0].(map[string]any)["values"], len(test.finds), test.parameters)

		status, lines := raw(t, me, base+"/export?"+test.parameters)
		require.Equal(t, http.StatusOK, status, lines)
		require.Equal(t, len(test.finds), strings.Count(lines, `"eventId":`), test.parameters)

		status, stream := call(t, me, "GET", base+"/stream?"+test.parameters, "")
		require.Equal(t, http.StatusTeapot, status, "%s: %v", test.parameters, stream)
	}
	for _, path := range []string{"", "/histogram", "/facets", "/export", "/stream"} {
		status, problem := call(t, me, "GET", base+path+"?preset=nosuch", "")
		require.Equal(t, http.StatusBadRequest, status, path)
		require.Equal(t, "preset", problem["errors"].([]any)[0].(map[string]any)["field"], path)
	}
}

// A node that has used a preset sees another's change to it, and new ones at once.
func TestPresets_Private(t *testing.T) {
	base := serve(t, statement.DefaultConfig())
	const mine, theirs = "acme/admin", "acme/events:read"
	_, _, made := send(t, mine, "POST", base+"/api/v1/presets", "", `{"name": "x", "filter": {"q": "type:a"}}`)
	status, stream := call(t, mine, "GET", base+"/api/v1/events/stream?preset="+made["id"].(string), "")
	require.Equal(t, http.StatusTeapot, status, stream)
	require.Equal(t, "eventType:a", stream["filter"])
	status, _ = call(t, theirs, "GET", base+"/api/v1/events/stream?preset="+made["id"].(string), "")
	require.Equal(t, http.StatusBadRequest, status, "another key's private preset")
	_, _, _ = send(t, mine, "PUT", base+"/api/v1/presets/"+made["id"].(string), `"1"`, `{"name": "x", "filter": {"q": "type:b"}, "shared": true}`)
	for _, key := range []string{mine, theirs} {
		_, stream = call(t, key, "GET", base+"/api/v1/events/stream?preset="+made["id"].(string), "")
		require.Equal(t, "eventType:b", stream["filter"])
	}
}
