package client

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// ExportOptions say how an export is made. The zero value is fine.
type ExportOptions struct {
	// OnResume is called before each wait for a new connection, with what cut
	// the one before. Nil: nobody is told.
	OnResume func(cause error, wait time.Duration)
	// FirstWait is the wait after the first failure; zero: a second.
	FirstWait time.Duration
}

// Exported is what an export that has arrived whole says of itself.
type Exported struct {
	Rows int64  // events
	Next string // where the parameter limit left some: the cursor to go on with
}

// CutError says that an export ended early, and how to go on with it.
type CutError struct {
	Rows   int64  // events that have arrived whole
	Cursor string // what the parameter cursor takes; empty: nothing has come
	After  string // what the parameter after takes; empty: from the beginning
	Cause  error
}

// Error says what cut the export.
func (e *CutError) Error() string {
	return fmt.Sprintf("the export was cut after %d events: %v", e.Rows, e.Cause)
}

// Unwrap returns the cause.
func (e *CutError) Unwrap() error { return e.Cause }

// maxFailures is how many connections in a row may bring nothing.
const maxFailures = 8

// Export writes what matches to w: parameters are those of the filter, and
// format, limit, cursor and after. It checks the count and the checksum at the end of each
// answer. Where an export is cut it goes on behind the last whole event, in the
// same view of the store, so w receives each event once; but a cut Parquet file can't be continued, and
// is a CutError.
func (c *Client) Export(ctx context.Context, parameters url.Values, w io.Writer, options ExportOptions) (Exported, error) {
	x := exporter{client: c, parameters: parameters, limit: -1, cursor: parameters.Get("cursor"), after: parameters.Get("after")}
	if limit := parameters.Get("limit"); limit != "" {
		var err error
		if x.limit, err = strconv.ParseInt(limit, 10, 64); err != nil {
			return Exported{}, fmt.Errorf("limit: %w", err)
		}
	}
	switch parameters.Get("format") {
	case "", "ndjson":
		x.events = &records{out: w, position: positionInJSON}
	case "csv":
		x.events = &records{out: w, quotes: true, named: true, position: positionInCSV}
	}
	x.out = w
	for failures := 1; ; failures++ {
		before := x.rows
		next, err := x.connect(ctx)
		if err == nil {
			return Exported{Rows: x.rows, Next: next}, nil
		}
		if x.rows > before {
			failures = 1
		}
		if !x.mayResume(err) || failures >= maxFailures || ctx.Err() != nil {
			if x.connected {
				return Exported{Rows: x.rows}, &CutError{Rows: x.rows, Cursor: x.cursor, After: x.after, Cause: err}
			}
			return Exported{}, err
		}
		var answer *Error
		_ = errors.As(err, &answer) // Nil where the server has not answered.
		wait := (&follower{failures: failures, retry: options.FirstWait}).wait(answer)
		if options.OnResume != nil {
			options.OnResume(err, wait)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// exporter is the state that an export keeps over its connections.
type exporter struct {
	client     *Client
	parameters url.Values
	out        io.Writer
	events     *records // nil: the format can't be continued
	limit      int64    // negative: none
	cursor     string
	after      string
	rows       int64
	connected  bool // once
}

// mayResume reports whether another connection may bring the rest.
func (x *exporter) mayResume(err error) bool {
	if _, fault := errors.AsType[faultError](err); fault {
		return false
	}
	if answer, ok := errors.AsType[*Error](err); ok {
		return answer.Temporary()
	}
	return x.connected && x.events != nil
}

// connect reads one answer to its end.
func (x *exporter) connect(ctx context.Context) (next string, err error) {
	parameters := maps.Clone(x.parameters)
	if parameters == nil {
		parameters = url.Values{}
	}
	for name, value := range map[string]string{"cursor": x.cursor, "after": x.after} {
		if value != "" {
			parameters.Set(name, value)
		}
	}
	if x.limit >= 0 {
		if x.limit == x.rows && x.connected {
			return "", faultError{errors.New("the end of the last answer has not come")} // All that was asked for is there.
		}
		parameters.Set("limit", strconv.FormatInt(x.limit-x.rows, 10))
	}
	response, err := x.client.do(ctx, "/api/v1/events/export", parameters, http.Header{})
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	x.connected = true
	if view := response.Header.Get("Daybook-Export-View"); view != "" {
		x.cursor = view
	}
	before := x.rows
	sum, err := x.copy(response.Body)
	if err != nil {
		return "", err
	}
	rows, err := strconv.ParseInt(response.Trailer.Get("Daybook-Export-Rows"), 10, 64)
	if err != nil {
		return "", faultError{errors.New("the answer has no trailers: something between here and the server drops them, so whether it is whole can't be told")}
	}
	if x.events == nil {
		x.rows += rows
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != response.Trailer.Get("Daybook-Export-Sha256") || x.rows-before != rows {
		return "", faultError{fmt.Errorf("what has arrived is not what was sent: %d of %d events, SHA-256 %s", x.rows-before, rows, got)}
	}
	return response.Trailer.Get("Daybook-Export-Cursor"), nil
}

// copy passes the answer on: whole events alone, where the format can be
// continued.
func (x *exporter) copy(body io.Reader) (hash.Hash, error) {
	sum := sha256.New()
	out := x.out
	if x.events != nil {
		x.events.begin(x.after != "")
		out = x.events
	}
	_, err := io.Copy(writer{out}, io.TeeReader(body, sum))
	if x.events != nil {
		x.rows += x.events.rows
		if position, positionErr := x.events.lastPosition(); positionErr != nil {
			return nil, faultError{positionErr}
		} else if position != "" {
			x.after = position
		}
	}
	return sum, err
}

// writer marks an error of its target as one that no connection mends.
type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if err != nil {
		err = faultError{err}
	}
	return n, err
}
