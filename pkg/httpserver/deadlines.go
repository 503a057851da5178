package httpserver

import (
	"errors"
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

// timeBodies keeps slow callers from holding the server with a body that does
// not come, whether a handler reads it or net/http does, to be rid of it.
func timeBodies(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if body := c.Request().Body; body != nil && body != http.NoBody {
			control := http.NewResponseController(c.Response().Writer)
			_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
			c.Request().Body = &timedBody{ReadCloser: body, control: control}
		}
		return next(c)
	}
}

// timedBody lifts the deadline at the body's end: from there on net/http reads
// behind the handler's back, to see the caller leave, and would take a
// deadline for that.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
}

func (b *timedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// timeWrites keeps callers that stop reading from holding the server. The
// deadline is set at each write rather than for the whole answer, as answers
// may take long to make.
func timeWrites(r Route) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if r.Stream {
				c.Set(streamKey, true)
			} else {
				writer := c.Response().Writer
				c.Response().Writer = &timedWriter{ResponseWriter: writer, control: http.NewResponseController(writer)}
			}
			return next(c)
		}
	}
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
