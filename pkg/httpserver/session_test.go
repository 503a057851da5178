package httpserver

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/auth"
)

// startSessions serves keys, sessions, and calls that need a scope.
func startSessions(t *testing.T) (url string, keys *auth.Store) {
	t.Helper()
	store := openKeys(t)
	routes := append(KeyRoutes(store), SessionRoutes(store, store)...)
	routes = append(routes,
		Route{Method: "GET", Path: "/read", Scope: auth.ScopeEventsRead, Handler: whoami},
		Route{Method: "POST", Path: "/write", Scope: auth.ScopeEventsWrite, Handler: whoami},
	)
	return serve(t, Config{Addr: "127.0.0.1:0"}, Deps{
		Log: zaptest.NewLogger(t), Registry: prometheus.NewRegistry(), Keys: store, Sessions: store, Ready: NewReadiness(), Routes: routes,
	}), store
}

const sessionPath = "/api/v1/session"

// cookieOf signs in and returns the cookie and the answer.
func cookieOf(t *testing.T, url, body string, headers ...string) (*http.Cookie, sessionAnswer) {
	t.Helper()
	got := do(t, "POST", url+sessionPath, body, headers...)
	require.Equal(t, 201, got.StatusCode, got.body)
	require.Equal(t, "no-store", got.Header.Get("Cache-Control"))
	require.Len(t, got.Cookies(), 1)
	cookie := got.Cookies()[0]
	require.NotContains(t, got.body, cookie.Value, "only the cookie has the secret")
	var who sessionAnswer
	require.NoError(t, json.Unmarshal([]byte(got.body), &who))
	return cookie, who
}

func TestSession_Cookie(t *testing.T) {
	url, _ := startSessions(t)
	key := makeKey(t, url, bootstrap, `{"tenantId": "acme", "name": "ops", "scopes": ["events:read"]}`)
	for _, c := range []struct {
		name    string
		headers []string
		cookie  string
		secure  bool
	}{
		{"without TLS", nil, "daybook_session", false},
		{"of the browser's own page", []string{"Origin", url, "Sec-Fetch-Site", "same-origin"}, "daybook_session", false},
		{"behind a proxy with TLS", []string{"Origin", "https://daybook.example", "Sec-Fetch-Site", "same-origin"}, "__Host-daybook_session", true},
		{"behind a proxy that says so", []string{"X-Forwarded-Proto", "https"}, "__Host-daybook_session", true},
	} {
		cookie, who := cookieOf(t, url, `{"key": " `+key.Key+`\n"}`, c.headers...)
		if cookie.Name != c.cookie || cookie.Secure != c.secure || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.Domain != "" ||
			cookie.MaxAge < 43190 || cookie.MaxAge > 43200 {
			t.Errorf("%s: %s", c.name, cookie.Raw)
		}
		require.Equal(t, sessionAnswer{KeyID: key.ID, Name: "ops", TenantID: "acme", Scopes: key.Scopes, ExpiresAt: who.ExpiresAt}, who)
		require.WithinDuration(t, time.Now().Add(auth.SessionLength), *who.ExpiresAt, time.Minute)

		got := do(t, "GET", url+sessionPath, "", "Cookie", cookie.Name+"="+cookie.Value)
		require.Equal(t, 200, got.StatusCode, got.body)
		var again sessionAnswer
		require.NoError(t, json.Unmarshal([]byte(got.body), &again))
		require.Equal(t, who, again, "it is the same by cookie")
		require.Contains(t, got.Header.Get("Vary"), "Cookie")
	}
	got := do(t, "GET", url+sessionPath, "", "Authorization", "Bearer "+key.Key)
	require.JSONEq(t, `{"keyId": "`+key.ID+`", "name": "ops", "tenantId": "acme", "scopes": ["events:read"], "expiresAt": null}`, got.body, "by key")
	_, who := cookieOf(t, url, `{"key": "bootstrap-secret", "tenantId": null}`)
	require.Equal(t, "*", string(who.TenantID))
}

func TestSession_WhatACookieMay(t *testing.T) {
	url, _ := startSessions(t)
	other := strings.Replace(url, "127.0.0.1", "localhost", 1)
	key := makeKey(t, url, bootstrap, `{"tenantId": "acme", "scopes": ["events:read", "events:write"]}`)
	cookie, _ := cookieOf(t, url, `{"key": "`+key.Key+`"}`)
	reading := makeKey(t, url, bootstrap, `{"tenantId": "acme", "scopes": ["events:read"]}`)
	readingCookie, _ := cookieOf(t, url, `{"key": "`+reading.Key+`"}`)
	allCookie, _ := cookieOf(t, url, `{"key": "bootstrap-secret"}`)
	boundCookie, _ := cookieOf(t, url, `{"key": "bootstrap-secret", "tenantId": "other"}`)
	session := cookie.Name + "=" + cookie.Value
	for _, c := range []struct {
		name, method, path string
		headers            []string
		status             int
		says               string
	}{
		{"reading", "GET", "/read", []string{"Cookie", session}, 200, "acme"},
		{"reading from its own page", "GET", "/read", []string{"Cookie", session, "Sec-Fetch-Site", "same-origin"}, 200, "acme"},
		{"reading by a typed address", "GET", "/read", []string{"Cookie", session, "Sec-Fetch-Site", "none"}, 200, "acme"},
		{"reading from another site", "GET", "/read", []string{"Cookie", session, "Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"reading from a neighbour", "GET", "/read", []string{"Cookie", session, "Sec-Fetch-Site", "same-site"}, 403, "another site"},
		{"reading from another origin", "GET", "/read", []string{"Cookie", session, "Origin", other}, 403, "another site"},
		{"writing", "POST", "/write", []string{"Cookie", session}, 200, "acme"},
		{"writing from its own page", "POST", "/write", []string{"Cookie", session, "Sec-Fetch-Site", "same-origin", "Origin", url}, 200, "acme"},
		{"writing from its own page in an old browser", "POST", "/write", []string{"Cookie", session, "Origin", url}, 200, "acme"},
		{"writing from another site", "POST", "/write", []string{"Cookie", session, "Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"writing from a neighbour", "POST", "/write", []string{"Cookie", session, "Sec-Fetch-Site", "same-site"}, 403, "another site"},
		{"writing from another origin in an old browser", "POST", "/write", []string{"Cookie", session, "Origin", other}, 403, "another site"},
		{"writing from a page without origin", "POST", "/write", []string{"Cookie", session, "Origin", "null"}, 403, "another site"},
		{"another site and no session", "GET", "/read", []string{"Sec-Fetch-Site", "cross-site"}, 401, "no key"},
		{"another site with a key", "GET", "/read", []string{"Authorization", "Bearer " + key.Key, "Cookie", session, "Sec-Fetch-Site", "cross-site"}, 200, "acme"},
		{"a scope that the key lacks", "POST", "/write", []string{"Cookie", readingCookie.Name + "=" + readingCookie.Value}, 403, "events:write"},
		{"another tenant", "GET", "/read", []string{"Cookie", session, TenantHeader, "other"}, 403, "does not allow the tenant"},
		{"every tenant, none named", "GET", "/read", []string{"Cookie", allCookie.Name + "=" + allCookie.Value}, 400, "is needed"},
		{"every tenant, one named", "GET", "/read", []string{"Cookie", allCookie.Name + "=" + allCookie.Value, TenantHeader, "acme"}, 200, "acme"},
		{"bound to one", "GET", "/read", []string{"Cookie", boundCookie.Name + "=" + boundCookie.Value}, 200, "other"},
		{"bound to one, another named", "GET", "/read", []string{"Cookie", boundCookie.Name + "=" + boundCookie.Value, TenantHeader, "acme"}, 403, "does not allow the tenant"},
		{"a bad key beside the cookie", "GET", "/read", []string{"Authorization", "Bearer x", "Cookie", session}, 401, "unknown"},
		{"another scheme beside the cookie", "GET", "/read", []string{"Authorization", "Basic YTpi", "Cookie", session}, 401, "must be"},
		{"the session as a key", "GET", "/read", []string{"Authorization", "Bearer " + cookie.Value}, 401, "unknown"},
		{"a key as the session", "GET", "/read", []string{"Cookie", cookie.Name + "=" + key.Key}, 401, "sign in again"},
		{"a made-up session", "GET", "/read", []string{"Cookie", cookie.Name + "=x"}, 401, "sign in again"},
		{"an empty session", "GET", "/read", []string{"Cookie", cookie.Name + "="}, 401, "no key"},
		{"under TLS, the cookie that anybody can set", "GET", "/read", []string{"Cookie", session, "X-Forwarded-Proto", "https"}, 401, "no key"},
		{"under TLS, its own", "GET", "/read", []string{"Cookie", "__Host-" + session, "X-Forwarded-Proto", "https"}, 200, "acme"},
		{"both cookies", "GET", "/read", []string{"Cookie", cookie.Name + "=x; __Host-" + session}, 200, "acme"},
		{"a key in the address", "GET", "/read?key=" + key.Key, nil, 401, "no key"},
		{"a session in the address", "GET", "/read?daybook_session=" + cookie.Value, nil, 401, "no key"},
	} {
		got := do(t, c.method, url+c.path, "", c.headers...)
		if got.StatusCode != c.status {
			t.Errorf("%s: %d %s", c.name, got.StatusCode, got.body)
			continue
		}
		if c.status == 200 {
			require.Equal(t, c.says, got.body, c.name)
		} else if p := got.problem(t); !strings.Contains(p.Detail, c.says) {
			t.Errorf("%s: %q does not say %q", c.name, p.Detail, c.says)
		}
		require.Contains(t, got.Header.Get("Vary"), "Cookie", c.name)
		require.Equal(t, "no-store", got.Header.Get("Cache-Control"), c.name)
	}
}

func TestSession_SignInRefused(t *testing.T) {
	url, _ := startSessions(t)
	key := makeKey(t, url, bootstrap, `{"tenantId": "acme", "scopes": ["events:read"]}`)
	revoked := makeKey(t, url, bootstrap, `{"tenantId": "acme", "scopes": ["events:read"]}`)
	require.Equal(t, 204, do(t, "DELETE", url+"/api/v1/keys/"+revoked.ID, "", "Authorization", bootstrap).StatusCode)
	cookie, _ := cookieOf(t, url, `{"key": "`+key.Key+`"}`)
	good := `{"key": "` + key.Key + `"}`
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		says                     string
	}{
		{"no such key", "POST", "", `{"key": "dbk_x"}`, nil, 401, "unknown"},
		{"a revoked key", "POST", "", `{"key": "` + revoked.Key + `"}`, nil, 401, "revoked"},
		{"a session", "POST", "", `{"key": "` + cookie.Value + `"}`, nil, 401, "secret of a session"},
		{"no key, but a session", "POST", "", `{}`, []string{"Cookie", cookie.Name + "=" + cookie.Value}, 400, "key: is needed"},
		{"no key, but a header", "POST", "", `{}`, []string{"Authorization", "Bearer " + key.Key}, 400, "key: is needed"},
		{"no body", "POST", "", ``, nil, 400, "must not be empty"},
		{"another tenant", "POST", "", `{"key": "` + key.Key + `", "tenantId": "other"}`, nil, 403, "does not allow this tenant"},
		{"an empty tenant", "POST", "", `{"key": "` + key.Key + `", "tenantId": ""}`, nil, 400, "tenantId"},
		{"no tenant", "POST", "", `{"key": "bootstrap-secret", "tenantId": "a\u0000"}`, nil, 400, "tenantId"},
		{"something else", "POST", "", `{"key": "` + key.Key + `", "password": "x"}`, nil, 400, "password"},
		{"a form", "POST", "", "key=" + key.Key, []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "application/json"},
		{"a key in the address", "POST", "?key=" + key.Key, good, nil, 400, "key: is not a parameter"},
		{"another site", "POST", "", good, []string{"Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"another site in an old browser", "POST", "", good, []string{"Origin", "http://evil.example"}, 403, "another site"},
		{"a large body", "POST", "", `{"key": "` + strings.Repeat("x", 20_000) + `"}`, nil, 413, "16384"},
		{"who, without anything", "GET", "", "", nil, 401, "no key"},
		{"who, with a parameter", "GET", "?access_token=x", "", []string{"Authorization", "Bearer " + key.Key}, 400, "access_token: is not a parameter"},
		{"who, from another site", "GET", "", "", []string{"Cookie", cookie.Name + "=" + cookie.Value, "Sec-Fetch-Site", "cross-site"}, 403, "another site"},
		{"signing out from another site", "DELETE", "", "", []string{"Cookie", cookie.Name + "=" + cookie.Value, "Sec-Fetch-Site", "cross-site"}, 403, "another site"},
	} {
		got := do(t, c.method, url+sessionPath+c.path, c.body, c.headers...)
		if p := got.problem(t); got.StatusCode != c.status || !strings.Contains(p.Detail, c.says) {
			t.Errorf("%s: %d %s", c.name, got.StatusCode, got.body)
		}
		if len(got.Cookies()) > 0 {
			t.Errorf("%s: sets %v", c.name, got.Cookies())
		}
	}
	require.Equal(t, 200, do(t, "GET", url+"/read", "", "Cookie", cookie.Name+"="+cookie.Value).StatusCode, "nobody was signed out")
}

func TestSession_SignOut(t *testing.T) {
	url, store := startSessions(t)
	key := makeKey(t, url, bootstrap, `{"tenantId": "acme", "scopes": ["events:read"]}`)
	cookie, _ := cookieOf(t, url, `{"key": "`+key.Key+`"}`)
	elsewhere, _ := cookieOf(t, url, `{"key": "`+key.Key+`"}`)
	session := cookie.Name + "=" + cookie.Value

	// A session of the browser's is replaced, not left behind.
	next, _ := cookieOf(t, url, `{"key": "`+key.Key+`"}`, "Cookie", session)
	require.Equal(t, 401, do(t, "GET", url+"/read", "", "Cookie", session).StatusCode)
	session = next.Name + "=" + next.Value
	require.Equal(t, 200, do(t, "GET", url+"/read", "", "Cookie", session).StatusCode)

	got := do(t, "DELETE", url+sessionPath, "", "Cookie", session, "Sec-Fetch-Site", "same-origin")
	require.Equal(t, 204, got.StatusCode, got.body)
	require.Len(t, got.Cookies(), 1)
	if c := got.Cookies()[0]; c.Name != next.Name || c.Value != "" || c.MaxAge >= 0 || c.Path != "/" {
		t.Errorf("the cookie is not cleared: %s", c.Raw)
	}
	answer := do(t, "GET", url+"/read", "", "Cookie", session)
	require.Equal(t, 401, answer.StatusCode)
	require.Contains(t, answer.problem(t).Detail, "sign in again")
	for _, headers := range [][]string{nil, {"Cookie", session}, {"Cookie", "other=x"}, {"Sec-Fetch-Site", "cross-site"}} {
		require.Equal(t, 204, do(t, "DELETE", url+sessionPath, "", headers...).StatusCode, headers)
	}
	got = do(t, "DELETE", url+sessionPath, "", "Cookie", "__Host-"+session, "X-Forwarded-Proto", "https")
	require.Len(t, got.Cookies(), 1)
	require.True(t, got.Cookies()[0].Secure, "else browsers leave a cookie of this name alone")

	require.Equal(t, 200, do(t, "GET", url+"/read", "", "Cookie", elsewhere.Name+"="+elsewhere.Value).StatusCode, "another browser's session goes on")
	require.Equal(t, 204, do(t, "DELETE", url+"/api/v1/keys/"+key.ID, "", "Authorization", bootstrap).StatusCode)
	require.Equal(t, 401, do(t, "GET", url+"/read", "", "Cookie", elsewhere.Name+"="+elsewhere.Value).StatusCode, "until its key is revoked")
	require.NoError(t, store.Refresh(context.WithoutCancel(t.Context())))
	require.Equal(t, 401, do(t, "GET", url+sessionPath, "", "Cookie", elsewhere.Name+"="+elsewhere.Value).StatusCode)
}

// brokenSessions can't be written.
type brokenSessions struct{ Sessions }

func (brokenSessions) SignOut(context.Context, string) error { return auth.ErrUnavailable }

func TestSession_SignOutWhileTheKeysAreAway(t *testing.T) {
	url := start(t, zaptest.NewLogger(t), SessionRoutes(testKeys, brokenSessions{})...)
	got := do(t, "DELETE", url+sessionPath, "", "Cookie", "daybook_session=x")
	require.Equal(t, 503, got.StatusCode)
	require.Contains(t, got.problem(t).Detail, "the browser has forgotten its session")
	require.Len(t, got.Cookies(), 1)
	require.Negative(t, got.Cookies()[0].MaxAge)
}
