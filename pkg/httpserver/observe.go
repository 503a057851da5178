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
			m.inFlight.WithLabelValues(route).Inc()
			defer m.inFlight.WithLabelValues(route).Dec()

			err := next(c)
			status, left := 0, clientLeft(c, err)
			cut := err != nil && c.Response().Committed
			if err != nil {
				c.Error(err)
			}
			if status = c.Response().Status; left {
				status = statusClientLeft
			}
			method := boundedMethod(c.Request().Method)
			m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
			m.sent.WithLabelValues(route).Add(float64(c.Response().Size))
			if !isStream(c) {
				m.duration.WithLabelValues(route, method).Observe(time.Since(began).Seconds())
			}
			logCall(log, c, route, status, time.Since(began), err, cut)
			if cut && !left {
				// The answer has begun and can't be finished: cut the connection,
				// or the caller would take what it has for everything.
				panic(http.ErrAbortHandler)
			}
			return nil
		}
	}, nil
}

func logCall(log *zap.Logger, c echo.Context, route string, status int, took time.Duration, err error, cut bool) {
	level := zapcore.InfoLevel
	switch {
	case status == statusClientLeft:
	case cut || status >= http.StatusInternalServerError:
		level = zapcore.ErrorLevel
	case route == healthPath || route == readyPath:
		level = zapcore.DebugLevel
	}
	entry := log.Check(level, "request")
	if entry == nil {
		return
	}
	fields := []zap.Field{
		zap.String("request_id", RequestID(c)), zap.String("method", boundedMethod(c.Request().Method)), zap.String("route", route),
		zap.Int("status", status), zap.Duration("took", took), zap.Int64("bytes", c.Response().Size), zap.String("remote", c.RealIP()),
	}
	if p, ok := auth.FromContext(c.Request().Context()); ok {
		fields = append(fields, zap.String("key_id", p.KeyID))
	}
	if level == zapcore.ErrorLevel && err != nil {
		fields = append(fields, zap.NamedError("error", loggable(err)))
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

func isStream(c echo.Context) bool { return c.Get(streamKey) != nil }
