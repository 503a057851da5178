package httpserver

import (
	"errors"
	"strings"

	"github.com/labstack/echo/v4"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/tenant"
)

// TenantHeader names the tenant of a call. It may only name what the key
// allows.
const TenantHeader = "X-Tenant-Id"

// callers tells who makes a call: by the key that it carries or, in a browser,
// by the session in its cookie.
type callers struct {
	keys     Verifier
	sessions SessionVerifier // nil: cookies are not looked at
}

// authenticate lets a call through whose key or session is good, has the
// route's scope, and may act for the tenant that the call names.
func (by callers) authenticate(r Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			principal, err := by.identify(c)
			if err != nil {
				return err
			}
			if !principal.May(r.Scope) {
				return apierror.New(apierror.KindForbidden, "the key lacks the scope %s", r.Scope)
			}
			selected, err := selectTenant(c, principal, r.AnyTenant)
			if err != nil {
				return err
			}
			if selected != tenant.All {
				c.SetRequest(c.Request().WithContext(tenant.NewContext(c.Request().Context(), selected)))
			}
			return next(c)
		}
	}
}

// identify returns the verified caller, and puts it into the request's
// context. A cookie counts only where there is no Authorization header.
func (by callers) identify(c echo.Context) (auth.Principal, error) {
	// What is answered to one caller is nobody else's.
	c.Response().Header().Set("Cache-Control", "no-store")
	c.Response().Header().Add("Vary", "Authorization, Cookie, "+TenantHeader)
	var principal auth.Principal
	text, found, err := bearer(c)
	switch {
	case found && err == nil:
		if principal, err = by.keys.Verify(c.Request().Context(), text); err != nil {
			err = refusal(err)
		}
	case !found:
		principal, err = by.session(c.Request())
	}
	if err != nil {
		return auth.Principal{}, err
	}
	c.SetRequest(c.Request().WithContext(auth.NewContext(c.Request().Context(), principal)))
	return principal, nil
}

// bearer returns the key that the call carries, and whether it tries to.
func bearer(c echo.Context) (key string, found bool, err error) {
	values := c.Request().Header.Values(echo.HeaderAuthorization)
	if len(values) == 0 {
		return "", false, nil
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", true, apierror.New(apierror.KindUnauthenticated, "the Authorization header must be: Bearer KEY")
	}
	return strings.TrimSpace(key), true, nil
}

func refusal(err error) error {
	if errors.Is(err, auth.ErrUnavailable) {
		return &apierror.Error{Kind: apierror.KindUnavailable, Detail: "the keys can't be read at the moment", Cause: err}
	}
	for _, known := range []error{auth.ErrUnknown, auth.ErrRevoked, auth.ErrExpired} {
		if errors.Is(err, known) {
			return apierror.New(apierror.KindUnauthenticated, "%s", known)
		}
	}
	return err
}

// selectTenant returns the tenant that the call acts for: tenant.All only
// with a key of every tenant, on a route that allows it.
func selectTenant(c echo.Context, p auth.Principal, anyTenant bool) (tenant.ID, error) {
	values := c.Request().Header.Values(TenantHeader)
	if len(values) > 1 {
		return "", apierror.Invalid(TenantHeader, "must be sent once")
	}
	if len(values) == 0 || values[0] == "" {
		if p.Tenant == tenant.All && !anyTenant {
			return "", apierror.Invalid(TenantHeader, "is needed with a key of every tenant")
		}
		return p.Tenant, nil
	}
	named := tenant.ID(values[0])
	if p.Tenant != tenant.All && named != p.Tenant {
		return "", apierror.New(apierror.KindForbidden, "the key does not allow the tenant that %s names", TenantHeader)
	}
	if err := named.Validate(); err != nil {
		return "", apierror.Invalid(TenantHeader, "%s", err)
	}
	return named, nil
}
