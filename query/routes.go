package query

import (
	"net/http"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/labstack/echo/v4"

	"daybook/pkg/archive"
	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
	"daybook/pkg/httpserver"
	"daybook/pkg/retention"
	"daybook/query/aggregate"
	"daybook/query/archived"
	"daybook/query/around"
	"daybook/query/audit"
	"daybook/query/export"
	"daybook/query/facet"
	"daybook/query/field"
	"daybook/query/hold"
	"daybook/query/openapi"
	"daybook/query/preset"
	"daybook/query/record"
	"daybook/query/search"
	"daybook/query/statement"
	"daybook/query/status"
)

// Deps is what the calls of the API work with.
type Deps struct {
	Conn   driver.Conn
	Limits statement.Config
	Kept   retention.Policy
	Now    func() time.Time
	Stored search.Stored // for order=ingest, which is refused where it is nil

	Intake    echo.HandlerFunc // POST /api/v1/events
	MaxIntake bytesize.Size    // of its body
	Stream    echo.HandlerFunc // GET /api/v1/events/stream
	Publish   record.Publish   // records reads of the audit log

	Topic   status.Topic   // for the status
	Version string         // of the program
	Archive bool           // closed days are kept beyond the retention
	Places  archive.Places // where, with Archive

	Keys, Sessions, DeadLetters []httpserver.Route
}

// Routes is every call of the API: what it needs stands beside what it does.
func Routes(d Deps) []httpserver.Route {
	reader := statement.NewReader(d.Conn, d.Limits)
	var places *archive.Places
	if d.Archive {
		places = &d.Places
	}
	past := archived.New(d.Conn, reader, places)
	events := search.New(reader, d.Kept, d.Now, d.Stored).WithArchive(past)
	aggregates := aggregate.New(reader, d.Kept, d.Now).WithArchive(past)
	exports := export.New(reader, d.Kept, d.Now).WithArchive(past)
	facets := facet.New(reader, d.Kept, d.Now).WithArchive(past)
	fields := field.New(reader, d.Kept, d.Now, events)
	surroundings := around.New(events)
	presets := preset.New(d.Conn, reader, d.Now)
	// filtering is handler for a call that filters: with preset=ID and @me.
	filtering := func(serve func(http.ResponseWriter, *http.Request) error) echo.HandlerFunc {
		return handler(func(w http.ResponseWriter, r *http.Request) error { return serve(w, presets.Asking(r)) })
	}
	holds := hold.New(d.Conn, reader, d.Now, d.Publish)
	log := audit.New(reader, d.Kept, d.Now, d.Publish).WithArchive(past)
	routes := []httpserver.Route{
		{Method: http.MethodPost, Path: "/api/v1/events", Scope: auth.ScopeEventsWrite, MaxBody: d.MaxIntake, Handler: d.Intake},
		{Method: http.MethodGet, Path: "/api/v1/events", Scope: auth.ScopeEventsRead, Handler: filtering(events.ServeSearch)},
		{Method: http.MethodGet, Path: "/api/v1/events/stream", Scope: auth.ScopeEventsRead, Stream: true, Handler: asking(presets, d.Stream)},
		{Method: http.MethodGet, Path: "/api/v1/events/export", Scope: auth.ScopeEventsRead, Stream: true, Handler: filtering(exports.ServeExport)},
		{Method: http.MethodGet, Path: "/api/v1/events/histogram", Scope: auth.ScopeEventsRead, Handler: filtering(aggregates.ServeHistogram)},
		{Method: http.MethodGet, Path: "/api/v1/events/facets", Scope: auth.ScopeEventsRead, Handler: filtering(facets.ServeFacets)},
		{Method: http.MethodGet, Path: "/api/v1/events/fields", Scope: auth.ScopeEventsRead, Handler: filtering(fields.ServeFields)},
		{Method: http.MethodGet, Path: "/api/v1/events/values", Scope: auth.ScopeEventsRead, Handler: filtering(fields.ServeValues)},
		{Method: http.MethodPost, Path: "/api/v1/events/aggregate", Scope: auth.ScopeEventsRead, Handler: filtering(aggregates.ServeAggregate)},
		{Method: http.MethodGet, Path: "/api/v1/events/:eventId", Scope: auth.ScopeEventsRead, Handler: handler(events.ServeEvent)},
		{Method: http.MethodGet, Path: "/api/v1/events/:eventId/context", Scope: auth.ScopeEventsRead, Handler: handler(surroundings.ServeContext)},
		{Method: http.MethodGet, Path: "/api/v1/events/:eventId/diff", Scope: auth.ScopeEventsRead, Handler: handler(surroundings.ServeDiff)},
		{Method: http.MethodGet, Path: "/api/v1/presets", Scope: auth.ScopeEventsRead, Handler: handler(presets.ServeList)},
		{Method: http.MethodPost, Path: "/api/v1/presets", Scope: auth.ScopePresetsWrite, Handler: handler(presets.ServeCreate)},
		{Method: http.MethodGet, Path: "/api/v1/presets/:id", Scope: auth.ScopeEventsRead, Handler: handler(presets.ServeGet)},
		{Method: http.MethodPut, Path: "/api/v1/presets/:id", Scope: auth.ScopePresetsWrite, Handler: handler(presets.ServeUpdate)},
		{Method: http.MethodDelete, Path: "/api/v1/presets/:id", Scope: auth.ScopePresetsWrite, Handler: handler(presets.ServeDelete)},
		{Method: http.MethodGet, Path: "/api/v1/holds", Scope: auth.ScopeAdmin, Handler: handler(holds.ServeList)},
		{Method: http.MethodPost, Path: "/api/v1/holds", Scope: auth.ScopeAdmin, Handler: handler(holds.ServePlace)},
		{Method: http.MethodDelete, Path: "/api/v1/holds/:id", Scope: auth.ScopeAdmin, Handler: handler(holds.ServeLift)},
		{Method: http.MethodGet, Path: "/api/audit", Scope: auth.ScopeAuditRead, Handler: handler(log.ServeList)},
		{Method: http.MethodGet, Path: "/api/audit/events", Scope: auth.ScopeAuditRead, Handler: handler(log.ServeEventTypes)},
		{Method: http.MethodGet, Path: "/api/audit/:id", Scope: auth.ScopeAuditRead, Handler: handler(log.ServeEvent)},
		{Method: http.MethodGet, Path: "/api/users/:id/audit", Scope: auth.ScopeAuditRead, Handler: handler(log.ServeUser)},
		status.New(reader, d.Topic, d.Kept, d.Now, d.Version, d.Archive).Route(),
	}
	return slices.Concat(routes, d.Sessions, d.Keys, d.DeadLetters, openapi.Routes())
}

// asking lets a handler's filter know who asks.
func asking(presets *preset.Service, next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		c.SetRequest(presets.Asking(c.Request()))
		return next(c)
	}
}

// handler adapts a handler of net/http to Echo. The parts of a path that Echo
// found are the request's path values.
func handler(serve func(http.ResponseWriter, *http.Request) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		request := c.Request()
		for _, name := range c.ParamNames() {
			request.SetPathValue(name, httpserver.PathValue(c, name))
		}
		return serve(c.Response(), request)
	}
}
