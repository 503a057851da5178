package httpserver

import (
	"net/http"
	"net/http/pprof"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// NewAdmin returns the server of the admin address, which needs no key and
// belongs on loopback or a private network: /metrics, /debug/pprof, /healthz
// and /readyz.
func NewAdmin(log *zap.Logger, metrics prometheus.Gatherer, ready *Readiness) *Server {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(zap.NewStdLog(log).Writer())
	e.HTTPErrorHandler = problems(log)
	e.Use(requestID, recoverPanics, secureHeaders)
	for _, r := range healthRoutes(ready) {
		e.Add(r.Method, r.Path, r.Handler)
	}
	e.GET("/metrics", echo.WrapHandler(promhttp.HandlerFor(metrics, promhttp.HandlerOpts{})))
	profiles := http.NewServeMux() // Not the default one, which anything linked in may fill.
	profiles.HandleFunc("/debug/pprof/", pprof.Index)
	profiles.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	profiles.HandleFunc("/debug/pprof/profile", pprof.Profile)
	profiles.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	profiles.HandleFunc("/debug/pprof/trace", pprof.Trace)
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		e.Add(method, "/debug/pprof/*", echo.WrapHandler(profiles))
	}
	return newServer(e, &Streams{}, log)
}
