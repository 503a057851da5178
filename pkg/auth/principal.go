// Package auth decides who asks and what they may: API keys are random, kept
// as hashes only, bound to one tenant (or all) with scopes. A browser signs in
// with a key and is given a session of it, which may do no more and lasts no
// longer than the key.
package auth

import (
	"context"
	"slices"
	"time"

	"daybook/pkg/tenant"
)

// Scope is a permission that a key carries.
type Scope string

// The scopes a key may have. Admin includes every other.
const (
	ScopeEventsRead   Scope = "events:read"
	ScopeEventsWrite  Scope = "events:write"
	ScopePresetsWrite Scope = "presets:write"
	ScopeAuditRead    Scope = "audit:read"
	ScopeAdmin        Scope = "admin"
)

// Scopes lists every scope.
var Scopes = []Scope{ScopeEventsRead, ScopeEventsWrite, ScopePresetsWrite, ScopeAuditRead, ScopeAdmin}

// Principal is the verified caller of a request.
type Principal struct {
	KeyID     string // also where the caller shows a session of the key
	Name      string
	Tenant    tenant.ID // tenant.All for a key of every tenant
	Scopes    []Scope
	ExpiresAt *time.Time // of the session, or else of the key; nil: never
	Session   string     // the id of the session; empty: the caller shows the key itself
}

// Credential returns the id of what the caller shows, which Store.Valid knows:
// the session or else the key.
func (p Principal) Credential() string {
	if p.Session != "" {
		return p.Session
	}
	return p.KeyID
}

// May reports whether the principal has the scope.
func (p Principal) May(scope Scope) bool {
	return slices.Contains(p.Scopes, scope) || slices.Contains(p.Scopes, ScopeAdmin)
}

type contextKey struct{}

// NewContext returns ctx carrying the verified caller.
func NewContext(ctx context.Context, p Principal) context.Context {
	return context.WithValue(ctx, contextKey{}, p)
}

// FromContext returns the verified caller, and false where the request has none.
func FromContext(ctx context.Context) (Principal, bool) {
	p, ok := ctx.Value(contextKey{}).(Principal)
	return p, ok
}
