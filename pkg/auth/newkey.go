package auth

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"daybook/pkg/apierror"
	"daybook/pkg/tenant"
)

// NewKey is what a key is made from.
type NewKey struct {
	Name      string    // for people; may be empty
	Tenant    tenant.ID // tenant.All for a key of every tenant
	Scopes    []Scope
	ExpiresAt *time.Time // nil: never
}

const (
	maxNameBytes = 256
	// maxExpiryYear is the last that the table's DateTime64 holds.
	maxExpiryYear = 2299
)

// Validate returns every fault, by the field of the API's keys call, or nil.
func (n NewKey) Validate(now time.Time) *apierror.Error {
	return apierror.Join(n.tenantFault(), n.nameFault(), n.scopesFault(), n.expiryFault(now))
}

func (n NewKey) tenantFault() *apierror.Error {
	if n.Tenant == tenant.All {
		return nil
	}
	if n.Tenant == tenant.Own {
		return apierror.Invalid("tenantId", "%s is Daybook's own: choose another name", tenant.Own)
	}
	if err := n.Tenant.Validate(); err != nil {
		return apierror.Invalid("tenantId", "%s", err)
	}
	return nil
}

func (n NewKey) nameFault() *apierror.Error {
	switch {
	case len(n.Name) > maxNameBytes:
		return apierror.Invalid("name", "has at most %d bytes, this one has %d", maxNameBytes, len(n.Name))
	case !utf8.ValidString(n.Name) || strings.ContainsFunc(n.Name, unicode.IsControl):
		return apierror.Invalid("name", "must be text without control characters")
	}
	return nil
}

func (n NewKey) scopesFault() *apierror.Error {
	if len(n.Scopes) == 0 {
		return apierror.Invalid("scopes", "at least one is needed, of %s", scopeNames())
	}
	for i, s := range n.Scopes {
		if !slices.Contains(Scopes, s) {
			return apierror.Invalid("scopes", "%.64q is not one of %s", string(s), scopeNames())
		}
		if slices.Contains(n.Scopes[:i], s) {
			return apierror.Invalid("scopes", "%s stands there twice", s)
		}
	}
	return nil
}

func (n NewKey) expiryFault(now time.Time) *apierror.Error {
	switch {
	case n.ExpiresAt == nil:
	case !n.ExpiresAt.After(now):
		return apierror.Invalid("expiresAt", "must be in the future")
	case n.ExpiresAt.Year() > maxExpiryYear:
		return apierror.Invalid("expiresAt", "must be before the year %d; leave it out for a key that never expires", maxExpiryYear+1)
	}
	return nil
}

func scopeNames() string {
	names := make([]string, len(Scopes))
	for i, s := range Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
