package stream

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"daybook/pkg/event"
	"daybook/pkg/kafka"
)

// coalesce is how long events wait for company: a block, and with it one
// write per client, is at most that late.
const coalesce = 10 * time.Millisecond

// tailFetchBytes bounds one fetch of the tail.
const tailFetchBytes = 1 << 20

// watchTopic is how often the topic is checked for new partitions and for
// having been made anew.
const watchTopic = 10 * time.Second

// preloadPatience is how long clients wait for the ring to be filled.
const preloadPatience = 5 * time.Second

// errLost says that the tail cannot go on from where it was.
var errLost = errors.New("the tail has lost its place in the topic")

// tail reads all partitions into one feed.
type tail struct {
	hub     *Hub
	feed    *feed
	batches chan batch
	epoch   uint32
	readers []*tailReader // by partition
}

type tailReader struct {
	partition int32
	reader    Reader
	from      int64 // where it starts
	ready     int64 // the end of the partition when it started
}

// openTail finds the places of all partitions. Until it has the real ones of
// every partition no client is served: without them, the first frame could
// not promise what follows it.
func (h *Hub) openTail(ctx context.Context) (_ *tail, err error) {
	epoch, err := h.deps.Source.Epoch(ctx)
	if err != nil {
		return nil, err
	}
	partitions, err := h.deps.Source.Partitions(ctx)
	if err != nil {
		return nil, err
	}
	since := h.deps.Now().Add(-h.config.Preload)
	t := &tail{hub: h, batches: make(chan batch, 2*len(partitions)), epoch: epoch}
	defer func() {
		if err != nil {
			t.close()
		}
	}()
	for i, p := range partitions {
		if int(p) != i {
			return nil, fmt.Errorf("partition %d of the topic is missing from %d", i, partitions)
		}
		r, err := h.deps.Source.Open(p, tailFetchBytes)
		if err != nil {
			return nil, err
		}
		t.readers = append(t.readers, &tailReader{partition: p, reader: r})
	}
	if len(t.readers) == 0 {
		return nil, errors.New("the topic has no partitions")
	}
	var group errgroup.Group
	for _, r := range t.readers {
		group.Go(func() (err error) {
			if _, r.ready, err = r.reader.Offsets(ctx); err != nil {
				return fmt.Errorf("offsets of partition %d: %w", r.partition, err)
			}
			if r.from = r.ready; h.config.Preload > 0 {
				if r.from, err = r.reader.OffsetAt(ctx, since); err != nil {
					return fmt.Errorf("offset of partition %d at %s: %w", r.partition, since, err)
				}
				r.from = min(r.from, r.ready)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	start := make(vector, len(t.readers))
	for i, r := range t.readers {
		start[i] = r.from
	}
	t.feed = newFeed(epoch, start, h.deps.Now(), int(h.config.RingBytes), h.metrics)
	return t, nil
}

func (t *tail) close() {
	for _, r := range t.readers {
		_ = r.reader.Close() // It only read.
	}
}

// run reads until ctx ends or the tail loses its place.
func (t *tail) run(ctx context.Context, ready func()) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, r := range t.readers {
		group.Go(func() error { return t.read(ctx, r) })
	}
	group.Go(func() error { return t.write(ctx, ready) })
	group.Go(func() error { return t.watch(ctx, group) })
	return group.Wait()
}

// read is the loop of one partition: fetch, decode, encode, hand over.
func (t *tail) read(ctx context.Context, r *tailReader) error {
	log := t.hub.log.With(zap.Int32("partition", r.partition))
	r.reader.SeekTo(r.from)
	failing := false
	for {
		fetch, err := r.reader.Fetch(ctx)
		var outside *kafka.OffsetOutOfRangeError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &outside):
			return fmt.Errorf("partition %d: %w: %w", r.partition, errLost, err)
		case err != nil:
			if !failing {
				log.Warn("the live stream cannot read a partition; it tries again until it can", zap.Error(err))
			}
			failing = true
			continue
		case failing:
			log.Info("the live stream reads the partition again")
			failing = false
		}
		if fetch.HighWatermark >= 0 {
			t.hub.metrics.behind(r.partition, max(0, fetch.HighWatermark-fetch.Next))
		}
		if fetch.Next == r.from && len(fetch.Messages) == 0 {
			continue
		}
		r.from = fetch.Next
		b := decodeBatch(t.hub.deps.Decoder, r.partition, fetch)
		t.hub.metrics.tailEvents.Add(float64(len(b.records)))
		t.hub.metrics.undecodable.Add(float64(len(fetch.Messages) - len(b.records)))
		select {
		case t.batches <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// decodeBatch decodes and encodes what a fetch brought. Messages that are no
// events are passed over: ingest makes dead letters of them.
func decodeBatch(decoder Decoder, partition int32, fetch kafka.Fetch) batch {
	b := batch{partition: partition, next: fetch.Next, records: make([]record, 0, len(fetch.Messages))}
	events := make([]event.Event, len(fetch.Messages))
	size := 0
	for i := range fetch.Messages {
		size += len(fetch.Messages[i].Value) + 128
	}
	memory := make([]byte, 0, size)
	for i := range fetch.Messages {
		m, e := &fetch.Messages[i], &events[i]
		b.time = max(b.time, m.Time.UnixMilli())
		if err := decoder.Decode(m, e); err != nil {
			continue
		}
		start := len(memory)
		memory = event.AppendJSON(memory, e)
		b.records = append(b.records, record{
			event: e, offset: m.Offset, json: oneLine(memory[start:len(memory):len(memory)]), cost: len(m.Value) + len(m.Key),
		})
	}
	return b
}

// write is the feed's writer. The first event after a quiet time is published
// at once; what follows waits for company.
func (t *tail) write(ctx context.Context, ready func()) error {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	// Clients need not wait for ever for a partition that has lost its leader since: its place is known.
	patience := time.NewTimer(preloadPatience)
	defer patience.Stop()
	var last time.Time
	armed, bytes := false, 0
	publish := func() {
		t.feed.publish()
		last, armed, bytes = time.Now(), false, 0
		if ready != nil && t.caughtUp() {
			ready()
			ready = nil
		}
	}
	publish()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			publish()
		case <-patience.C:
			if ready != nil {
				ready()
				ready = nil
			}
		case b := <-t.batches:
			t.feed.append(b)
			for i := range b.records {
				bytes += len(b.records[i].json)
			}
			if wait := coalesce - time.Since(last); wait <= 0 || bytes > maxLogBytes {
				publish()
			} else if !armed {
				timer.Reset(wait)
				armed = true
			}
		}
	}
}

// caughtUp reports whether the feed has passed what was in the topic when the
// tail started.
func (t *tail) caughtUp() bool {
	head := t.feed.head()
	return !slices.ContainsFunc(t.readers, func(r *tailReader) bool { return head.of(r.partition) < r.ready })
}

// watch looks for partitions that are added and for a topic made anew.
func (t *tail) watch(ctx context.Context, group *errgroup.Group) error {
	known := len(t.readers)
	ticker := time.NewTicker(watchTopic)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		epoch, err := t.hub.deps.Source.Epoch(ctx)
		if err != nil {
			continue // The readers report a broker that is away.
		}
		if epoch != t.epoch {
			return fmt.Errorf("%w: the topic was made anew", errLost)
		}
		partitions, err := t.hub.deps.Source.Partitions(ctx)
		if err != nil {
			continue
		}
		for _, p := range partitions[min(known, len(partitions)):] {
			reader, err := t.hub.deps.Source.Open(p, tailFetchBytes)
			if err != nil {
				return err
			}
			// A new partition is read from its start: nobody has seen any of it.
			group.Go(func() error {
				defer func() { _ = reader.Close() }()
				return t.read(ctx, &tailReader{partition: p, reader: reader})
			})
			known++
		}
	}
}
