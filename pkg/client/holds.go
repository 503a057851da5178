package client

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// Hold is a legal hold: what it keeps is not purged.
type Hold struct {
	ID           string          `json:"id"`
	Filter       json.RawMessage `json:"filter"` // an object with the names of the query parameters; {}: every event
	Reason       string          `json:"reason"`
	PlacedAt     time.Time       `json:"placedAt"`
	PlacedBy     string          `json:"placedBy"` // the id of the key
	PlacedByName string          `json:"placedByName"`
	LiftedAt     *time.Time      `json:"liftedAt"` // nil: it holds
	LiftedBy     *string         `json:"liftedBy"`
	LiftedByName *string         `json:"liftedByName"`
	LiftReason   *string         `json:"liftReason"`
}

// Holds returns the tenant's holds, lifted ones included, the newest first.
func (c *Client) Holds(ctx context.Context) ([]Hold, error) {
	answer, err := fetch[struct {
		Holds []Hold `json:"holds"`
	}](ctx, c, "/api/v1/holds", nil)
	if err != nil {
		return nil, err
	}
	return answer.Holds, nil
}

// PlaceHold keeps what the filter accepts: an object with the names of the
// query parameters, in the values that NewPreset takes. Nil: every event of the tenant.
func (c *Client) PlaceHold(ctx context.Context, reason string, filter any) (*Hold, error) {
	return submit[Hold](ctx, c, http.MethodPost, "/api/v1/holds", nil, map[string]any{"reason": reason, "filter": filter})
}

// LiftHold ends a hold.
func (c *Client) LiftHold(ctx context.Context, id, reason string) (*Hold, error) {
	path, err := under("/api/v1/holds/", id, "")
	if err != nil {
		return nil, err
	}
	return submit[Hold](ctx, c, http.MethodDelete, path, nil, map[string]string{"reason": reason})
}
