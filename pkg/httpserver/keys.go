package httpserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/tenant"
)

// Keys is where API keys are kept.
type Keys interface {
	Create(ctx context.Context, n auth.NewKey) (auth.Key, string, error)
	List(ctx context.Context, of tenant.ID) ([]auth.Key, error)
	Revoke(ctx context.Context, of tenant.ID, id string) error
}

// KeyRoutes are the calls that manage keys. The admin of one tenant sees and
// makes the keys of that tenant only.
func KeyRoutes(keys Keys) []Route {
	h := keyHandlers{keys: keys, now: time.Now}
	return []Route{
		{Method: http.MethodGet, Path: "/api/v1/keys", Scope: auth.ScopeAdmin, AnyTenant: true, Handler: h.list},
		{Method: http.MethodPost, Path: "/api/v1/keys", Scope: auth.ScopeAdmin, AnyTenant: true, Handler: h.create},
		{Method: http.MethodDelete, Path: "/api/v1/keys/:id", Scope: auth.ScopeAdmin, AnyTenant: true, Handler: h.revoke},
	}
}

type keyHandlers struct {
	keys Keys
	now  func() time.Time
}

type keyRequest struct {
	TenantID  *string      `json:"tenantId"`
	Name      string       `json:"name"`
	Scopes    []auth.Scope `json:"scopes"`
	ExpiresAt *string      `json:"expiresAt"`
}

type keyAnswer struct {
	ID        string       `json:"id"`
	Key       string       `json:"key,omitempty"` // shown once, by the call that made it
	TenantID  tenant.ID    `json:"tenantId"`
	Name      string       `json:"name"`
	Scopes    []auth.Scope `json:"scopes"`
	CreatedAt time.Time    `json:"createdAt"`
	ExpiresAt *time.Time   `json:"expiresAt"`
	RevokedAt *time.Time   `json:"revokedAt"`
}

func answerOf(k auth.Key, text string) keyAnswer {
	return keyAnswer{
		ID: k.ID, Key: text, TenantID: k.Tenant, Name: k.Name, Scopes: k.Scopes,
		CreatedAt: k.CreatedAt, ExpiresAt: k.ExpiresAt, RevokedAt: k.RevokedAt,
	}
}

// Reach returns the tenant that the call may manage: tenant.All for a key of
// every tenant that names none.
func Reach(c echo.Context) tenant.ID {
	ctx := c.Request().Context()
	p, _ := auth.FromContext(ctx)
	if p.Tenant == tenant.All && c.Request().Header.Get(TenantHeader) == "" {
		return tenant.All
	}
	return tenant.FromContext(ctx)
}

func (h keyHandlers) list(c echo.Context) error {
	if err := NoParameters(c.Request()); err != nil {
		return err
	}
	keys, err := h.keys.List(c.Request().Context(), Reach(c))
	if err != nil {
		return keyFault(err)
	}
	answer := struct {
		Keys []keyAnswer `json:"keys"`
	}{Keys: make([]keyAnswer, 0, len(keys))}
	for _, k := range keys {
		answer.Keys = append(answer.Keys, answerOf(k, ""))
	}
	return c.JSON(http.StatusOK, answer)
}

func (h keyHandlers) create(c echo.Context) error {
	if err := NoParameters(c.Request()); err != nil {
		return err
	}
	var request keyRequest
	if err := DecodeJSON(c.Request(), &request); err != nil {
		return err
	}
	n, fault := h.newKey(request, Reach(c))
	if fault != nil {
		return fault
	}
	key, text, err := h.keys.Create(c.Request().Context(), n)
	if err != nil {
		return keyFault(err)
	}
	c.Response().Header().Set("Cache-Control", "no-store")
	c.Response().Header().Set("Location", "/api/v1/keys/"+key.ID)
	return c.JSON(http.StatusCreated, answerOf(key, text))
}

func (h keyHandlers) revoke(c echo.Context) error {
	if err := NoParameters(c.Request()); err != nil {
		return err
	}
	err := h.keys.Revoke(c.Request().Context(), Reach(c), c.Param("id"))
	if err != nil {
		return keyFault(err)
	}
	return c.NoContent(http.StatusNoContent)
}

func keyFault(err error) error {
	switch {
	case errors.Is(err, auth.ErrNotFound):
		return apierror.New(apierror.KindNotFound, "%s", auth.ErrNotFound)
	case errors.Is(err, auth.ErrBootstrap):
		return apierror.New(apierror.KindConflict, "%s", auth.ErrBootstrap)
	case errors.Is(err, auth.ErrUnavailable):
		return &apierror.Error{Kind: apierror.KindUnavailable, Detail: "the keys can't be read or written at the moment", Cause: err}
	}
	return err
}

// newKey reads the request against what the caller may manage, and reports
// every fault by field.
func (h keyHandlers) newKey(r keyRequest, within tenant.ID) (auth.NewKey, error) {
	owner, ownerFault := newKeyTenant(r.TenantID, within)
	expires, expiresFault := newKeyExpiry(r.ExpiresAt)
	n := auth.NewKey{Name: r.Name, Tenant: owner, Scopes: r.Scopes, ExpiresAt: expires}
	if fault := apierror.Join(ownerFault, expiresFault, n.Validate(h.now())); fault != nil {
		return n, fault
	}
	return n, nil
}

// newKeyTenant returns the tenant that a new key is for: the one it names, or
// the only one that the caller may manage.
func newKeyTenant(named *string, within tenant.ID) (tenant.ID, *apierror.Error) {
	switch {
	case named == nil && within == tenant.All:
		return within, apierror.Invalid("tenantId", `is needed: a tenant, or "*" for all`)
	case named == nil:
		return within, nil
	case within != tenant.All && tenant.ID(*named) != within:
		const message = "keys can only be made for the tenant of the call"
		return within, &apierror.Error{
			Kind: apierror.KindForbidden, Detail: "tenantId: " + message,
			Fields: []apierror.Field{{Field: "tenantId", Message: message}},
		}
	}
	return tenant.ID(*named), nil
}

func newKeyExpiry(text *string) (*time.Time, *apierror.Error) {
	if text == nil {
		return nil, nil
	}
	at, err := time.Parse(time.RFC3339Nano, *text)
	if err != nil {
		return nil, apierror.Invalid("expiresAt", "must be a time as in 2027-01-31T12:00:00Z, or null")
	}
	at = at.UTC().Truncate(time.Millisecond)
	return &at, nil
}
