package httpserver

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
)

// statusClientLeft is what logs and metrics say of a call whose caller left
// before the answer; nobody ever receives it.
const statusClientLeft = 499

// unmatched stands for the route of a path that has none.
const unmatched = "unmatched"

type httpMetrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight *prometheus.GaugeVec
	sent     *prometheus.CounterVec
}

func newHTTPMetrics(registry prometheus.Registerer) (*httpMetrics, error) {
	m := &httpMetrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_http_requests_total", Help: "Calls answered, by route, method and status; 499 where the caller left first.",
		}, []string{"route", "method", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "daybook_http_request_duration_seconds", Help: "Time to the end of the answer, streams left out.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "daybook_http_requests_in_flight", Help: "Calls being answered, streams among them.",
		}, []string{"route"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "daybook_http_response_bytes_total", Help: "Bytes of answers' bodies.",
		}, []string{"route"}),
	}
	for _, c := range []prometheus.Collector{m.requests, m.duration, m.inFlight, m.sent} {
		if err := registry.Register(c); err != nil {
			return nil, fmt.Errorf("register the metrics of HTTP: %w", err)
		}
	}
	return m, nil
}

// observe logs and counts each call, and turns its error into the answer. The
// log has the route rather than the path or the query: those may hold ids and
// searches of a tenant.
func observe(log *zap.Logger, registry prometheus.Registerer) (echo.MiddlewareFunc, error) {
	m, err := newHTTPMetrics(registry)
	if err != nil {
		return nil, err
	}
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			route := c.Path()
			if route == "" {
				route = unmatched
			}
			began := time.Now()
			inFlight := m.inFlight.WithLabelValues(route)
			inFlight.Inc()
			err := next(c)
			status, left := 0, clientLeft(c, err)
			cut := err != nil && c.Response().Committed
			if err != nil {
				c.Error(err)
			}
			if status = c.Response().Status; left {
				status = statusClientLeft
			}
			stream := streamOf(c)
			one := call{
				requestID: RequestID(c), method: boundedMethod(c.Request().Method), route: route, remote: c.RealIP(),
				status: status, err: err, cut: cut, timed: stream == nil,
			}
			if p, ok := auth.FromContext(c.Request().Context()); ok {
				one.keyID = p.KeyID
			}
			ended := func(bytes int64) {
				inFlight.Dec()
				m.count(one, time.Since(began), bytes)
				one.log(log, time.Since(began), bytes)
			}
			if stream != nil && stream.Start(ended) {
				return nil
			}
			ended(c.Response().Size)
			if cut && !left {
				// The answer has begun and can't be finished: cut the connection,
				// or the caller would take what it has for everything.
				panic(http.ErrAbortHandler)
			}
			return nil
		}
	}, nil
}

// call is what logs and metrics say of a call. Of a stream it is kept until the
// stream's end, when its request is long forgotten.
type call struct {
	requestID, method, route, remote string
	keyID                            string // "": no caller is known
	status                           int
	err                              error
	cut                              bool // the answer had begun when it failed
	timed                            bool // not a stream
}

func (m *httpMetrics) count(one call, took time.Duration, bytes int64) {
	m.requests.WithLabelValues(one.route, one.method, strconv.Itoa(one.status)).Inc()
	m.sent.WithLabelValues(one.route).Add(float64(bytes))
	if one.timed {
		m.duration.WithLabelValues(one.route, one.method).Observe(took.Seconds())
	}
}

func (one *call) log(log *zap.Logger, took time.Duration, bytes int64) {
	level := zapcore.InfoLevel
	switch {
	case one.status == statusClientLeft:
	case one.cut || one.status >= http.StatusInternalServerError:
		level = zapcore.ErrorLevel
	case one.route == healthPath || one.route == readyPath:
		level = zapcore.DebugLevel
	}
	entry := log.Check(level, "request")
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("request_id", one.requestID), zap.String("method", one.method), zap.String("route", one.route),
		zap.Int("status", one.status), zap.Duration("took", took), zap.Int64("bytes", bytes), zap.String("remote", one.remote),
	}
	if one.keyID != "" {
		fields = append(fields, zap.String("key_id", one.keyID))
	}
	if level == zapcore.ErrorLevel && one.err != nil {
		fields = append(fields, zap.NamedError("error", loggable(one.err)))
	}
	entry.Write(fields...)
}

// loggable returns what of an error is for the log: the cause of an answer
// that hides it, else the error.
func loggable(err error) error {
	var e *apierror.Error
	if errors.As(err, &e) && e.Cause != nil {
		return e.Cause
	}
	return err
}

func boundedMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	default:
		return "other"
	}
}

// panicError is a handler's panic as an error.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, p.stack) }

// recoverPanics turns a handler's panic into an error: one call fails, the
// others go on.
func recoverPanics(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) (err error) {
		defer func() {
			switch value := recover(); value {
			case nil:
			case http.ErrAbortHandler:
				panic(value)
			default:
				err = &panicError{value: value, stack: debug.Stack()}
			}
		}()
		return next(c)
	}
}

const streamKey = "daybook.stream"

// streamOf returns the answer of a stream, and nil for any other call.
func streamOf(c echo.Context) *Detachable {
	d, _ := c.Get(streamKey).(*Detachable)
	return d
}
