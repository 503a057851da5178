// Package auth decides who asks and what they may: API keys are random, kept
// as hashes only, bound to one tenant (or all) with scopes.
package auth

import (
	"context"
	"slices"

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
	KeyID  string
	Name   string
	Tenant tenant.ID // tenant.All for a key of every tenant
	Scopes []Scope
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
