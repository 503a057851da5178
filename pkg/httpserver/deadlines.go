package httpserver

import (
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
// not come, whether a handler reads it or net/http does, to be rid of it. At
// the body's end net/http lifts the deadline: a handler may work longer.
func timeBodies(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if body := c.Request().Body; body != nil && body != http.NoBody {
			_ = http.NewResponseController(c.Response().Writer).SetReadDeadline(time.Now().Add(bodyTimeout))
		}
		return next(c)
	}
}

// timeWrites keeps callers that stop reading from holding the server. The
// deadline is set at each write rather than for the whole answer, as answers
// may take long to make.
//
// The answer of a stream sees to that itself, and may be detached.
func timeWrites(r Route, streams *Streams) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			if r.Stream {
				detachable := streams.Detachable(c.Response().Writer, c.Request())
				c.Response().Writer = detachable
				c.Set(streamKey, detachable)
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
