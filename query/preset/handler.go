package preset

import (
	"encoding/json"
	"net/http"
	"time"

	"daybook/pkg/httpserver"
	"daybook/query/statement"
)

// answer is a preset as a caller reads it.
type answer struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Filter    json.RawMessage `json:"filter"`
	Shared    bool            `json:"shared"`
	Owner     *string         `json:"owner"` // null: the tenant has it from the start
	Mine      bool            `json:"mine"`
	Version   uint64          `json:"version"`
	CreatedAt *time.Time      `json:"createdAt"`
	UpdatedAt *time.Time      `json:"updatedAt"`
}

func answerOf(c Caller, p Preset) answer {
	a := answer{ID: p.ID, Name: p.Name, Filter: p.Filter, Shared: p.Shared, Mine: p.Owner != "" && p.Owner == c.KeyID, Version: p.Version}
	if p.Owner != "" {
		a.Owner = &p.Owner
	}
	if !p.CreatedAt.IsZero() {
		a.CreatedAt = &p.CreatedAt
	}
	if !p.UpdatedAt.IsZero() {
		a.UpdatedAt = &p.UpdatedAt
	}
	return a
}

// ServeList answers GET /api/v1/presets.
func (s *Service) ServeList(w http.ResponseWriter, r *http.Request) error {
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	c := callerOf(r.Context())
	list, err := s.List(r.Context(), c)
	if err != nil {
		return err
	}
	answers := make([]answer, len(list))
	for i, p := range list {
		answers[i] = answerOf(c, p)
	}
	return statement.WriteValue(w, http.StatusOK, map[string][]answer{"presets": answers})
}

// ServeGet answers GET /api/v1/presets/{id}.
func (s *Service) ServeGet(w http.ResponseWriter, r *http.Request) error {
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	c := callerOf(r.Context())
	p, err := s.Get(r.Context(), c, r.PathValue("id"))
	if err != nil {
		return err
	}
	return writePreset(w, http.StatusOK, c, p)
}

// ServeCreate answers POST /api/v1/presets.
func (s *Service) ServeCreate(w http.ResponseWriter, r *http.Request) error {
	to, err := changeOf(r)
	if err != nil {
		return err
	}
	c := callerOf(r.Context())
	p, err := s.Create(r.Context(), c, to)
	if err != nil {
		return err
	}
	w.Header().Set("Location", "/api/v1/presets/"+p.ID)
	return writePreset(w, http.StatusCreated, c, p)
}

// ServeUpdate answers PUT /api/v1/presets/{id}.
func (s *Service) ServeUpdate(w http.ResponseWriter, r *http.Request) error {
	expect, err := expectOf(r)
	if err != nil {
		return err
	}
	to, err := changeOf(r)
	if err != nil {
		return err
	}
	c := callerOf(r.Context())
	p, err := s.Update(r.Context(), c, r.PathValue("id"), expect, to)
	if err != nil {
		return err
	}
	return writePreset(w, http.StatusOK, c, p)
}

// ServeDelete answers DELETE /api/v1/presets/{id}.
func (s *Service) ServeDelete(w http.ResponseWriter, r *http.Request) error {
	if err := httpserver.NoParameters(r); err != nil {
		return err
	}
	expect, err := expectOf(r)
	if err != nil {
		return err
	}
	if err := s.Delete(r.Context(), callerOf(r.Context()), r.PathValue("id"), expect); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// changeOf reads the body of a call that saves a preset.
func changeOf(r *http.Request) (Change, error) {
	if err := httpserver.NoParameters(r); err != nil {
		return Change{}, err
	}
	var body struct {
		Name   string          `json:"name"`
		Filter json.RawMessage `json:"filter"`
		Shared bool            `json:"shared"`
	}
	if err := httpserver.DecodeJSON(r, &body); err != nil {
		return Change{}, err
	}
	return Change{Name: body.Name, Filter: body.Filter, Shared: body.Shared}, nil
}

func writePreset(w http.ResponseWriter, status int, c Caller, p Preset) error {
	w.Header().Set("ETag", etag(p.Version))
	return statement.WriteValue(w, status, answerOf(c, p))
}
