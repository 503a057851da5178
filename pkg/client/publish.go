package client

import (
	"context"
	"net/http"
	"time"
)

// NewEvent is an event to publish. What is empty is left out, and filled in
// where an event must have it.
type NewEvent struct {
	EventID       string     `json:"eventId,omitempty"`  // made where it is missing
	TenantID      string     `json:"tenantId,omitempty"` // the key's where it is missing
	EventType     string     `json:"eventType"`
	Source        string     `json:"source,omitempty"`
	Severity      string     `json:"severity,omitempty"` // INFO where it is missing
	ActorType     string     `json:"actorType,omitempty"`
	ActorID       string     `json:"actorId,omitempty"`
	ActorName     string     `json:"actorName,omitempty"`
	ActorEmail    string     `json:"actorEmail,omitempty"`
	TargetType    string     `json:"targetType,omitempty"`
	TargetID      string     `json:"targetId,omitempty"`
	CorrelationID string     `json:"correlationId,omitempty"`
	IPAddress     string     `json:"ipAddress,omitempty"`
	UserAgent     string     `json:"userAgent,omitempty"`
	CreatedAt     *time.Time `json:"createdAt,omitempty"` // now where it is missing
	Payload       any        `json:"payload,omitempty"`   // anything whose JSON is an object
}

// Publish publishes events, all or none, and returns their ids once every
// in-sync replica of Kafka has them. After an error that leaves this open, publishing the same events
// again, with the same EventID and CreatedAt, stores none of them twice.
func (c *Client) Publish(ctx context.Context, events ...NewEvent) ([]string, error) {
	var answer struct {
		EventIDs []string `json:"eventIds"`
	}
	err := c.exchange(ctx, http.MethodPost, "/api/v1/events", nil, nil, events, &answer)
	return answer.EventIDs, err
}
