// Package record makes the events that Daybook writes into a tenant's log about
// what its callers do: who did it, from where, and in which request.
package record

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"daybook/pkg/auth"
	"daybook/pkg/tenant"
)

// Publish puts an event, the JSON of spec/event-log.txt without tenantId,
// into the tenant's log. It returns once all in-sync replicas have it.
type Publish func(ctx context.Context, id tenant.ID, event []byte) error

// Event is one of Daybook's own, as it is published. What By leaves empty says
// what was done, and to what.
type Event struct {
	Tenant        tenant.ID `json:"-"`
	EventID       string    `json:"eventId,omitempty"` // empty: a new one
	EventType     string    `json:"eventType"`
	Source        string    `json:"source"`
	Severity      string    `json:"severity"`
	ActorType     string    `json:"actorType"`
	ActorID       string    `json:"actorId"` // of the key
	ActorName     string    `json:"actorName,omitempty"`
	TargetType    string    `json:"targetType"`
	TargetID      string    `json:"targetId"`
	CorrelationID string    `json:"correlationId,omitempty"` // of the request
	IPAddress     string    `json:"ipAddress,omitempty"`
	UserAgent     string    `json:"userAgent,omitempty"`
	Payload       any       `json:"payload"`
}

// Timeout is how long an answer waits for Kafka to take its record.
const Timeout = 5 * time.Second

// maxAgent bounds what a caller can put into a record as its name, in bytes.
const maxAgent = 512

// By returns the event of what the caller of a request does. The route needs a
// scope, so there is a caller.
func By(w http.ResponseWriter, r *http.Request) Event {
	caller, _ := auth.FromContext(r.Context())
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = "" // Not TCP.
	}
	return Event{
		Tenant: tenant.FromContext(r.Context()), Source: "daybook", Severity: "INFO",
		ActorType: "API_KEY", ActorID: caller.KeyID, ActorName: caller.Name, CorrelationID: w.Header().Get("X-Request-Id"),
		IPAddress: ip, UserAgent: r.UserAgent()[:min(len(r.UserAgent()), maxAgent)],
	}
}

// Write publishes the event, and returns once Kafka has it, or after Timeout.
func (e Event) Write(ctx context.Context, publish Publish) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return publish(bounded, e.Tenant, text)
}
