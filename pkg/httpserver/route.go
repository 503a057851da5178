package httpserver

import (
	"github.com/labstack/echo/v4"

	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
)

// Route is one call of the HTTP API. Routes are listed in tables, so that what
// a call needs stands beside what it does.
type Route struct {
	Method string
	Path   string // as Echo spells it: /api/v1/events/:eventId
	// Scope is what the caller's key must carry. Public is the only other way
	// in: a route with neither is refused when the server is built.
	Scope  auth.Scope
	Public bool
	// AnyTenant lets a key of every tenant leave X-Tenant-Id out. Without it,
	// the request's context always carries one tenant (tenant.FromContext).
	AnyTenant bool
	// Stream marks an answer that may last: the handler sets its own write
	// deadlines, and the call is left out of the latency histogram.
	Stream bool
	// MaxBody bounds the request's body; zero means DefaultMaxBody.
	MaxBody bytesize.Size
	Handler echo.HandlerFunc
}

// DefaultMaxBody bounds the body of a request whose route names no bound.
const DefaultMaxBody = bytesize.MiB
