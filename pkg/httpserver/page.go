package httpserver

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // The pages are part of the program.
	"encoding/base64"
	"html/template"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"daybook/pkg/apierror"
)

var (
	//go:embed page.css
	pageStyle string
	//go:embed page.html
	pageSource string

	pages = template.Must(template.New("page").Parse(pageSource))
)

// PagePolicy is the Content-Security-Policy of a page that has its own style
// and nothing else.
func PagePolicy(style string) string {
	hash := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) +
		"'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// secureHeaders are right for every answer; pages replace the policy.
func secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		if c.IsTLS() {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

// ownRoutes are those of the server itself.
func ownRoutes(ready *Readiness) []Route {
	return append(healthRoutes(ready),
		Route{Method: http.MethodGet, Path: strings.TrimSuffix(apierror.TypePath, "/"), Public: true, Handler: listProblems},
		Route{Method: http.MethodGet, Path: apierror.TypePath + ":kind", Public: true, Handler: explainProblem},
	)
}

type problemPage struct {
	Style template.CSS
	Kinds []apierror.Kind
	Kind  apierror.Kind // set on the page that explains one
}

func listProblems(c echo.Context) error { return render(c, "problems", problemPage{}) }

func explainProblem(c echo.Context) error {
	kind := apierror.Kind(c.Param("kind"))
	if !kind.Known() {
		return apierror.New(apierror.KindNotFound, "there is no such kind of problem")
	}
	return render(c, "problem", problemPage{Kind: kind})
}

func render(c echo.Context, name string, data problemPage) error {
	data.Style = template.CSS(pageStyle) //nolint:gosec // Our own file.
	data.Kinds = apierror.Kinds
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		return err
	}
	c.Response().Header().Set("Content-Security-Policy", PagePolicy(pageStyle))
	return c.HTMLBlob(http.StatusOK, page.Bytes())
}
