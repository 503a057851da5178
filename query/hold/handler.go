package hold

import (
	"context"
	"encoding/json"
	"net/http"

	"daybook/pkg/httpserver"
	"daybook/pkg/tenant"
	"daybook/query/record"
	"daybook/query/statement"
)

// The event types of what happens to holds.
const (
	placedType = "hold.placed"
	liftedType = "hold.lifted"
)

// tell publishes what happened to a hold. Its id follows from the hold's, so
// that what is told again, and lifted once, counts once.
func (s *Service) tell(ctx context.Context, by record.Event, kind string, h *Hold) error {
	type payload struct {
		Filter json.RawMessage `json:"filter"`
		Reason string          `json:"reason"` // of placing, or of lifting
	}
	of := payload{h.Filter, h.Reason}
	if h.LiftReason != nil {
		of.Reason = *h.LiftReason
	}
	by.EventID, by.EventType, by.TargetType, by.TargetID, by.Payload = "evt_"+h.ID+"_"+kind, kind, "LEGAL_HOLD", h.ID, of
	return by.Write(context.WithoutCancel(ctx), s.publish)
}

// ServeList answers GET /api/v1/holds.
func (s *Service) ServeList(w http.ResponseWriter, r *http.Request) error {
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	holds, err := s.List(r.Context(), tenant.FromContext(r.Context()))
	if err != nil {
		return err
	}
	if holds == nil {
		holds = []Hold{}
	}
	return statement.WriteValue(w, http.StatusOK, map[string][]Hold{"holds": holds})
}

// ServePlace answers POST /api/v1/holds.
func (s *Service) ServePlace(w http.ResponseWriter, r *http.Request) error {
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	var body struct {
		Reason string          `json:"reason"`
		Filter json.RawMessage `json:"filter"`
	}
	if err := httpserver.DecodeJSON(r, &body); err != nil {
		return err
	}
	h, err := s.Place(r.Context(), record.By(w, r), body.Reason, body.Filter)
	if err != nil {
		return err
	}
	return statement.WriteValue(w, http.StatusCreated, h)
}

// ServeLift answers DELETE /api/v1/holds/{id}.
func (s *Service) ServeLift(w http.ResponseWriter, r *http.Request) error {
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	var body struct {
		Reason string `json:"reason"`
	}
	if err := httpserver.DecodeJSON(r, &body); err != nil {
		return err
	}
	h, err := s.Lift(r.Context(), record.By(w, r), r.PathValue("id"), body.Reason)
	if err != nil {
		return err
	}
	return statement.WriteValue(w, http.StatusOK, h)
}
