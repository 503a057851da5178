package query

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/httpserver"
	"daybook/query/openapi"
	"daybook/query/statement"
)

// Every call is described, with its scope, and nothing else is.
func TestRoutes_AreDescribed(t *testing.T) {
	d, err := openapi.Load()
	require.NoError(t, err)
	part := regexp.MustCompile(`:(\w+)`)
	served := map[openapi.Operation]bool{}
	for _, r := range Routes(Deps{Keys: httpserver.KeyRoutes(nil), Sessions: httpserver.SessionRoutes(nil, nil), DeadLetters: deadLetters}) {
		o := openapi.Operation{Method: r.Method, Path: part.ReplaceAllString(r.Path, "{$1}"), Scope: string(r.Scope)}
		served[o] = true
		require.Contains(t, d.Operations(), o, "query/openapi/openapi.yaml doesn't describe it")
		require.Equal(t, r.Public, o.Scope == "")
	}
	for _, o := range d.Operations() {
		require.True(t, served[o], "%v is described, but no call of the server", o)
	}
}

// deadLetters stand for the calls that ingest answers, which this package must not know.
var deadLetters = []httpserver.Route{
	{Method: "GET", Path: "/api/v1/deadletters", Scope: "admin"},
	{Method: "GET", Path: "/api/v1/deadletters/:id", Scope: "admin"},
	{Method: "POST", Path: "/api/v1/deadletters/replay", Scope: "admin"},
}

func TestRoutes_Reference(t *testing.T) {
	base := serve(t, statement.DefaultConfig())
	read := func(path string) (string, http.Header) {
		answer, err := http.Get(base + path)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusOK, answer.StatusCode)
		return string(body), answer.Header
	}
	document, header := read("/openapi.json")
	require.Equal(t, "application/json", header.Get("Content-Type"))
	require.Contains(t, document, `"openapi": "3.1.0"`)

	page, header := read("/docs")
	require.Contains(t, header.Get("Content-Type"), "text/html")
	require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'sha256-")
	require.NotRegexp(t, `(?i)<script|<link|<img|style="|https?://|@import|url\(`, page, "it loads nothing from anywhere")
	d, err := openapi.Load()
	require.NoError(t, err)
	for _, o := range d.Operations() {
		require.Contains(t, page, o.Path+"</code>")
	}
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		require.False(t, ids[id[1]], "%s stands there twice", id[1])
		ids[id[1]] = true
	}
	for _, link := range regexp.MustCompile(` href="#([^"]+)"`).FindAllStringSubmatch(page, -1) {
		require.True(t, ids[link[1]], "a link to %s leads nowhere", link[1])
	}
	require.NotContains(t, page, "ZgotmplZ")
	require.Equal(t, 1, strings.Count(page, "<h1>"))
}
