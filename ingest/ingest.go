package ingest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"

	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
)

// Deps are what ingest works with.
type Deps struct {
	Kafka    daybookkafka.Config
	Conn     driver.Conn // of the database that holds the tables
	Decoder  *event.Decoder
	Registry prometheus.Registerer
	Log      *zap.Logger
}

// Ingest moves events from the topic into the table, as a member of a
// consumer group. Run it once.
type Ingest struct {
	config  Config
	kafka   daybookkafka.Config
	conn    driver.Conn
	writer  *writer
	budget  *budget
	storing atomic.Int64 // blocks that are being stored
	metrics *metrics
	log     *zap.Logger

	mu       sync.Mutex
	gaps     []Gap                   // guarded by mu; oldest first, at most maxGaps
	active   map[int32]time.Time     // guarded by mu; when each partition last stored a block
	detached map[int32]chan struct{} // guarded by mu; inserts that outlasted their generation

	warnUnfenced sync.Once
}

const fetchBytes = 2 << 20

// drainBudget is how long the end of a generation waits for a running insert.
// It is well below the time that the group gives its members when it changes.
func (c Config) drainBudget() time.Duration { return 2 * c.SessionTimeout }

// New returns an Ingest that has not started. Its owner closes it after Run.
func New(c Config, d Deps) (*Ingest, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	dead, err := d.Kafka.Writer(d.Kafka.DeadLetterTopic)
	if err != nil {
		return nil, err
	}
	m := newMetrics(d.Registry)
	bounds, parallel := newBudget(int64(c.MaxBufferedBytes)), max(2, runtime.GOMAXPROCS(0))
	in := &Ingest{
		config: c, kafka: d.Kafka, conn: d.Conn, metrics: m, log: d.Log, budget: bounds,
		writer: &writer{
			conn: d.Conn, decoder: d.Decoder, budget: bounds, recent: newRecentIDs(recentCapacity),
			decoded: make(chan struct{}, parallel+1), inserts: make(chan struct{}, parallel), // One is decoded while the others are inserted.
			dead: &deadLetterTopic{writer: dead, log: d.Log}, metrics: m, log: d.Log,
		},
		active: map[int32]time.Time{}, detached: map[int32]chan struct{}{},
	}
	m.buffered(d.Registry, in.budget)
	return in, nil
}

// Run ingests until ctx ends; then it finishes the inserts that run, leaves
// the group and returns nil. While Kafka or ClickHouse can't be reached it
// waits for them.
func (in *Ingest) Run(ctx context.Context) error {
	client, release, err := in.kafka.Client()
	if err != nil {
		return err
	}
	defer release()
	defer func() { _ = in.writer.dead.writer.Close() }()
	if err := errors.Join(in.loadGaps(ctx), in.warm(ctx)); err != nil {
		return err
	}
	group, err := in.kafka.ConsumerGroup(daybookkafka.TimingsOf(in.config.SessionTimeout), in.log)
	if err != nil {
		return fmt.Errorf("join consumer group %s: %w", in.kafka.Group, err)
	}
	left := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() { left <- group.Close() })
	defer stop()
	for {
		generation, err := group.Next(context.WithoutCancel(ctx))
		switch {
		case errors.Is(err, kafka.ErrGroupClosed):
			err = <-left
			in.awaitDetached()
			return err
		case errors.Is(err, kafka.InvalidSessionTimeout):
			in.log.Error("the brokers refuse ingest.session_timeout; set it within their group.min.session.timeout.ms and group.max.session.timeout.ms",
				zap.Duration("session_timeout", in.config.SessionTimeout))
			continue
		case err != nil:
			in.log.Warn("joining the consumer group failed, trying again", zap.String("group", in.kafka.Group), zap.Error(err))
			continue
		}
		in.start(client, generation)
	}
}

// start gives each partition of the generation its worker.
func (in *Ingest) start(client *kafka.Client, generation *kafka.Generation) {
	in.metrics.generations.Inc()
	assigned := generation.Assignments[in.kafka.Topic]
	in.metrics.assigned(assigned)
	in.log.Info("joined the consumer group", zap.String("group", in.kafka.Group),
		zap.Int32("generation", generation.ID), zap.Int("partitions", len(assigned)))
	l := &ledger{client: client, group: in.kafka.Group, topic: in.kafka.Topic, generation: generation.ID, member: generation.MemberID,
		fence: in.kafka.DeadLetterTopic, unfenced: in.unfenced}
	for _, a := range assigned {
		w := &worker{in: in, ledger: l, partition: int32(a.ID),
			log: in.log.With(zap.Int("partition", a.ID))}
		generation.Start(w.run)
	}
}

// unfenced says once what the brokers refuse to the ledger's reads.
func (in *Ingest) unfenced(err error) {
	in.warnUnfenced.Do(func() {
		in.log.Warn("the brokers take no offset of the dead-letter topic from the consumer group, so a plan that is read right after the group's coordinator has moved may be an older one,"+
			" and events may be stored twice; the topic must exist, and the group's principal be allowed to READ it", zap.String("topic", in.kafka.DeadLetterTopic), zap.Error(err))
	})
}

// detach keeps an insert that outlasts its generation in mind until it ends.
func (in *Ingest) detach(partition int32, committed <-chan error) {
	in.log.Warn("an insert outlasts its generation; it goes on by itself", zap.Int32("partition", partition))
	done := make(chan struct{})
	in.mu.Lock()
	in.detached[partition] = done
	in.mu.Unlock()
	go func() {
		in.log.Info("an insert that outlasted its generation has ended", zap.Int32("partition", partition), zap.Error(<-committed))
		in.mu.Lock()
		if in.detached[partition] == done {
			delete(in.detached, partition)
		}
		in.mu.Unlock()
		close(done)
	}()
}

// awaitPartition waits for this process's own detached insert of a partition,
// which still has the worker's state, and reports whether the generation lasted.
func (in *Ingest) awaitPartition(ctx context.Context, partition int32) bool {
	in.mu.Lock()
	done := in.detached[partition]
	in.mu.Unlock()
	if done == nil {
		return ctx.Err() == nil
	}
	select {
	case <-done:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// awaitDetached waits for detached inserts at the end of Run, so that the
// engine is not stopped under them.
func (in *Ingest) awaitDetached() {
	in.mu.Lock()
	waiting := make([]chan struct{}, 0, len(in.detached))
	for _, done := range in.detached {
		waiting = append(waiting, done)
	}
	in.mu.Unlock()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for _, done := range waiting {
		select {
		case <-done:
		case <-deadline.C:
			in.log.Warn("stopping while an insert runs; the next start verifies it")
			return
		}
	}
}

// storedBlock takes note of a block that is in the table.
func (in *Ingest) storedBlock(b *block) {
	in.metrics.storedBlock(b)
	in.mu.Lock()
	in.active[b.partition] = time.Now()
	in.mu.Unlock()
}

// patience is how long a block of a partition that is caught up waits for
// more: 100 ms for each partition that is being written to, so that all of
// them together make about ten parts a second.
func (in *Ingest) patience() time.Duration {
	in.mu.Lock()
	defer in.mu.Unlock()
	writing := 0
	for _, at := range in.active {
		if time.Since(at) < 5*time.Second {
			writing++
		}
	}
	return min(max(time.Duration(writing)*100*time.Millisecond, 100*time.Millisecond), in.config.MaxAge-fetchWait)
}
