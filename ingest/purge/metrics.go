package purge

import "github.com/prometheus/client_golang/prometheus"

// metrics are what purges tell Prometheus; those of the node that purges count.
type metrics struct {
	rows        *prometheus.CounterVec
	failures    prometheus.Counter
	success     prometheus.Gauge
	held        prometheus.Gauge
	waiting     prometheus.Gauge
	unconfirmed prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "daybook", Name: name, Help: help})
	}
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "daybook", Name: "purge_rows_total", Help: "Rows purged, by table.",
		}, []string{"table"}),
		failures:    prometheus.NewCounter(prometheus.CounterOpts{Namespace: "daybook", Name: "purge_failures_total", Help: "Purges that failed; the next one goes on from there."}),
		success:     gauge("purge_last_success_timestamp_seconds", "When this node last finished a purge; 0: never."),
		held:        gauge("purge_held_tenants", "Tenants with expired events that a legal hold keeps."),
		waiting:     gauge("purge_waiting_tenants", "Tenants with expired events that wait until they are archived and verified (archive.required)."),
		unconfirmed: gauge("retention_unconfirmed", "Tenants whose retention the settings make shorter and nobody has confirmed: daybook retention confirm."),
	}
	r.MustRegister(m.rows, m.failures, m.success, m.held, m.waiting, m.unconfirmed)
	return m
}
