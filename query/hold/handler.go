package hold

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"time"

	"daybook/pkg/auth"
	"daybook/pkg/httpserver"
	"daybook/pkg/tenant"
)

// The event types of what happens to holds.
const (
	placedType = "hold.placed"
	liftedType = "hold.lifted"
)

// publishTimeout bounds how long an answer waits for Kafka.
const publishTimeout = 5 * time.Second

// caller is who places or lifts a hold.
type caller struct {
	tenant               tenant.ID
	key, name            string
	request, ip, browser string
}

func callerOf(w http.ResponseWriter, r *http.Request) caller {
	principal, _ := auth.FromContext(r.Context()) // Always there: the route needs a scope.
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = "" // Not TCP.
	}
	const maxAgent = 512
	return caller{
		tenant: tenant.FromContext(r.Context()), key: principal.KeyID, name: principal.Name,
		request: w.Header().Get("X-Request-Id"), ip: ip, browser: r.UserAgent()[:min(len(r.UserAgent()), maxAgent)],
	}
}

// tell publishes what happened to a hold. Its id follows from the hold's, so
// that what is told again, and lifted once, counts once.
func (s *Service) tell(ctx context.Context, by caller, kind string, h *Hold) error {
	type payload struct {
		Filter json.RawMessage `json:"filter"`
		Reason string          `json:"reason"` // of placing, or of lifting
	}
	of := payload{h.Filter, h.Reason}
	if h.LiftReason != nil {
		of.Reason = *h.LiftReason
	}
	text, err := json.Marshal(struct {
		EventID       string  `json:"eventId"`
		EventType     string  `json:"eventType"`
		Source        string  `json:"source"`
		Severity      string  `json:"severity"`
		ActorType     string  `json:"actorType"`
		ActorID       string  `json:"actorId"`
		ActorName     string  `json:"actorName,omitempty"`
		TargetType    string  `json:"targetType"`
		TargetID      string  `json:"targetId"`
		CorrelationID string  `json:"correlationId,omitempty"`
		IPAddress     string  `json:"ipAddress,omitempty"`
		UserAgent     string  `json:"userAgent,omitempty"`
		Payload       payload `json:"payload"`
	}{
		EventID: "evt_" + h.ID + "_" + kind, EventType: kind, Source: "daybook", Severity: "INFO", ActorType: "API_KEY", ActorID: by.key, ActorName: by.name,
		TargetType: "LEGAL_HOLD", TargetID: h.ID, CorrelationID: by.request, IPAddress: by.ip, UserAgent: by.browser, Payload: of,
	})
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), publishTimeout)
	defer cancel()
	return s.publish(bounded, h.tenant, text)
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
	return answer(w, http.StatusOK, map[string][]Hold{"holds": holds})
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
	h, err := s.Place(r.Context(), callerOf(w, r), body.Reason, body.Filter)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, h)
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
	h, err := s.Lift(r.Context(), callerOf(w, r), r.PathValue("id"), body.Reason)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, h)
}

func answer(w http.ResponseWriter, status int, value any) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Content-Length", strconv.Itoa(body.Len()))
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())
	return err
}
