package httpserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/tenant"
)

// verifier knows keys by their text and fails loudly on none.
type verifier map[string]auth.Principal

func (v verifier) Verify(_ context.Context, key string) (auth.Principal, error) {
	switch key {
	case "down":
		return auth.Principal{}, errors.Join(auth.ErrUnavailable, errors.New("dial secret-host:9000"))
	case "expired":
		return auth.Principal{}, auth.ErrExpired
	}
	if p, ok := v[key]; ok {
		return p, nil
	}
	return auth.Principal{}, auth.ErrUnknown
}

var testKeys = verifier{
	"acme-read":  {KeyID: "k1", Tenant: "acme", Scopes: []auth.Scope{auth.ScopeEventsRead}},
	"acme-admin": {KeyID: "k2", Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}},
	"all-admin":  {KeyID: "k3", Tenant: tenant.All, Scopes: []auth.Scope{auth.ScopeAdmin}},
}

// start serves the routes on a real connection and returns its address.
func start(t *testing.T, log *zap.Logger, routes ...Route) string {
	t.Helper()
	return serve(t, Config{Addr: "127.0.0.1:0"}, Deps{
		Log: log, Registry: prometheus.NewRegistry(), Keys: testKeys, Ready: NewReadiness(), Routes: routes,
	})
}

func serve(t *testing.T, c Config, d Deps) string {
	t.Helper()
	server, err := New(c, d)
	require.NoError(t, err)
	listener, err := Listen(t.Context(), "http.addr", c.Addr)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return c.URL(listener)
}

type answer struct {
	*http.Response
	body string
}

func (a answer) problem(t *testing.T) apierror.Problem {
	t.Helper()
	var p apierror.Problem
	if got := a.Header.Get("Content-Type"); got != apierror.ContentType {
		t.Errorf("Content-Type %s, body %s", got, a.body)
	}
	require.NoError(t, json.Unmarshal([]byte(a.body), &p))
	if p.Status != a.StatusCode || p.RequestID == "" || p.RequestID != a.Header.Get("X-Request-Id") || p.Title == "" || !strings.HasPrefix(p.Type, "/problems/") {
		t.Errorf("status %d and id %s with the problem %s", a.StatusCode, a.Header.Get("X-Request-Id"), a.body)
	}
	return p
}

func do(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answer{Response: response, body: string(content)}
}

func whoami(c echo.Context) error {
	return c.String(http.StatusOK, string(tenant.FromContext(c.Request().Context())))
}

func TestServer_KeysAndTenants(t *testing.T) {
	url := start(t, zaptest.NewLogger(t),
		Route{Method: "GET", Path: "/read", Scope: auth.ScopeEventsRead, Handler: whoami},
		Route{Method: "GET", Path: "/write", Scope: auth.ScopeEventsWrite, Handler: whoami},
		Route{Method: "GET", Path: "/any", Scope: auth.ScopeAdmin, AnyTenant: true, Handler: func(c echo.Context) error {
			return c.String(http.StatusOK, string(Reach(c)))
		}},
	)
	const authorization = "Authorization"
	for _, c := range []struct {
		name, path string
		headers    []string
		status     int
		body       string // the whole body, or part of the problem's detail
	}{
		{"no key", "/read", nil, 401, "no key"},
		{"a key without scheme", "/read", []string{authorization, "acme-read"}, 401, "must be: Bearer KEY"},
		{"basic", "/read", []string{authorization, "Basic YTpi"}, 401, "must be: Bearer KEY"},
		{"two keys", "/read", []string{authorization, "Bearer acme-read", authorization, "Bearer acme-admin"}, 401, "must be"},
		{"unknown", "/read", []string{authorization, "Bearer nobody"}, 401, "unknown"},
		{"expired", "/read", []string{authorization, "Bearer expired"}, 401, "expired"},
		{"a key in the query", "/read?key=acme-read", nil, 401, "no key"},
		{"keys unreadable", "/read", []string{authorization, "Bearer down"}, 503, "can't be read"},
		{"own tenant by default", "/read", []string{authorization, "Bearer acme-read"}, 200, "acme"},
		{"scheme in any case", "/read", []string{authorization, "bearer  acme-read"}, 200, "acme"},
		{"own tenant named", "/read", []string{authorization, "Bearer acme-read", TenantHeader, "acme"}, 200, "acme"},
		{"another tenant", "/read", []string{authorization, "Bearer acme-read", TenantHeader, "other"}, 403, "does not allow the tenant"},
		{"all tenants", "/read", []string{authorization, "Bearer acme-read", TenantHeader, "*"}, 403, "does not allow the tenant"},
		{"tenant sent twice", "/read", []string{authorization, "Bearer acme-read", TenantHeader, "acme", TenantHeader, "other"}, 400, "must be sent once"},
		{"missing scope", "/write", []string{authorization, "Bearer acme-read"}, 403, "events:write"},
		{"admin has every scope", "/write", []string{authorization, "Bearer acme-admin"}, 200, "acme"},
		{"every tenant, none named", "/read", []string{authorization, "Bearer all-admin"}, 400, "is needed"},
		{"every tenant, one named", "/read", []string{authorization, "Bearer all-admin", TenantHeader, "other"}, 200, "other"},
		{"every tenant, all named", "/read", []string{authorization, "Bearer all-admin", TenantHeader, "*"}, 400, "must not be *"},
		{"any tenant, none named", "/any", []string{authorization, "Bearer all-admin"}, 200, "*"},
		{"any tenant, one named", "/any", []string{authorization, "Bearer all-admin", TenantHeader, "acme"}, 200, "acme"},
		{"any tenant, key of one", "/any", []string{authorization, "Bearer acme-admin"}, 200, "acme"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := do(t, "GET", url+c.path, "", c.headers...)
			if got.StatusCode != c.status {
				t.Errorf("status %d, want %d: %s", got.StatusCode, c.status, got.body)
			}
			if c.status == 200 {
				if got.body != c.body {
					t.Errorf("body %q, want %q", got.body, c.body)
				}
				return
			}
			if p := got.problem(t); !strings.Contains(p.Detail, c.body) || strings.Contains(got.body, "secret-host") {
				t.Errorf("detail %q, want it to say %q", p.Detail, c.body)
			}
			if challenged := got.Header.Get("WWW-Authenticate") != ""; challenged != (c.status == 401) {
				t.Errorf("WWW-Authenticate %q", got.Header.Get("WWW-Authenticate"))
			}
			if waits := got.Header.Get("Retry-After") != ""; waits != (c.status == 503) {
				t.Errorf("Retry-After %q", got.Header.Get("Retry-After"))
			}
		})
	}
}

func TestServer_EveryRouteSaysWhoMayCallIt(t *testing.T) {
	for name, route := range map[string]Route{"neither": {}, "both": {Public: true, Scope: auth.ScopeAdmin}} {
		route.Method, route.Path, route.Handler = "GET", "/x", whoami
		if _, err := New(DefaultConfig(), Deps{Log: zap.NewNop(), Registry: prometheus.NewRegistry(), Routes: []Route{route}}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestServer_Faults(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	url := start(t, zap.New(core),
		Route{Method: "GET", Path: "/panic", Public: true, Handler: func(echo.Context) error { panic("the payload is secret") }},
		Route{Method: "GET", Path: "/error", Public: true, Handler: func(echo.Context) error { return errors.New("dial secret-host") }},
		Route{Method: "GET", Path: "/own", Public: true, Handler: func(echo.Context) error { return apierror.InvalidAt("q", 3, "is odd") }},
		Route{Method: "GET", Path: "/cut", Public: true, Handler: func(c echo.Context) error {
			_, _ = c.Response().Write([]byte("half an ans"))
			c.Response().Flush()
			return errors.New("the rest is missing")
		}},
		Route{Method: "POST", Path: "/body", Public: true, MaxBody: 16, Handler: func(c echo.Context) error {
			_, err := io.ReadAll(c.Request().Body)
			return err
		}},
	)
	for _, c := range []struct {
		method, path, body string
		status             int
		kind               apierror.Kind
	}{
		{"GET", "/panic", "", 500, apierror.KindInternal},
		{"GET", "/error", "", 500, apierror.KindInternal},
		{"GET", "/own", "", 400, apierror.KindInvalid},
		{"GET", "/nothing/here?secret=1", "", 404, apierror.KindNotFound},
		{"PUT", "/own", "", 405, apierror.KindMethodNotAllowed},
		{"BREW", "/own", "", 405, apierror.KindMethodNotAllowed},
		{"POST", "/body", strings.Repeat("x", 17), 413, apierror.KindTooLarge},
	} {
		got := do(t, c.method, url+c.path, c.body)
		if p := got.problem(t); got.StatusCode != c.status || p.Type != "/problems/"+string(c.kind) || strings.Contains(got.body, "secret") {
			t.Errorf("%s %s: %d %s", c.method, c.path, got.StatusCode, got.body)
		}
	}
	if allow := do(t, "PUT", url+"/own", "").Header.Get("Allow"); !strings.Contains(allow, "GET") {
		t.Errorf("Allow: %q", allow)
	}
	if p := do(t, "GET", url+"/own", "").problem(t); len(p.Errors) != 1 || p.Errors[0].Field != "q" || *p.Errors[0].Position != 3 {
		t.Errorf("errors: %+v", p.Errors)
	}

	// A body without a length is only seen to be too large while it is read.
	request, err := http.NewRequestWithContext(t.Context(), "POST", url+"/body", io.MultiReader(strings.NewReader("0123456789"), strings.NewReader("0123456789")))
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	_ = response.Body.Close()
	if response.StatusCode != 413 {
		t.Errorf("a chunked body beyond the bound: %d", response.StatusCode)
	}

	response, err = http.Get(url + "/cut")
	require.NoError(t, err)
	_, err = io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err == nil {
		t.Error("an answer that was cut short looks complete")
	}

	var text bytes.Buffer
	for _, entry := range logs.All() {
		fields, err := json.Marshal(entry.ContextMap())
		require.NoError(t, err)
		text.Write(fields)
	}
	if strings.Contains(text.String(), "secret=1") {
		t.Error("the log has a call's query")
	}
	for _, want := range []string{"dial secret-host", "the payload is secret", "the rest is missing"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the log lacks the cause %q", want)
		}
	}
}

func TestServer_RequestID(t *testing.T) {
	url := start(t, zaptest.NewLogger(t))
	for sent, kept := range map[string]bool{"abc-1.2:3_X": true, "": false, "a b": false, strings.Repeat("a", 129): false, `"><script>`: false} {
		got := do(t, "GET", url+"/none", "", "X-Request-Id", sent).problem(t).RequestID
		if (got == sent) != kept || got == "" {
			t.Errorf("sent %q, got %q", sent, got)
		}
	}
}

func TestServer_ShutdownEndsStreamsAndFinishesCalls(t *testing.T) {
	began, finish, bye := make(chan struct{}, 2), make(chan struct{}), make(chan struct{})
	server, err := New(Config{Addr: "127.0.0.1:0"}, Deps{
		Log: zaptest.NewLogger(t), Registry: prometheus.NewRegistry(), Keys: testKeys, Ready: NewReadiness(),
		OnShutdown: func() { close(bye) },
		Routes: []Route{
			{Method: "GET", Path: "/stream", Public: true, Stream: true, Handler: func(c echo.Context) error {
				c.Response().Flush()
				began <- struct{}{}
				<-bye
				_, err := c.Response().Write([]byte("bye"))
				return err
			}},
			{Method: "GET", Path: "/slow", Public: true, Handler: func(c echo.Context) error {
				began <- struct{}{}
				<-finish
				return c.String(200, "done")
			}},
		},
	})
	require.NoError(t, err)
	listener, err := Listen(t.Context(), "http.addr", "127.0.0.1:0")
	require.NoError(t, err)
	url := DefaultConfig().URL(listener)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener) }()
	bodies := make(chan string, 2)
	for _, path := range []string{"/stream", "/slow"} {
		go func() { bodies <- do(t, "GET", url+path, "").body }()
	}
	<-began
	<-began
	stop()
	if got := <-bodies; got != "bye" {
		t.Errorf("the stream ended with %q", got)
	}
	if response, err := http.Get(url + "/healthz"); err == nil {
		_ = response.Body.Close()
		t.Error("a new call was accepted during shutdown")
	}
	close(finish)
	if got := <-bodies; got != "done" {
		t.Errorf("the call under way ended with %q", got)
	}
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestServer_AddressInUse(t *testing.T) {
	url := start(t, zaptest.NewLogger(t))
	if _, err := Listen(t.Context(), "http.addr", strings.TrimPrefix(url, "http://")); err == nil || !strings.Contains(err.Error(), "http.addr: 127.0.0.1:") || !strings.Contains(err.Error(), "is in use by another program") || strings.Contains(err.Error(), "\n") {
		t.Errorf("Listen = %v", err)
	}
}

// metricsText returns what the admin address shows of a registry.
func metricsText(t *testing.T, registry *prometheus.Registry) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	admin := NewAdmin(zaptest.NewLogger(t), registry, NewReadiness())
	admin.http.Handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", "/metrics", nil))
	return recorder.Body.String()
}

func requireMetrics(t *testing.T, registry *prometheus.Registry, lines ...string) {
	t.Helper()
	text := metricsText(t, registry)
	for _, line := range lines {
		require.Contains(t, text, line+"\n")
	}
}

func TestServer_Metrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	ready := NewReadiness(Check{"good", func(context.Context) error { return nil }})
	url := serve(t, Config{Addr: "127.0.0.1:0"}, Deps{Log: zaptest.NewLogger(t), Registry: registry, Keys: testKeys, Ready: ready, Routes: []Route{
		{Method: "GET", Path: "/things/:id", Public: true, Handler: func(c echo.Context) error { return c.String(200, "12345") }},
	}})
	do(t, "GET", url+"/things/1", "")
	do(t, "GET", url+"/things/2", "")
	do(t, "BREW", url+"/no/such/path", "")
	admin := NewAdmin(zaptest.NewLogger(t), registry, ready)
	requireMetrics(t, registry,
		`daybook_http_requests_total{method="GET",route="/things/:id",status="200"} 2`,
		`daybook_http_requests_total{method="other",route="unmatched",status="404"} 1`,
		`daybook_http_response_bytes_total{route="/things/:id"} 10`,
		`daybook_http_request_duration_seconds_count{method="GET",route="/things/:id"} 2`,
		`daybook_http_requests_in_flight{route="/things/:id"} 0`,
	)
	if got := do(t, "GET", url+"/metrics", ""); got.StatusCode != 404 {
		t.Errorf("the API's address has /metrics: %d", got.StatusCode)
	}
	for path, want := range map[string]int{"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/healthz": 200, "/readyz": 200, "/other": 404} {
		recorder := httptest.NewRecorder()
		admin.http.Handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
		if recorder.Code != want {
			t.Errorf("%s on the admin address: %d", path, recorder.Code)
		}
	}
}

func TestServer_Pages(t *testing.T) {
	url := start(t, zaptest.NewLogger(t))
	list := do(t, "GET", url+"/problems", "")
	if list.StatusCode != 200 || !strings.Contains(list.body, string(apierror.KindForbidden)) || !strings.Contains(list.body, "font:") {
		t.Errorf("%d %s", list.StatusCode, list.body)
	}
	if policy := list.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("policy: %s", policy)
	}
	_, rest, _ := strings.Cut(list.body, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	if style != pageStyle {
		t.Errorf("the page's style is not what the policy allows:\n%s", style)
	}
	for _, kind := range apierror.Kinds {
		got := do(t, "GET", url+apierror.TypePath+string(kind), "")
		if got.StatusCode != 200 || !strings.Contains(got.body, string(kind)) {
			t.Errorf("%s is not explained: %d", kind, got.StatusCode)
		}
	}
	if got := do(t, "GET", url+apierror.TypePath+"other", ""); got.StatusCode != 404 {
		t.Errorf("an unknown kind: %d", got.StatusCode)
	}
}
