package ingest

import (
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"daybook/pkg/event"
	daybookkafka "daybook/pkg/kafka"
)

// fetchWait is how long a broker holds a fetch open while there is nothing;
// a block may get so much older than it should.
const fetchWait = 100 * time.Millisecond

// worker moves one partition for as long as one generation lasts. Two
// goroutines share the work: the builder fetches and cuts blocks, the committer
// plans, decodes and stores them one after the other.
type worker struct {
	in        *Ingest
	ledger    *ledger
	partition int32
	log       *zap.Logger
	reader    *daybookkafka.Reader
	stored    int64     // everything below is stored; the committer's
	last      time.Time // timestamp of the message at stored-1, where known; the committer's
	stop      context.CancelCauseFunc
}

// run works until the generation ends. Transient errors do not end it; they
// are waited out, since a worker that returns ends the generation for all.
func (w *worker) run(generation context.Context) {
	for w.in.awaitPartition(generation, w.partition) {
		err := w.work(generation)
		switch {
		case generation.Err() != nil:
			return
		case errors.Is(err, errFenced):
			w.log.Info("the group has moved on, leaving the partition", zap.Error(err))
			return
		}
		w.log.Warn("starting over with the partition", zap.Error(err))
		w.in.metrics.restarts.WithLabelValues(w.label()).Inc()
		pause(generation, time.Second)
	}
}

func (w *worker) label() string { return partitionLabel(w.partition) }

func (w *worker) work(generation context.Context) error {
	reader, err := daybookkafka.NewReader(w.in.kafka, w.in.kafka.Topic, w.partition,
		daybookkafka.ReaderConfig{MaxWait: fetchWait, MaxBytes: fetchBytes})
	if err != nil {
		return err
	}
	defer func() { _ = reader.Close() }()
	w.reader = reader
	from, err := w.recover(generation)
	if err != nil {
		return err
	}
	if err := w.warmPartition(generation, from.offset); err != nil {
		return err
	}
	w.stored, w.last = from.offset, from.last

	ctx, stop := context.WithCancelCause(generation)
	defer stop(nil)
	w.stop = stop
	blocks := make(chan *block)
	builder := &builder{worker: w, next: from.offset, forced: from.forced, doubtBelow: from.doubtBelow}
	committed := make(chan error, 1)
	go func() { committed <- w.commitAll(ctx, blocks) }()
	buildErr := builder.build(ctx, blocks)
	close(blocks)
	builder.drop()

	// What is being inserted is finished rather than cut: its outcome would be
	// unknown. Past the budget it goes on by itself, and the partition's next
	// owner, here or elsewhere, waits for it before it looks at the table.
	timer := time.NewTimer(w.in.config.drainBudget())
	defer timer.Stop()
	select {
	case err = <-committed:
	case <-timer.C:
		err = errors.New("an insert outlasts its generation")
		w.in.detach(w.partition, committed)
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, errFenced) {
		return cause
	}
	return errors.Join(err, buildErr)
}

// settleAfter is how long a stored block waits for the next plan to
// acknowledge it before it is acknowledged by itself.
const settleAfter = 200 * time.Millisecond

// commitAll stores the blocks in order: plan, then insert, then the next.
func (w *worker) commitAll(ctx context.Context, blocks <-chan *block) error {
	var failed error
	unacknowledged := false
	idle := time.NewTimer(settleAfter)
	defer idle.Stop()
	for {
		select {
		case b, more := <-blocks:
			if !more {
				if unacknowledged && failed == nil {
					// The generation may be ending, but this is the last chance to
					// spare the next owner a look at the table.
					last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
					defer cancel()
					failed = w.ledger.commit(last, w.partition, w.settled())
				}
				return failed
			}
			if failed == nil && ctx.Err() == nil {
				w.in.storing.Add(1)
				failed = w.commitOne(ctx, b)
				w.in.storing.Add(-1)
				unacknowledged = failed == nil
			}
			w.in.budget.release(b.memory())
			idle.Reset(settleAfter)
		case <-idle.C:
			if unacknowledged && failed == nil {
				failed = w.commitPlan(ctx, w.settled())
				unacknowledged = false
				reach(pointAfterCommit, w.in.kafka.Topic, w.partition)
			}
		}
		if failed != nil && ctx.Err() == nil {
			w.stop(failed)
		}
	}
}

// settled is the plan that says: all below is stored and nothing is on its way.
func (w *worker) settled() plan {
	return plan{offset: w.stored, end: w.stored - 1, last: w.last}
}

func (w *worker) commitOne(ctx context.Context, b *block) error {
	reach(pointBeforePlan, b.topic, b.partition)
	if err := w.commitPlan(ctx, plan{offset: b.start, end: b.end, last: w.last}); err != nil {
		return err
	}
	reach(pointAfterPlan, b.topic, b.partition)
	if err := w.in.writer.write(ctx, b); err != nil {
		return err
	}
	reach(pointAfterWrite, b.topic, b.partition)
	w.stored = b.end + 1
	if !b.last.IsZero() {
		w.last = b.last
	}
	w.in.storedBlock(b)
	return nil
}

// commitPlan commits until it is done, fenced, or the generation ends.
func (w *worker) commitPlan(ctx context.Context, p plan) error {
	for failures := 0; ; failures++ {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := w.ledger.commit(attempt, w.partition, p)
		cancel()
		if err == nil || errors.Is(err, errFenced) || ctx.Err() != nil { // The next owner sees to what isn't committed.
			return err
		}
		w.in.metrics.planErrors.Inc()
		w.log.Warn("the plan is not committed yet, trying again", zap.Error(err))
		if !pause(ctx, min(100*time.Millisecond<<min(failures, 6), 5*time.Second)) {
			return err
		}
	}
}

// builder turns messages into blocks.
type builder struct {
	*worker
	next       int64 // the offset to read
	forced     int64 // the first block ends exactly here, as a former owner planned it; -1: it does not matter
	doubtBelow int64 // blocks that start below may be in the table
	current    *block
	expect     int // rows of the block before: what to make room for
}

func (b *builder) build(ctx context.Context, blocks chan<- *block) error {
	b.reader.SeekTo(b.next)
	for {
		if err := b.awaitBudget(ctx, blocks); err != nil {
			return err
		}
		fetched, err := b.reader.Fetch(ctx)
		var gap *daybookkafka.OffsetOutOfRangeError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &gap):
			return err // Recovery reports what is lost and goes on behind it.
		case err != nil:
			b.in.metrics.fetchErrors.Inc()
			b.log.Warn("fetching failed, trying again", zap.Error(err))
			continue
		}
		if fetched.HighWatermark >= 0 {
			b.in.metrics.lag(b.partition, fetched.HighWatermark, b.next)
		}
		for i := range fetched.Messages {
			if err := b.take(ctx, &fetched.Messages[i], blocks); err != nil {
				return err
			}
		}
		b.pass(fetched.Next)
		if b.due(fetched.Next >= fetched.HighWatermark) {
			if err := b.cut(ctx, blocks); err != nil {
				return err
			}
		}
	}
}

// pass goes on to an offset over what has no messages: what compaction took, and
// transactions that were aborted with their markers. Where nothing else follows, it is
// a block of its own, so that the group's offset comes to the end of the log.
func (b *builder) pass(next int64) {
	if b.current == nil && next > b.next {
		b.open(b.next)
	}
	b.next = max(b.next, next)
}

func (b *builder) open(start int64) {
	b.current = &block{
		topic: b.in.kafka.Topic, partition: b.partition, start: start, end: start, born: time.Now(),
		doubt: start < b.doubtBelow, messages: make([]rawMessage, 0, b.expect),
	}
}

// take puts one message into the block, cutting it before or after where it is
// full.
func (b *builder) take(ctx context.Context, m *event.Message, blocks chan<- *block) error {
	if b.current == nil {
		b.open(b.next)
	}
	if b.forced >= 0 && m.Offset > b.forced {
		if err := b.cut(ctx, blocks); err != nil {
			return err
		}
		b.open(b.next)
	}
	before := b.current.memory()
	b.current.take(m)
	b.next = m.Offset + 1
	b.in.budget.take(b.current.memory() - before)
	if b.full() {
		return b.cut(ctx, blocks)
	}
	return nil
}

// full says whether the block may take no more messages.
func (b *builder) full() bool {
	if b.forced >= 0 {
		return b.next > b.forced
	}
	c := b.in.config
	return b.current.offsets() >= int64(c.MaxRows) || b.current.bytes >= int64(c.MaxBytes)
}

// due says whether the block has waited long enough. A block of a partition
// that is caught up goes early when few partitions compete for the server:
// parts are cheap while they are few.
func (b *builder) due(caughtUp bool) bool {
	if b.current == nil {
		return false
	}
	if b.forced >= 0 {
		return b.next > b.forced
	}
	age := time.Since(b.current.born)
	if caughtUp && age >= b.in.patience() {
		return true
	}
	return age >= b.in.config.MaxAge-fetchWait
}

func (b *builder) cut(ctx context.Context, blocks chan<- *block) error {
	if b.current == nil {
		return nil
	}
	b.current.end = b.next - 1
	if b.forced >= 0 {
		b.current.end, b.next = b.forced, max(b.next, b.forced+1)
		b.forced = -1
	}
	select {
	case blocks <- b.current:
		b.expect = len(b.current.messages) + len(b.current.messages)/8
		b.current = nil
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// awaitBudget waits while the blocks of all partitions hold as much memory as
// they may. Waiting must not hold back what would free memory: where too few
// blocks are being stored, or the own one is old enough, it is handed over as
// it is. Otherwise it stays and goes on to grow, since few large blocks cost
// the server much less than many small ones.
func (b *builder) awaitBudget(ctx context.Context, blocks chan<- *block) error {
	for b.in.budget.full() {
		b.in.metrics.paused.WithLabelValues(b.label()).Set(1)
		if b.current != nil && b.forced >= 0 {
			break // A planned block is finished whatever it takes.
		}
		if b.current != nil && (b.due(false) || b.in.storing.Load() < int64(cap(b.in.writer.inserts))) {
			if err := b.cut(ctx, blocks); err != nil {
				return err
			}
			continue
		}
		if err := b.in.budget.wait(ctx, fetchWait); err != nil {
			return err
		}
	}
	b.in.metrics.paused.WithLabelValues(b.label()).Set(0)
	return nil
}

// drop gives up the block that was not handed over; Kafka still has it.
func (b *builder) drop() {
	if b.current != nil {
		b.in.budget.release(b.current.memory())
		b.current = nil
	}
}
