package httpserver

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	checkTimeout = 2 * time.Second
	// readyMaxAge is how long an answer of /readyz is given again, so that
	// asking often does not burden the dependencies.
	readyMaxAge = time.Second

	healthPath = "/healthz"
	readyPath  = "/readyz"
)

// Check asks one dependency whether it works.
type Check struct {
	Name string
	Func func(ctx context.Context) error
}

// CheckResult is the answer of one dependency.
type CheckResult struct {
	Name      string `json:"name"`
	OK        bool   `json:"ok"`
	Reason    string `json:"reason,omitempty"` // why not, in words
	ElapsedMs int64  `json:"elapsedMs"`
}

// Warning is something that operators should know and that does not keep the
// node from working: Func returns what there is to say, as JSON; nil for nothing.
type Warning struct {
	Name string
	Func func() any
}

// Readiness is whether the node can do its work, by dependency.
type Readiness struct {
	checks   []Check
	warnings []Warning

	mu      sync.Mutex // held while the dependencies are asked; guards what follows
	asked   time.Time
	results []CheckResult
}

// NewReadiness returns a readiness of the checks, in their order.
func NewReadiness(checks ...Check) *Readiness { return &Readiness{checks: checks} }

// Add adds checks, which must happen before the first call is served.
func (r *Readiness) Add(checks ...Check) { r.checks = append(r.checks, checks...) }

// Warn adds warnings, which must happen before the first call is served.
func (r *Readiness) Warn(warnings ...Warning) { r.warnings = append(r.warnings, warnings...) }

// Results asks every dependency at the same time, two seconds at most.
func (r *Readiness) Results(ctx context.Context) (results []CheckResult, ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked.IsZero() || time.Since(r.asked) >= readyMaxAge {
		r.results = r.ask(context.WithoutCancel(ctx)) // The answer is for others as well.
		r.asked = time.Now()
	}
	ready = true
	for _, result := range r.results {
		ready = ready && result.OK
	}
	return r.results, ready
}

func (r *Readiness) ask(ctx context.Context) []CheckResult {
	results := make([]CheckResult, len(r.checks))
	var wait sync.WaitGroup
	for i, check := range r.checks {
		wait.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			began := time.Now()
			err := check.Func(ctx)
			results[i] = CheckResult{Name: check.Name, OK: err == nil, ElapsedMs: time.Since(began).Milliseconds()}
			if err != nil {
				results[i].Reason = err.Error()
			}
		})
	}
	wait.Wait()
	return results
}

var dependencyUp = prometheus.NewDesc("daybook_dependency_up", "1 where the dependency answers, as in /readyz.", []string{"name"}, nil)

// Describe implements prometheus.Collector.
func (r *Readiness) Describe(to chan<- *prometheus.Desc) { to <- dependencyUp }

// Collect implements prometheus.Collector: it asks as /readyz does.
func (r *Readiness) Collect(to chan<- prometheus.Metric) {
	results, _ := r.Results(context.Background())
	for _, result := range results {
		up := 0.0
		if result.OK {
			up = 1
		}
		to <- prometheus.MustNewConstMetric(dependencyUp, prometheus.GaugeValue, up, result.Name)
	}
}

type readyAnswer struct {
	Status string        `json:"status"` // ready or not ready
	Checks []CheckResult `json:"checks"`

	Warnings map[string]any `json:"warnings,omitempty"` // by name
}

func (r *Readiness) serve(c echo.Context) error {
	results, ready := r.Results(c.Request().Context())
	c.Response().Header().Set("Cache-Control", "no-store")
	answer := readyAnswer{Status: "ready", Checks: results}
	for _, w := range r.warnings {
		if says := w.Func(); says != nil {
			if answer.Warnings == nil {
				answer.Warnings = map[string]any{}
			}
			answer.Warnings[w.Name] = says
		}
	}
	if !ready {
		answer.Status = "not ready"
		return c.JSON(http.StatusServiceUnavailable, answer)
	}
	return c.JSON(http.StatusOK, answer)
}

// alive answers that the process runs, whatever its dependencies do: a node
// that waits for ClickHouse must not be restarted for it.
func alive(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.JSON(http.StatusOK, map[string]string{"status": "ok"})
}

// healthRoutes are reachable without a key, on both addresses.
func healthRoutes(r *Readiness) []Route {
	return []Route{
		{Method: http.MethodGet, Path: healthPath, Public: true, Handler: alive},
		{Method: http.MethodHead, Path: healthPath, Public: true, Handler: alive},
		{Method: http.MethodGet, Path: readyPath, Public: true, Handler: r.serve},
		{Method: http.MethodHead, Path: readyPath, Public: true, Handler: r.serve},
	}
}
