package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// StreamOptions say where a stream begins. The zero value is now.
type StreamOptions struct {
	LastID string // goes on after this id; before everything else
	Since  string // a time or date math, as the server understands it
	Tail   int    // so many of the newest events first
	// OnReconnect is called before each wait for a new connection, with what
	// ended the one before. Nil: nobody is told.
	OnReconnect func(cause error, wait time.Duration)
}

// Item is one thing that a stream brings.
type Item struct {
	// Name is "message" for an event; "gap" where events are missing for good,
	// "resync" where events may come twice, "lag" where the server is behind
	// for this client, "checkpoint", "hello", "error" or "bye".
	Name  string
	ID    string          // what StreamOptions.LastID takes to go on after this item
	Event *Event          // of an event, else nil
	Data  json.RawMessage // the frame's JSON
}

const (
	// Waits between connections, where the server asks for none.
	firstWait = time.Second
	maxWait   = 30 * time.Second
	// firstSilence is how long a new connection may be silent; hello says how
	// long it may be from then on.
	firstSilence = 45 * time.Second
)

// errSilent says that the connection brought nothing, not even heartbeats.
var errSilent = errors.New("the connection has gone silent")

// faultError is a fault that another connection would only meet again.
type faultError struct{ error }

func (e faultError) Unwrap() error { return e.error }

// Stream follows the events that match the filter parameters. It reconnects by
// itself and goes on where it was, for ever: it ends with ctx, with an error
// that time does not mend, or when the first connection cannot be made.
func (c *Client) Stream(ctx context.Context, filter url.Values, options StreamOptions) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		f := follower{client: c, filter: filter, options: options, lastID: options.LastID}
		for {
			more, err := f.connect(ctx, func(i Item) bool { return yield(i, nil) })
			if !more {
				return
			}
			if ctx.Err() != nil {
				yield(Item{}, ctx.Err())
				return
			}
			var answer *Error
			isAnswer := errors.As(err, &answer)
			var fault faultError
			if isAnswer && !answer.Temporary() || !isAnswer && !f.connected || errors.As(err, &fault) {
				yield(Item{}, err)
				return
			}
			wait := f.wait(answer)
			if options.OnReconnect != nil {
				options.OnReconnect(err, wait)
			}
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				yield(Item{}, ctx.Err())
				return
			}
		}
	}
}

// follower is the state that a stream keeps over its connections.
type follower struct {
	client    *Client
	filter    url.Values
	options   StreamOptions
	lastID    string
	retry     time.Duration // what the server asked for
	failures  int           // connections in a row that brought nothing
	connected bool          // once
}

// wait returns how long to wait for the next connection: what the server asks
// for, and longer the more often it has failed.
func (f *follower) wait(answer *Error) time.Duration {
	wait := f.retry
	if wait == 0 {
		wait = firstWait
	}
	if f.failures > 1 {
		wait = min(wait<<min(f.failures-1, 8), max(maxWait, f.retry))
		wait -= rand.N(wait/4 + 1) //nolint:gosec // Jitter needs no secrecy.
	}
	if answer != nil {
		wait = max(wait, answer.RetryAfter)
	}
	return wait
}

// connect follows one connection to its end. more is false when the consumer
// wants no more items.
func (f *follower) connect(ctx context.Context, yield func(Item) bool) (more bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	f.failures++
	watch := &watchdog{silence: firstSilence}
	watch.timer = time.AfterFunc(firstSilence, func() { cancel(errSilent) })
	defer watch.timer.Stop()

	header := http.Header{"Accept": {"text/event-stream"}, "Cache-Control": {"no-cache"}}
	if f.lastID != "" {
		header.Set("Last-Event-ID", f.lastID)
	}
	response, err := f.client.do(ctx, "/api/v1/events/stream", f.parameters(), header)
	if err != nil {
		return true, cause(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	f.connected = true
	watch.body = response.Body
	sse := NewSSEReader(watch)
	for {
		frame, err := sse.Next()
		if sse.Retry > 0 {
			f.retry = sse.Retry
		}
		if id := sse.LastID(); id != "" {
			f.lastID = id
		}
		if err != nil {
			return true, cause(ctx, err)
		}
		f.failures = 0
		item := Item{Name: frame.Name, ID: f.lastID, Data: append(json.RawMessage(nil), frame.Data...)}
		switch frame.Name {
		case "message":
			e, err := parseEvent(item.Data)
			if err != nil {
				return true, faultError{err}
			}
			item.Event = &e
		case "hello":
			watch.learn(item.Data)
		}
		if !yield(item) {
			return false, nil
		}
	}
}

// cause returns why the connection ended where that was decided here.
func cause(ctx context.Context, err error) error {
	if reason := context.Cause(ctx); errors.Is(reason, errSilent) {
		return reason
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the server ended the connection: %w", err)
	}
	return err
}

// parameters of the next connection: where it begins matters to the first one
// only, as every later one has an id.
func (f *follower) parameters() url.Values {
	values := url.Values{}
	maps.Copy(values, f.filter)
	if f.lastID == "" {
		if f.options.Since != "" {
			values.Set("since", f.options.Since)
		}
		if f.options.Tail > 0 {
			values.Set("tail", strconv.Itoa(f.options.Tail))
		}
	}
	return values
}

// watchdog ends a connection on which nothing arrives, not even heartbeats: a
// peer that has vanished is otherwise noticed after many minutes, or never.
type watchdog struct {
	body    io.Reader
	timer   *time.Timer
	silence time.Duration
}

// Read counts only the time spent waiting for the server: a consumer that
// takes its time is no silence.
func (w *watchdog) Read(p []byte) (int, error) {
	w.timer.Reset(w.silence)
	n, err := w.body.Read(p)
	w.timer.Stop()
	return n, err
}

// learn takes the heartbeat that hello promises: two and a half of them
// without a byte are silence.
func (w *watchdog) learn(hello []byte) {
	var members struct {
		HeartbeatMs int64 `json:"heartbeatMs"`
	}
	if json.Unmarshal(hello, &members) == nil && members.HeartbeatMs > 0 && members.HeartbeatMs < time.Hour.Milliseconds() {
		w.silence = time.Duration(members.HeartbeatMs) * time.Millisecond * 5 / 2
	}
}
