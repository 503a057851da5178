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

// authenticate lets a call through whose key is good, has the route's scope,
// and may act for the tenant that the call names.
func authenticate(keys Verifier, r Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			// What is answered to one key is nobody else's.
			c.Response().Header().Set("Cache-Control", "no-store")
			c.Response().Header().Add("Vary", "Authorization, "+TenantHeader)
			text, err := bearer(c)
			if err != nil {
				return err
			}
			ctx := c.Request().Context()
			principal, err := keys.Verify(ctx, text)
			if err != nil {
				return refusal(err)
			}
			if !principal.May(r.Scope) {
				return apierror.New(apierror.KindForbidden, "the key lacks the scope %s", r.Scope)
			}
			selected, err := selectTenant(c, principal, r.AnyTenant)
			if err != nil {
				return err
			}
			ctx = auth.NewContext(ctx, principal)
			if selected != tenant.All {
				ctx = tenant.NewContext(ctx, selected)
			}
			c.SetRequest(c.Request().WithContext(ctx))
			return next(c)
		}
	}
}

// bearer returns the key that the call carries.
func bearer(c echo.Context) (string, error) {
	values := c.Request().Header.Values(echo.HeaderAuthorization)
	if len(values) == 0 {
		return "", apierror.New(apierror.KindUnauthenticated, "the call has no key: send Authorization: Bearer KEY")
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", apierror.New(apierror.KindUnauthenticated, "the Authorization header must be: Bearer KEY")
	}
	return strings.TrimSpace(key), nil
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
