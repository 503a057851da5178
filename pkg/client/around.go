package client

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
)

// Around is what happened around an event, in the order of time.
type Around struct {
	Event       Event  `json:"event"`
	Correlation *Chain `json:"correlation"` // nil: the event has no correlation id
	Actor       *Acts  `json:"actor"`       // nil: the event has no actor
	Meta        Meta   `json:"meta"`
}

// Chain is the events that share a correlation id, over all services.
type Chain struct {
	CorrelationID string      `json:"correlationId"`
	Timeline      []ChainLink `json:"timeline"`
	Services      []ChainPart `json:"services"`
	DurationMs    float64     `json:"durationMs"`
	MoreBefore    bool        `json:"moreBefore"`
	MoreAfter     bool        `json:"moreAfter"`
}

// ChainLink is an event of a chain, so long after the first.
type ChainLink struct {
	OffsetMs float64 `json:"offsetMs"`
	Event    Event   `json:"event"`
}

// ChainPart is the part of one service.
type ChainPart struct {
	Source  string  `json:"source"`
	Events  int     `json:"events"`
	FirstMs float64 `json:"firstMs"`
	LastMs  float64 `json:"lastMs"`
}

// Acts is what an actor did before and after an event.
type Acts struct {
	ActorType  string  `json:"actorType"`
	ActorID    string  `json:"actorId"`
	Before     []Event `json:"before"`
	After      []Event `json:"after"`
	MoreBefore bool    `json:"moreBefore"`
	MoreAfter  bool    `json:"moreAfter"`
}

// Around returns what happened around the event with the id: parameters are
// chain, before and after, each a number of events, and include.
func (c *Client) Around(ctx context.Context, id string, parameters url.Values) (*Around, error) {
	path, err := under("/api/v1/events/", id, "/context")
	if err != nil {
		return nil, err
	}
	return fetch[Around](ctx, c, path, parameters)
}

// Operation is an operation of RFC 6902.
type Operation struct {
	Op    string          `json:"op"`   // "add", "remove" or "replace"
	Path  string          `json:"path"` // RFC 6901
	Value json.RawMessage `json:"value,omitempty"`
}

// Difference is what makes the payload of one event that of another.
type Difference struct {
	From  string      `json:"from"`
	To    string      `json:"to"`
	Patch []Operation `json:"patch"`
	Meta  Meta        `json:"meta"`
}

// Diff returns how the payload of the event with the id differs from that of
// the other. The only parameter is include.
func (c *Client) Diff(ctx context.Context, id, with string, parameters url.Values) (*Difference, error) {
	path, err := under("/api/v1/events/", id, "/diff")
	if err != nil {
		return nil, err
	}
	all := url.Values{}
	maps.Copy(all, parameters)
	all.Set("with", with)
	return fetch[Difference](ctx, c, path, all)
}
