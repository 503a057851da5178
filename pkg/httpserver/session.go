package httpserver

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
	"daybook/pkg/tenant"
)

// Sessions is where the sessions of browsers are kept.
type Sessions interface {
	SessionVerifier
	SignIn(ctx context.Context, key string, of tenant.ID) (auth.Principal, string, error)
	SignOut(ctx context.Context, session string) error
}

// SessionRoutes are the calls by which a browser signs in, asks who it is, and
// signs out. They are public, since they see for themselves who calls. The
// session's secret is only ever in a cookie that no script can read.
func SessionRoutes(keys Verifier, sessions Sessions) []Route {
	h := sessionHandlers{by: callers{keys: keys, sessions: sessions}, sessions: sessions}
	const path = "/api/v1/session"
	return []Route{
		{Method: http.MethodGet, Path: path, Public: true, Handler: h.who},
		{Method: http.MethodPost, Path: path, Public: true, MaxBody: 16 * bytesize.KiB, Handler: h.signIn},
		{Method: http.MethodDelete, Path: path, Public: true, Handler: h.signOut},
	}
}

type sessionHandlers struct {
	by       callers
	sessions Sessions
}

type sessionAnswer struct {
	KeyID     string       `json:"keyId"`
	Name      string       `json:"name"`
	TenantID  tenant.ID    `json:"tenantId"`
	Scopes    []auth.Scope `json:"scopes"`
	ExpiresAt *time.Time   `json:"expiresAt"`
}

func sessionOf(p auth.Principal) sessionAnswer {
	return sessionAnswer{KeyID: p.KeyID, Name: p.Name, TenantID: p.Tenant, Scopes: p.Scopes, ExpiresAt: p.ExpiresAt}
}

func (h sessionHandlers) who(c echo.Context) error {
	p, err := h.by.identify(c)
	if err != nil {
		return err
	}
	if err := NoParameters(c.Request()); err != nil {
		return err
	}
	return c.JSON(http.StatusOK, sessionOf(p))
}

func (h sessionHandlers) signIn(c echo.Context) error {
	request := c.Request()
	c.Response().Header().Set("Cache-Control", "no-store")
	if err := NoParameters(request); err != nil { // A key in a URL is in every log on the way.
		return err
	}
	// Else the page of another site could sign a browser in as somebody else.
	if err := sameOrigin(request); err != nil {
		return err
	}
	var asked struct {
		Key      string     `json:"key"`
		TenantID *tenant.ID `json:"tenantId"`
	}
	if err := DecodeJSON(request, &asked); err != nil {
		return err
	}
	key, of := strings.TrimSpace(asked.Key), tenant.ID("")
	if key == "" {
		return apierror.Invalid("key", "is needed: the text of an API key")
	}
	if asked.TenantID != nil {
		if of = *asked.TenantID; of == "" {
			return apierror.Invalid("tenantId", "must not be empty: leave it out for all that the key allows")
		}
	}
	p, text, err := h.sessions.SignIn(request.Context(), key, of)
	if err != nil {
		return refusal(err)
	}
	// The browser forgets the session that it had; what ends with it are the streams of its other pages.
	_ = h.sessions.SignOut(request.Context(), sessionText(request)) // If not, its secret is gone all the same.
	setSession(c.Response(), request, text, time.Until(*p.ExpiresAt))
	c.SetRequest(request.WithContext(auth.NewContext(request.Context(), p)))
	return c.JSON(http.StatusCreated, sessionOf(p))
}

func (h sessionHandlers) signOut(c echo.Context) error {
	request := c.Request()
	c.Response().Header().Set("Cache-Control", "no-store")
	if err := NoParameters(request); err != nil {
		return err
	}
	text := sessionText(request)
	if text == "" {
		return c.NoContent(http.StatusNoContent)
	}
	if err := sameOrigin(request); err != nil {
		return err
	}
	forgetSession(c.Response(), request)
	if err := h.sessions.SignOut(request.Context(), text); err != nil {
		return &apierror.Error{
			Kind: apierror.KindUnavailable, Cause: err,
			Detail: "the browser has forgotten its session, but the keys can't be written at the moment: the session ends by itself",
		}
	}
	return c.NoContent(http.StatusNoContent)
}
