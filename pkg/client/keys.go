package client

import (
	"context"
	"net/http"
	"time"
)

// Key is an API key, without its secret.
type Key struct {
	ID        string     `json:"id"`
	Key       string     `json:"key"` // the secret, from CreateKey alone
	TenantID  string     `json:"tenantId"`
	Name      string     `json:"name"`
	Scopes    []string   `json:"scopes"`
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt"` // nil: never
	RevokedAt *time.Time `json:"revokedAt"` // nil: it is not revoked
}

// NewKey is what a key is made from.
type NewKey struct {
	TenantID  string     `json:"tenantId,omitempty"` // empty: the tenant of the call; "*" for all
	Name      string     `json:"name,omitempty"`
	Scopes    []string   `json:"scopes"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
}

// Keys returns the keys of the tenant, or all of them with a key of every
// tenant that names none, the newest first.
func (c *Client) Keys(ctx context.Context) ([]Key, error) {
	var answer struct {
		Keys []Key `json:"keys"`
	}
	err := c.exchange(ctx, http.MethodGet, "/api/v1/keys", nil, nil, nil, &answer)
	return answer.Keys, err
}

// CreateKey makes a key. Its secret is shown this once.
func (c *Client) CreateKey(ctx context.Context, n NewKey) (*Key, error) {
	return submit[Key](ctx, c, http.MethodPost, "/api/v1/keys", nil, n)
}

// RevokeKey ends a key. To revoke it twice is no error.
func (c *Client) RevokeKey(ctx context.Context, id string) error {
	path, err := under("/api/v1/keys/", id, "")
	if err != nil {
		return err
	}
	return c.exchange(ctx, http.MethodDelete, path, nil, nil, nil, nil)
}
