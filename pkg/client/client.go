// Package client is Daybook's API for Go programs, the command line among
// them. A stream that it follows survives whatever happens to connections
// and servers: it goes on exactly where it was, so each event comes once; what
// the server cannot deliver any more comes as a gap item.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
)

// Client calls one Daybook with one key. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	key    string
	tenant string
	agent  string
	http   *http.Client
}

// Option changes a Client from its defaults.
type Option func(*Client)

// WithTenant names the tenant; needed with a key of every tenant.
func WithTenant(id string) Option { return func(c *Client) { c.tenant = id } }

// WithHTTPClient makes calls through the given client. It must have no
// Timeout, which would end streams.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithUserAgent names the program to the server.
func WithUserAgent(agent string) Option { return func(c *Client) { c.agent = agent } }

// New returns a client of the Daybook at baseURL (http://127.0.0.1:8080).
func New(baseURL, key string, options ...Option) (*Client, error) {
	base, err := url.Parse(strings.TrimRight(baseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a server: write http://HOST:PORT or https://HOST", baseURL)
	}
	if base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New("the URL of the server has a user, a query or a fragment; it must have none")
	}
	c := &Client{base: base, key: key, agent: "daybook-client", http: &http.Client{}}
	for _, o := range options {
		o(c)
	}
	return c, nil
}

// Event is an event as the API returns it.
type Event struct {
	event.Event
	JSON json.RawMessage // one line, verbatim
}

func parseEvent(text []byte) (Event, error) {
	e, err := event.ParseOutput(text)
	if err != nil {
		return Event{}, fmt.Errorf("the server sent an event that cannot be read: %w", err)
	}
	return Event{Event: e, JSON: text}, nil
}

// maxAnswer bounds an answer that is read whole: a page of the largest events.
const maxAnswer = 2 << 30

// Event returns one event by its id. The only parameter is include.
func (c *Client) Event(ctx context.Context, id string, parameters url.Values) (*Event, error) {
	if id == "" {
		return nil, errors.New("an event id must not be empty")
	}
	body, err := c.get(ctx, "/api/v1/events/"+url.PathEscape(id), parameters)
	if err != nil {
		return nil, err
	}
	e, err := parseEvent(body)
	if err != nil {
		return nil, err
	}
	return &e, nil
}

func (c *Client) get(ctx context.Context, path string, parameters url.Values) ([]byte, error) {
	response, err := c.do(ctx, path, parameters, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return body, nil
}

// do sends a GET and returns an answer whose status is 200; any other is an
// error of type *Error. path is escaped already.
func (c *Client) do(ctx context.Context, path string, parameters url.Values, header http.Header) (*http.Response, error) {
	return c.send(ctx, http.MethodGet, path, parameters, header, nil)
}

// Error is what the server answered instead of what was asked for.
type Error struct {
	apierror.Problem
	RetryAfter time.Duration // zero: the server did not say
}

// Error says what is wrong, as the server puts it.
func (e *Error) Error() string {
	text := e.Detail
	if text == "" {
		text = e.Title
	}
	if e.RequestID != "" {
		return fmt.Sprintf("%s (status %d, request %s)", text, e.Status, e.RequestID)
	}
	return fmt.Sprintf("%s (status %d)", text, e.Status)
}

// Temporary reports whether the same request may succeed later.
func (e *Error) Temporary() bool {
	return e.Status >= http.StatusInternalServerError || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// readError reads a problem, or what something between here and Daybook says.
func readError(response *http.Response) error {
	e := &Error{}
	body, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // What cannot be read is left out of the message.
	if err := json.Unmarshal(body, &e.Problem); err != nil {
		e.Problem = apierror.Problem{Detail: strings.TrimSpace(string(body[:min(len(body), 200)]))}
	}
	if e.Title == "" {
		e.Title = http.StatusText(response.StatusCode)
	}
	e.Status = response.StatusCode
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, 3600)) * time.Second
	}
	return e
}
