package archive

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// metrics are what the archive tells Prometheus.
type metrics struct {
	days, events, bytes prometheus.Counter
	failures            *prometheus.CounterVec
	state               *prometheus.GaugeVec
	behind, left        prometheus.Gauge
	succeeded, took     prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	name := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "daybook", Subsystem: "archive", Name: name, Help: help}
	}
	counter := func(n, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts(name(n, help)))
		r.MustRegister(c)
		return c
	}
	gauge := func(n, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts(name(n, help)))
		r.MustRegister(g)
		return g
	}
	m := &metrics{
		days:      counter("written_days_total", "Days of tenants that were archived and verified, again with each late file."),
		events:    counter("events_total", "Events of the days that were archived."),
		bytes:     counter("bytes_total", "Bytes of the days that were archived."),
		failures:  prometheus.NewCounterVec(prometheus.CounterOpts(name("failures_total", "What failed, by what it was: clickhouse, storage, write, fault, delete.")), []string{"reason"}),
		state:     prometheus.NewGaugeVec(prometheus.GaugeOpts(name("days", "Days of tenants, by state: verified, faulty, waiting.")), []string{"state"}),
		behind:    gauge("behind_days", "Age of the oldest closed day that is not archived and verified; 0: none."),
		left:      gauge("purge_in_days", "Days until the first day that is not archived and verified passes its retention; the retention where there is none."),
		succeeded: gauge("success_timestamp_seconds", "When a run last ended without a failure."),
		took:      gauge("run_seconds", "Duration of the last run."),
	}
	r.MustRegister(m.failures, m.state)
	return m
}

// ran counts what is there after a run.
func (m *metrics) ran(ctx context.Context, r *Runner, began time.Time, failed error) {
	now := r.Now()
	m.took.Set(now.Sub(began).Seconds())
	if failed == nil {
		m.succeeded.Set(float64(now.Unix()))
	}
	known, err := r.known(ctx, Range{})
	if err != nil {
		return // The run has failed by it too.
	}
	waiting, err := r.pending(ctx, Range{})
	if err != nil {
		return
	}
	var verified, faulty int
	for _, k := range known {
		if k.VerifiedAt != nil {
			verified++
		} else {
			faulty++
			r.Log.Error("a day of the archive is not what it should be", zap.String("day", k.Day), zap.String("fault", k.Fault))
		}
	}
	m.state.WithLabelValues("verified").Set(float64(verified))
	m.state.WithLabelValues("faulty").Set(float64(faulty))
	m.state.WithLabelValues("waiting").Set(float64(len(waiting)))
	behind, left := 0.0, float64(r.Retention.Default())
	for _, d := range waiting {
		age := now.Sub(d.end()).Hours() / 24
		behind = max(behind, age)
		left = min(left, float64(r.Retention.Of(d.tenant))-age)
	}
	m.behind.Set(behind)
	m.left.Set(left)
}
