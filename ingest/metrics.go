package ingest

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
)

// metrics are what ingest tells Prometheus. Partitions are labels where an
// operator looks for the one that stands still.
type metrics struct {
	events, blocks, bytes   prometheus.Counter
	deadLetters, duplicates *prometheus.CounterVec
	blockRows, insertTime   prometheus.Histogram
	freshness               prometheus.Histogram
	retries, replayed       *prometheus.CounterVec
	doubts, planErrors      prometheus.Counter
	fetchErrors             prometheus.Counter
	generations             prometheus.Counter
	restarts, rollupRepairs *prometheus.CounterVec
	gaps, gapMessages       *prometheus.CounterVec
	lagMessages, paused     *prometheus.GaugeVec
	storedOffset            *prometheus.GaugeVec
}

const namespace = "daybook"

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: "ingest", Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: "ingest", Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	gauges := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Subsystem: "ingest", Name: name, Help: help}, labels)
		r.MustRegister(g)
		return g
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Subsystem: "ingest", Name: name, Help: help, Buckets: buckets})
		r.MustRegister(h)
		return h
	}
	return &metrics{
		events:        counter("events_total", "Events stored."),
		blocks:        counter("blocks_total", "Blocks stored."),
		bytes:         counter("message_bytes_total", "Bytes of the messages in stored blocks."),
		deadLetters:   counters("dead_letters_total", "Messages that are no events, by the reason's class.", "class"),
		duplicates:    counters("duplicates_dropped_total", "Events that producers sent twice, by where the first copy was.", "first"),
		blockRows:     histogram("block_rows", "Events in a stored block.", prometheus.ExponentialBuckets(1, 4, 10)),
		insertTime:    histogram("insert_seconds", "Duration of an insert.", prometheus.ExponentialBuckets(0.002, 2, 14)),
		freshness:     histogram("freshness_seconds", "From the Kafka timestamp of a block's first message until it can be searched.", prometheus.ExponentialBuckets(0.05, 2, 14)),
		retries:       counters("retries_total", "Attempts to store a block that failed, by the error's class.", "class"),
		replayed:      counters("verified_blocks_total", "Blocks in doubt, by what the table held of them.", "result"),
		doubts:        counter("doubts_total", "Times that a block was verified against the table before it was inserted."),
		planErrors:    counter("plan_errors_total", "Plans that could not be committed at once."),
		fetchErrors:   counter("fetch_errors_total", "Fetches that failed."),
		generations:   counter("generations_total", "Generations of the consumer group that this node took part in."),
		restarts:      counters("partition_restarts_total", "Times that work on a partition started over within a generation.", "partition"),
		rollupRepairs: counters("rollup_repairs_total", "Counts in rollups that were corrected after a doubt.", "rollup"),
		gaps:          counters("gaps_total", "Ranges of messages that were lost before they could be read, by reason.", "reason"),
		gapMessages:   counters("gap_messages_total", "Messages lost in gaps, by reason.", "reason"),
		lagMessages:   gauges("lag_messages", "Messages of the partition that have not been fetched yet.", "partition"),
		storedOffset:  gauges("stored_offset", "Offset below which everything of the partition is stored.", "partition"),
		paused:        gauges("fetch_paused", "1 while fetching waits for memory.", "partition"),
	}
}

// buffered exports how much memory blocks hold.
func (m *metrics) buffered(r prometheus.Registerer, b *budget) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Subsystem: "ingest", Name: "buffered_bytes", Help: "Memory that blocks hold, estimated.",
	}, func() float64 { return float64(b.inUse()) }))
}

func (m *metrics) inserted(b *block, took time.Duration) {
	m.insertTime.Observe(took.Seconds())
	m.blockRows.Observe(float64(len(b.rows)))
}

func (m *metrics) storedBlock(b *block) {
	m.events.Add(float64(b.events))
	m.blocks.Inc()
	m.bytes.Add(float64(b.bytes))
	m.freshness.Observe(max(time.Since(b.first), 0).Seconds())
	m.storedOffset.WithLabelValues(partitionLabel(b.partition)).Set(float64(b.end + 1))
}

func partitionLabel(partition int32) string { return strconv.Itoa(int(partition)) }

func (m *metrics) lag(partition int32, highWatermark, next int64) {
	m.lagMessages.WithLabelValues(partitionLabel(partition)).Set(float64(highWatermark - next))
}

// assigned forgets the partitions that belong to another node now.
func (m *metrics) assigned(partitions []kafka.PartitionAssignment) {
	m.lagMessages.Reset()
	m.storedOffset.Reset()
	m.paused.Reset()
	for _, p := range partitions {
		m.lagMessages.WithLabelValues(strconv.Itoa(p.ID)).Set(0)
	}
}
