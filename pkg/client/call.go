package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Meta is what the server says of the work behind an answer.
type Meta struct {
	ElapsedMs float64 `json:"elapsedMs"`
	RowsRead  uint64  `json:"rowsRead"`
	Source    string  `json:"source"`  // "raw", "rollup" or "archive"
	Partial   bool    `json:"partial"` // Not everything that matches was looked at.
}

// send makes a request and returns an answer that is a success; any other is
// an error of type *Error. path is escaped already, and header may be nil.
func (c *Client) send(ctx context.Context, method, path string, parameters url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	target := c.base.String() + path
	if len(parameters) > 0 {
		target += "?" + parameters.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, target, body)
	if err != nil {
		return nil, err
	}
	if header != nil {
		r.Header = header
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	r.Header.Set("User-Agent", c.agent)
	if c.tenant != "" {
		r.Header.Set("X-Tenant-Id", c.tenant)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, err
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		defer func() { _ = response.Body.Close() }()
		return nil, readError(response)
	}
	return response, nil
}

// exchange makes a request with body as JSON, unless that is nil, and reads the
// answer's JSON into answer, unless that is nil.
func (c *Client) exchange(ctx context.Context, method, path string, parameters url.Values, header http.Header, body, answer any) error {
	if header == nil {
		header = http.Header{}
	}
	header.Set("Accept", "application/json")
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("write the request: %w", err)
		}
		sent = bytes.NewReader(text)
		header.Set("Content-Type", "application/json")
	}
	response, err := c.send(ctx, method, path, parameters, header, sent)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(answer); err != nil {
		return fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	return nil
}

// fetch returns the answer to a GET.
func fetch[T any](ctx context.Context, c *Client, path string, parameters url.Values) (*T, error) {
	var answer T
	if err := c.exchange(ctx, http.MethodGet, path, parameters, nil, nil, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// submit returns the answer to a request with a body.
func submit[T any](ctx context.Context, c *Client, method, path string, header http.Header, body any) (*T, error) {
	var answer T
	if err := c.exchange(ctx, method, path, nil, header, body, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// under returns a path with an id in it. An empty one would name another call.
func under(before, id, after string) (string, error) {
	if id == "" || id == "." || id == ".." {
		return "", errors.New("an id must not be empty, nor consist of dots")
	}
	return before + url.PathEscape(id) + after, nil
}

// UnmarshalJSON reads an event as the API returns it.
func (e *Event) UnmarshalJSON(text []byte) error {
	read, err := parseEvent(bytes.Clone(text))
	if err == nil {
		*e = read
	}
	return err
}

// MarshalJSON returns the event as it came.
func (e Event) MarshalJSON() ([]byte, error) {
	if e.JSON == nil {
		return []byte("null"), nil
	}
	return e.JSON, nil
}
