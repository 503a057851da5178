package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"

	"daybook/pkg/apierror"
	"daybook/pkg/httpserver"
)

//go:embed all:dist
var built embed.FS

// Views are the paths at which the page itself is: it shows what the path says.
var Views = []string{"/", "/live", "/analysis", "/presets", "/audit", "/admin", "/admin/*"}

// policy lets the page load and call only what its own server serves. The styles
// that its scripts set on elements are not what style-src is about.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; " +
	"worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Routes serve the page and its files. Without `make build` before, the page is
// one that says so.
func Routes() ([]httpserver.Route, error) {
	dist, err := fs.Sub(built, "dist")
	if err != nil {
		return nil, err
	}
	return routes(dist)
}

func routes(dist fs.FS) ([]httpserver.Route, error) {
	files, err := load(dist)
	if err != nil {
		return nil, fmt.Errorf("read the built page: %w", err)
	}
	page, ok := files["index.html"]
	if !ok {
		page = newFile("index.html", []byte(notBuilt))
	}
	var list []httpserver.Route
	for _, view := range Views {
		list = append(list, httpserver.Route{Method: http.MethodGet, Path: view, Public: true, Handler: page.servePage})
	}
	return append(list,
		httpserver.Route{Method: http.MethodGet, Path: "/icon.svg", Public: true, Handler: files.serve},
		httpserver.Route{Method: http.MethodGet, Path: "/assets/*", Public: true, Handler: files.serve},
	), nil
}

const notBuilt = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Daybook</title></head>
<body><h1>Daybook</h1><p>The page is not in this program: it was built without it. Run <code>make build</code> and start it again.</p>
<p>The API works. <a href="/docs">Every call is described here</a>.</p></body></html>
`

// file is one file of the page, ready to be sent.
type file struct {
	content, gzipped []byte
	contentType      string
	etag             string
}

type files map[string]*file

// load reads all files. They are compressed once, here.
func load(dist fs.FS) (files, error) {
	found := files{}
	err := fs.WalkDir(dist, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasPrefix(entry.Name(), ".") {
			return err
		}
		content, err := fs.ReadFile(dist, name)
		if err != nil {
			return err
		}
		found[name] = newFile(name, content)
		return nil
	})
	return found, err
}

func newFile(name string, content []byte) *file {
	hash := sha256.Sum256(content)
	f := &file{content: content, contentType: mime.TypeByExtension(path.Ext(name)), etag: `"` + hex.EncodeToString(hash[:12]) + `"`}
	var packed bytes.Buffer
	w, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // The level exists.
	_, _ = w.Write(content)                                    // A buffer takes everything.
	_ = w.Close()
	if packed.Len() < len(content) {
		f.gzipped = packed.Bytes()
	}
	return f
}

func (f *file) servePage(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Asked for again at each visit, so that a new program's page is seen at once.
	return f.send(c, "no-cache")
}

// serve sends a file whose name carries its content's hash, except for the icon's.
func (all files) serve(c echo.Context) error {
	name := strings.TrimPrefix(c.Request().URL.Path, "/")
	f, ok := all[name]
	if !ok {
		return apierror.New(apierror.KindNotFound, "the page has no such file; reload it if the program was replaced")
	}
	if strings.HasPrefix(name, "assets/") {
		// A worker is under the policy that its own script came with.
		c.Response().Header().Set("Content-Security-Policy", policy)
		return f.send(c, "public, max-age=31536000, immutable")
	}
	return f.send(c, "no-cache")
}

func (f *file) send(c echo.Context, caching string) error {
	h := c.Response().Header()
	h.Set("Cache-Control", caching)
	h.Set("ETag", f.etag)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Add("Vary", "Accept-Encoding")
	if c.Request().Header.Get("If-None-Match") == f.etag {
		return c.NoContent(http.StatusNotModified)
	}
	content := f.content
	if f.gzipped != nil && acceptsGzip(c.Request().Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		content = f.gzipped
	}
	return c.Blob(http.StatusOK, f.contentType, content)
}

func acceptsGzip(accepted string) bool {
	for one := range strings.SplitSeq(accepted, ",") {
		name, quality, _ := strings.Cut(strings.TrimSpace(one), ";")
		if name == "gzip" && strings.ReplaceAll(quality, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
