package httpserver

import (
	"io"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

const (
	// bodyTimeout bounds the time a request's body takes to arrive.
	bodyTimeout = time.Minute
	// writeTimeout bounds each write of an answer: a caller that stops reading
	// must not hold a goroutine for ever.
	writeTimeout = 30 * time.Second
)

// deadlines keeps slow callers from holding the server. They are set around
// the reads and writes rather than for the whole call, as a deadline that
// passes while the handler works would cancel it.
func deadlines(r Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			control := http.NewResponseController(c.Response().Writer)
			if body := c.Request().Body; body != nil && body != http.NoBody {
				c.Request().Body = &timedBody{ReadCloser: body, control: control}
			}
			if r.Stream {
				c.Set(streamKey, true)
			} else {
				c.Response().Writer = &timedWriter{ResponseWriter: c.Response().Writer, control: control}
			}
			return next(c)
		}
	}
}

// timedBody is a body that must have arrived within bodyTimeout of the first
// read. The deadline is lifted at the body's end: net/http goes on reading
// behind the handler's back to see the caller leave.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	set     bool
}

func (b *timedBody) Read(p []byte) (int, error) {
	if !b.set {
		b.set = true
		_ = b.control.SetReadDeadline(time.Now().Add(bodyTimeout))
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// timedWriter is an answer each write of which must succeed within
// writeTimeout.
type timedWriter struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (w *timedWriter) Write(p []byte) (int, error) {
	_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	return w.ResponseWriter.Write(p)
}

func (w *timedWriter) Flush() {
	_ = w.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	_ = w.control.Flush()
}

// Unwrap is what http.ResponseController looks for.
func (w *timedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
