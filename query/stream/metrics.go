package stream

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the live stream. Names follow Prometheus: base units, _total for
// counters.
type metrics struct {
	clients       *prometheus.GaugeVec   // by mode
	connects      *prometheus.CounterVec // by result
	ends          *prometheus.CounterVec // by reason
	resumes       *prometheus.CounterVec // by path
	events        prometheus.Counter
	bytes         prometheus.Counter
	lag           prometheus.Histogram
	groups        prometheus.Gauge
	ringEvents    prometheus.Gauge
	ringBytes     prometheus.Gauge
	ringSpan      prometheus.Gauge
	tailLag       *prometheus.GaugeVec // by partition
	tailEvents    prometheus.Counter
	undecodable   prometheus.Counter
	restarts      prometheus.Counter
	catchups      prometheus.Gauge
	catchupWaits  prometheus.Gauge
	catchupTime   prometheus.Histogram
	catchupStarts *prometheus.CounterVec // by source
	catchupEvents *prometheus.CounterVec // by source
	overlap       prometheus.Counter
	gaps          *prometheus.CounterVec // by reason
	missing       prometheus.Counter
	writeTimeouts prometheus.Counter
	clientLag     prometheus.Histogram
	ringHead      prometheus.Gauge
	ringTail      prometheus.Gauge
	evaluations   prometheus.Counter
	evalTime      prometheus.Counter
	canaryDelay   prometheus.Histogram
	canarySeen    prometheus.Gauge
	canaryMissed  prometheus.Counter
}

func newMetrics(registerer prometheus.Registerer) *metrics {
	const prefix = "daybook_stream_"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	}
	counters := func(name, label, help string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: prefix + name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	}
	gauges := func(name, label, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: prefix + name, Help: help}, []string{label})
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		clients:  gauges("clients", "mode", "Open streams, by where they are served from: live, ring, kafka or store."),
		connects: counters("connects_total", "result", "Requests for a stream, by result."),
		ends:     counters("ends_total", "reason", "Streams that ended, by reason."),
		resumes:  counters("resumes_total", "path", "Streams that began, by where their first events came from."),
		events:   counter("delivered_events_total", "Events written to clients."),
		bytes:    counter("delivered_bytes_total", "Bytes written to clients."),
		lag: histogram("delivery_lag_seconds", "From an event's Kafka timestamp to its bytes written to a live client, the oldest event of each write.",
			[]float64{.005, .01, .015, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}),
		groups:       gauge("filter_groups", "Distinct filters that are evaluated on each event of their tenant."),
		ringEvents:   gauge("ring_events", "Events in memory."),
		ringBytes:    gauge("ring_bytes", "Memory accounted to the events in memory."),
		ringSpan:     gauge("ring_span_seconds", "Time between the oldest and the newest event in memory."),
		tailLag:      gauges("tail_lag_events", "partition", "Records of a partition that this node has yet to read."),
		tailEvents:   counter("tail_events_total", "Events read from Kafka by the tail."),
		undecodable:  counter("tail_undecodable_total", "Messages passed over because they are no events; ingest makes dead letters of them."),
		restarts:     counter("tail_restarts_total", "Times that the tail lost its place and began anew."),
		catchups:     gauge("catchup_active", "Clients that read from Kafka now."),
		catchupWaits: gauge("catchup_waiting", "Clients that wait for their turn to read from Kafka."),
		catchupTime: histogram("catchup_seconds", "How long a client was served from Kafka until it was back in memory.",
			[]float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300}),
		catchupStarts: counters("catchup_started_total", "source", "Times that a client began to read Kafka or the store."),
		catchupEvents: counters("catchup_events_total", "source", "Events delivered from Kafka or the store."),
		overlap:       counter("handover_overlap_events_total", "Events that one source brought after another had delivered them. They are dropped; there should be none."),
		gaps:          counters("gaps_total", "reason", "Gaps announced to clients."),
		missing:       counter("gap_records_total", "Kafka records that announced gaps span."),
		writeTimeouts: counter("write_timeouts_total", "Streams closed because their socket blocked."),
		clientLag: histogram("client_lag_events", "Records of the topic that a client has yet to pass, of every client every few seconds.",
			[]float64{0, 10, 100, 1000, 10_000, 100_000, 1_000_000}),
		ringHead:    gauge("ring_head", "Number of the newest event in memory, counted since the tail began."),
		ringTail:    gauge("ring_tail", "Number of the oldest event in memory, counted since the tail began."),
		evaluations: counter("filter_evaluations_total", "Evaluations of a filter on an event by the tail."),
		evalTime:    counter("filter_eval_seconds_total", "Time that the tail spent evaluating filters."),
		canaryDelay: histogram("canary_delay_seconds", "From publishing a canary to its return on the stream.",
			[]float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}),
		canarySeen:   gauge("canary_last_seen_timestamp_seconds", "When the last canary came back; 0: canaries are off."),
		canaryMissed: counter("canary_missed_total", "Canaries that could not be published or did not come back before the next was due."),
	}
	registerer.MustRegister(m.clients, m.connects, m.ends, m.resumes, m.events, m.bytes, m.lag, m.groups,
		m.ringEvents, m.ringBytes, m.ringSpan, m.tailLag, m.tailEvents, m.undecodable, m.restarts,
		m.catchups, m.catchupWaits, m.catchupTime, m.catchupStarts, m.catchupEvents, m.overlap, m.gaps, m.missing, m.writeTimeouts,
		m.clientLag, m.ringHead, m.ringTail, m.evaluations, m.evalTime, m.canaryDelay, m.canarySeen, m.canaryMissed)
	for _, mode := range []string{modeLive, modeRing, modeKafka, modeStore} {
		m.clients.WithLabelValues(mode).Set(0)
	}
	for _, reason := range []string{"retention", "resync"} {
		m.gaps.WithLabelValues(reason)
	}
	for _, source := range []string{modeKafka, modeStore} {
		m.catchupStarts.WithLabelValues(source)
		m.catchupEvents.WithLabelValues(source)
	}
	return m
}

// ring sets the gauges of the ring, whose newest record is of the given time.
func (m *metrics) ring(r *ring, newest int64) {
	m.ringEvents.Set(float64(r.slots.len()))
	m.ringBytes.Set(float64(r.bytes))
	m.ringHead.Set(float64(r.end()))
	m.ringTail.Set(float64(r.first))
	span := time.Duration(0)
	if r.slots.len() > 0 {
		span = time.UnixMilli(newest).Sub(r.slots.at(0).event.IngestedAt)
	}
	m.ringSpan.Set(span.Seconds())
}

// behind sets how far the tail is behind in a partition.
func (m *metrics) behind(partition int32, records int64) {
	m.tailLag.WithLabelValues(strconv.Itoa(int(partition))).Set(float64(records))
}
