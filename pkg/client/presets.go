package client

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Preset is a saved filter.
type Preset struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Filter    json.RawMessage `json:"filter"` // an object with the names of the filter's parameters
	Shared    bool            `json:"shared"`
	Owner     *string         `json:"owner"` // the id of a key; nil: the tenant has it from the start
	Mine      bool            `json:"mine"`
	Version   uint64          `json:"version"`
	CreatedAt *time.Time      `json:"createdAt"`
	UpdatedAt *time.Time      `json:"updatedAt"`
}

// NewPreset is what a preset is made of, or changed to. Filter is anything
// whose JSON is an object with the names of the filter's parameters, such as url.Values.
type NewPreset struct {
	Name   string `json:"name"`
	Filter any    `json:"filter"`
	Shared bool   `json:"shared"`
}

// AnyVersion is the version of a change that overwrites whatever is there.
const AnyVersion = 0

// Presets returns the presets that the key sees.
func (c *Client) Presets(ctx context.Context) ([]Preset, error) {
	var answer struct {
		Presets []Preset `json:"presets"`
	}
	err := c.exchange(ctx, http.MethodGet, "/api/v1/presets", nil, nil, nil, &answer)
	return answer.Presets, err
}

// Preset returns one preset.
func (c *Client) Preset(ctx context.Context, id string) (*Preset, error) {
	path, err := under("/api/v1/presets/", id, "")
	if err != nil {
		return nil, err
	}
	return fetch[Preset](ctx, c, path, nil)
}

// CreatePreset saves a preset.
func (c *Client) CreatePreset(ctx context.Context, to NewPreset) (*Preset, error) {
	return submit[Preset](ctx, c, http.MethodPost, "/api/v1/presets", nil, to)
}

// ChangePreset changes a preset that has the version, or AnyVersion. Where it
// has another by now, that is an *Error with the status 412: read it again, and decide again.
func (c *Client) ChangePreset(ctx context.Context, id string, version uint64, to NewPreset) (*Preset, error) {
	path, err := under("/api/v1/presets/", id, "")
	if err != nil {
		return nil, err
	}
	return submit[Preset](ctx, c, http.MethodPut, path, ifMatch(version), to)
}

// DeletePreset deletes a preset that has the version, as ChangePreset.
func (c *Client) DeletePreset(ctx context.Context, id string, version uint64) error {
	path, err := under("/api/v1/presets/", id, "")
	if err != nil {
		return err
	}
	return c.exchange(ctx, http.MethodDelete, path, nil, ifMatch(version), nil, nil)
}

func ifMatch(version uint64) http.Header {
	tag := "*"
	if version != AnyVersion {
		tag = strconv.Quote(strconv.FormatUint(version, 10))
	}
	return http.Header{"If-Match": {tag}}
}
