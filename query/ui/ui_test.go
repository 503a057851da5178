package ui

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/labstack/echo/v4"
	"github.com/stretchr/testify/require"
)

func serve(t *testing.T, dist fstest.MapFS) *echo.Echo {
	t.Helper()
	list, err := routes(dist)
	require.NoError(t, err)
	e := echo.New()
	for _, r := range list {
		require.True(t, r.Public, r.Path)
		e.Add(r.Method, r.Path, r.Handler)
	}
	return e
}

func get(t *testing.T, e *echo.Echo, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	e.ServeHTTP(recorder, request)
	return recorder
}

var dist = fstest.MapFS{
	"index.html":          {Data: []byte("<!doctype html><title>page</title>" + strings.Repeat(" ", 1000))},
	"icon.svg":            {Data: []byte("<svg/>")},
	"assets/index-abc.js": {Data: []byte(strings.Repeat("let a;", 1000))},
	".gitignore":          {Data: []byte("*")},
}

func TestRoutes_Files(t *testing.T) {
	e := serve(t, dist)
	for path, want := range map[string]struct{ contentType, caching string }{
		"/":                    {"text/html; charset=utf-8", "no-cache"},
		"/live":                {"text/html; charset=utf-8", "no-cache"},
		"/admin/keys":          {"text/html; charset=utf-8", "no-cache"},
		"/assets/index-abc.js": {"text/javascript; charset=utf-8", "public, max-age=31536000, immutable"},
		"/icon.svg":            {"image/svg+xml", "no-cache"},
	} {
		t.Run(path, func(t *testing.T) {
			got := get(t, e, path)
			require.Equal(t, http.StatusOK, got.Code)
			require.Equal(t, want.contentType, got.Header().Get("Content-Type"))
			require.Equal(t, want.caching, got.Header().Get("Cache-Control"))
			require.Empty(t, got.Header().Get("Content-Encoding"))
			again := get(t, e, path, "If-None-Match", got.Header().Get("ETag"))
			require.Equal(t, http.StatusNotModified, again.Code)
		})
	}
	for _, path := range []string{"/assets/other.js", "/assets/../index.html", "/.gitignore", "/assets/"} {
		require.NotEqual(t, http.StatusOK, get(t, e, path).Code, path)
	}
}

func TestRoutes_Gzip(t *testing.T) {
	e := serve(t, dist)
	got := get(t, e, "/assets/index-abc.js", "Accept-Encoding", "br, gzip")
	require.Equal(t, "gzip", got.Header().Get("Content-Encoding"))
	unpacked, err := gzip.NewReader(got.Body)
	require.NoError(t, err)
	content, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	require.Equal(t, dist["assets/index-abc.js"].Data, content)
	require.Empty(t, get(t, e, "/assets/index-abc.js", "Accept-Encoding", "gzip;q=0").Header().Get("Content-Encoding"))
	require.Empty(t, get(t, e, "/icon.svg", "Accept-Encoding", "gzip").Header().Get("Content-Encoding"), "a file that gzip makes larger")
}

func TestRoutes_Policy(t *testing.T) {
	// A worker has the policy of its script, not the page's.
	for _, path := range []string{"/", "/assets/index-abc.js"} {
		require.Equal(t, policy, get(t, serve(t, dist), path).Header().Get("Content-Security-Policy"), path)
	}
	for _, loose := range []string{"unsafe", "*", "http:", "data:"} {
		require.NotContains(t, policy, loose)
	}
}

func TestRoutes_NotBuilt(t *testing.T) {
	got := get(t, serve(t, fstest.MapFS{".gitignore": {Data: []byte("*")}}), "/")
	require.Equal(t, http.StatusOK, got.Code)
	require.Contains(t, got.Body.String(), "make build")
}
