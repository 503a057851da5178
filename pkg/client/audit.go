package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"time"
)

// AuditLog is an event of the audit log.
type AuditLog struct {
	ID        string          `json:"id"`
	UserID    *string         `json:"user_id"`
	UserEmail *string         `json:"user_email"`
	UserName  *string         `json:"user_name"` // of AuditEvent alone
	EventType string          `json:"event_type"`
	EventData json.RawMessage `json:"event_data"`
	IPAddress *string         `json:"ip_address"`
	UserAgent *string         `json:"user_agent"`
	CreatedAt time.Time       `json:"created_at"`
}

// Pagination says which page of how many an answer is.
type Pagination struct {
	Page       int64 `json:"page"`
	Limit      int64 `json:"limit"`
	Total      int64 `json:"total"`
	TotalPages int64 `json:"total_pages"`
}

// AuditPage is a page of the audit log, the newest first.
type AuditPage struct {
	User       *AuditUser `json:"user"` // of UserAudit alone
	AuditLogs  []AuditLog `json:"audit_logs"`
	Pagination Pagination `json:"pagination"`
}

// AuditUser is whose audit log a page is of.
type AuditUser struct {
	ID    string  `json:"id"`
	Email *string `json:"email"`
}

// AuditEventType is an event type of the audit log, and how often it occurs.
type AuditEventType struct {
	EventType string `json:"event_type"`
	Count     int64  `json:"count"`
}

// Audit returns a page of the audit log: parameters are page, limit, event_type,
// user_id, start_date and end_date. Each read of the log is itself recorded in it.
func (c *Client) Audit(ctx context.Context, parameters url.Values) (*AuditPage, error) {
	return fetch[AuditPage](ctx, c, "/api/audit", parameters)
}

// AuditEventTypes returns the event types of the audit log, the most frequent first.
// The only parameter is include.
func (c *Client) AuditEventTypes(ctx context.Context, parameters url.Values) ([]AuditEventType, error) {
	var answer struct {
		EventTypes []AuditEventType `json:"event_types"`
	}
	err := c.exchange(ctx, http.MethodGet, "/api/audit/events", parameters, nil, nil, &answer)
	return answer.EventTypes, err
}

// AuditEvent returns one event of the audit log. The only parameter is include.
func (c *Client) AuditEvent(ctx context.Context, id string, parameters url.Values) (*AuditLog, error) {
	path, err := under("/api/audit/", id, "")
	if err != nil {
		return nil, err
	}
	return fetch[AuditLog](ctx, c, path, parameters)
}

// UserAudit returns a page of the audit log of one user: parameters are page and limit.
func (c *Client) UserAudit(ctx context.Context, user string, parameters url.Values) (*AuditPage, error) {
	path, err := under("/api/users/", user, "/audit")
	if err != nil {
		return nil, err
	}
	return fetch[AuditPage](ctx, c, path, parameters)
}
