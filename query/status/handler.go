package status

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"daybook/pkg/auth"
	"daybook/pkg/httpserver"
	"daybook/pkg/tenant"
	"daybook/query/statement"
)

// Route is the call that shows the status.
func (s *Service) Route() httpserver.Route {
	return httpserver.Route{Method: http.MethodGet, Path: "/api/v1/status", Scope: auth.ScopeAdmin, AnyTenant: true, Handler: s.serve}
}

func (s *Service) serve(c echo.Context) error {
	r := c.Request()
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	caller, _ := auth.FromContext(r.Context())
	status, err := s.Read(r.Context(), httpserver.Reach(c), caller.Tenant == tenant.All)
	if err != nil {
		return err
	}
	body, err := json.Marshal(status)
	if err != nil {
		return fmt.Errorf("write the status: %w", err)
	}
	return statement.WriteJSON(c.Response(), body)
}
