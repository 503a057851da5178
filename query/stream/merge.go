package stream

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"daybook/pkg/event"
	"daybook/pkg/kafka"
	"daybook/pkg/tenant"
)

const (
	// mergePatience is how long the merge waits for a partition so as to bring
	// events by time; then it goes on without it. Order within a partition is
	// never touched.
	mergePatience = time.Second
	// mergeBytes is what the fetches of all partitions of one merge may bring
	// at a time.
	mergeBytes    = 4 << 20
	minMergeFetch = 64 << 10
	maxMergeFetch = 512 << 10
)

var (
	// errNoneYet says that the next event has not arrived; merge.more says when to ask again.
	errNoneYet = errors.New("no event has arrived yet")
	// errHoles says that retention has taken what was to be read; takeHoles has it.
	errHoles = errors.New("the log no longer holds what was to be read")
)

// merge reads a tenant's matching events of all partitions between two
// positions, the earlier ones first, from Kafka or from the store.
type merge struct {
	hub      *Hub
	position cursor // after what next returned last
	more     chan struct{}
	inputs   []*input // by partition; nil where there is nothing to read
	cancel   context.CancelFunc
	readers  sync.WaitGroup
}

// input is one partition's part of a merge.
type input struct {
	chunks  chan chunk
	chunk   chunk
	taken   int // records of chunk that were returned
	pending bool
	since   time.Time // when the merge began to wait for it
	done    bool
}

// chunk is what one fetch brought: events, a hole, or an error that ends the
// merge, such as errLost for a log that has lost its end.
type chunk struct {
	records []matched
	next    int64
	time    int64
	hole    *hole
	err     error
}

type matched struct {
	offset int64
	time   int64
	json   []byte
}

// hole is a range of offsets that the log no longer holds.
type hole struct {
	partition int32
	from, to  int64
}

// newMerge returns a merge with an input for each partition that has something
// between the positions, and the context of what feeds them.
func (h *Hub) newMerge(ctx context.Context, from cursor, to vector) (*merge, context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	m := &merge{
		hub: h, position: cursor{epoch: from.epoch, time: from.time, next: from.next.clone()},
		more: make(chan struct{}, 1), cancel: cancel, inputs: make([]*input, len(to)),
	}
	now := time.Now()
	for i, end := range to {
		if from.next.of(int32(i)) < end {
			m.inputs[i] = &input{chunks: make(chan chunk, 1), since: now}
		}
	}
	return m, ctx
}

// openMerge starts to read Kafka. The caller must close the merge.
func (h *Hub) openMerge(ctx context.Context, from cursor, to vector, id tenant.ID, matcher Matcher) *merge {
	m, ctx := h.newMerge(ctx, from, to)
	fetchBytes := min(maxMergeFetch, max(minMergeFetch, mergeBytes/max(1, len(to))))
	for i, in := range m.inputs {
		if in == nil {
			continue
		}
		p := int32(i)
		m.readers.Go(func() {
			defer m.poke()
			defer close(in.chunks)
			r := partReader{hub: h, partition: p, tenant: id, matcher: matcher, decoder: h.deps.Decoder}
			r.read(ctx, from.next.of(p), to[p], fetchBytes, func(c chunk) bool { return m.hand(ctx, in, c) })
		})
	}
	return m
}

// hand gives a chunk to an input once there is room; false when nobody wants it.
func (m *merge) hand(ctx context.Context, in *input, c chunk) bool {
	select {
	case in.chunks <- c:
		m.poke()
		return true
	case <-ctx.Done():
		return false
	}
}

func (m *merge) place() cursor            { return m.position }
func (m *merge) arrival() <-chan struct{} { return m.more }

// close ends the readers and waits for them.
func (m *merge) close() {
	m.cancel()
	m.readers.Wait()
}

func (m *merge) poke() {
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// next returns the next event and moves position after it. It returns
// errNoneYet, errHoles, errLost, or io.EOF when everything was read.
func (m *merge) next() (matched, error) {
	now := time.Now()
	holes, waiting, impatient := false, false, false
	var best *input
	bestPartition := int32(0)
	for i, in := range m.inputs {
		if in == nil || in.done {
			continue
		}
		p := int32(i)
		m.refill(p, in, now)
		switch {
		case in.done:
		case !in.pending:
			waiting = true
			impatient = impatient || now.Sub(in.since) < mergePatience
		case in.chunk.err != nil:
			return matched{}, in.chunk.err
		case in.chunk.hole != nil:
			holes = true
		case best == nil || in.chunk.records[in.taken].time < best.chunk.records[best.taken].time:
			best, bestPartition = in, p
		}
	}
	switch {
	case impatient || waiting && best == nil && !holes:
		if impatient {
			time.AfterFunc(mergePatience, m.poke)
		}
		return matched{}, errNoneYet
	case holes:
		return matched{}, errHoles
	case best == nil:
		return matched{}, io.EOF
	}
	r := best.chunk.records[best.taken]
	best.taken++
	if r.offset < m.position.next.of(bestPartition) {
		m.hub.metrics.overlap.Inc() // It would come twice. No reader does that; this line is what says so.
		if best.taken == len(best.chunk.records) {
			m.finish(bestPartition, best, now)
		}
		return m.next()
	}
	m.position.next.set(bestPartition, r.offset+1)
	m.position.time = max(m.position.time, r.time)
	if best.taken == len(best.chunk.records) {
		m.finish(bestPartition, best, now)
	}
	return r, nil
}

// refill takes chunks from the partition's reader until there is something
// in one, or none is there.
func (m *merge) refill(p int32, in *input, now time.Time) {
	for !in.pending && !in.done {
		select {
		case c, ok := <-in.chunks:
			if !ok {
				in.done = true
				return
			}
			in.chunk, in.taken, in.pending = c, 0, true
			if len(c.records) == 0 && c.hole == nil && c.err == nil {
				m.finish(p, in, now)
			}
		default:
			return
		}
	}
}

// finish moves the position behind a chunk that was returned whole.
func (m *merge) finish(p int32, in *input, now time.Time) {
	m.position.next.set(p, in.chunk.next)
	m.position.time = max(m.position.time, in.chunk.time)
	in.chunk, in.pending, in.since = chunk{}, false, now
}

// holesWithin reports whether every hole that next has come upon ends at or
// before a position.
func (m *merge) holesWithin(v vector) bool {
	for i, in := range m.inputs {
		if in != nil && in.pending && in.chunk.hole != nil && in.chunk.hole.to > v.of(int32(i)) {
			return false
		}
	}
	return true
}

// takeHoles returns the holes that next has come upon and moves behind them.
func (m *merge) takeHoles() []hole {
	var holes []hole
	for i, in := range m.inputs {
		if in != nil && in.pending && in.chunk.hole != nil {
			holes = append(holes, *in.chunk.hole)
			m.finish(int32(i), in, time.Now())
		}
	}
	return holes
}

// partReader reads one partition for a merge.
type partReader struct {
	hub       *Hub
	partition int32
	tenant    tenant.ID
	matcher   Matcher
	decoder   Decoder
}

// read hands over what lies in [from, to) at least, until emit refuses.
func (r *partReader) read(ctx context.Context, from, to int64, fetchBytes int, emit func(chunk) bool) {
	reader, err := r.hub.deps.Source.Open(r.partition, fetchBytes)
	if err != nil {
		emit(chunk{err: err})
		return
	}
	defer func() { _ = reader.Close() }() // It only read.
	reader.SeekTo(from)
	for from < to {
		fetch, err := reader.Fetch(ctx)
		var outside *kafka.OffsetOutOfRangeError
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &outside) && outside.First > from:
			end := min(outside.First, to)
			if !emit(chunk{next: end, hole: &hole{r.partition, from, end}}) {
				return
			}
			from = outside.First
			reader.SeekTo(from)
			continue
		case errors.As(err, &outside):
			emit(chunk{err: errLost})
			return
		case err != nil:
			continue // The reader has waited; the client is kept waiting with heartbeats.
		}
		if fetch.Next == from {
			continue
		}
		from = fetch.Next
		if !emit(r.match(fetch)) {
			return
		}
	}
}

// match decodes a fetch and keeps what the client may and wants to see.
func (r *partReader) match(fetch kafka.Fetch) chunk {
	c := chunk{next: fetch.Next}
	var memory []byte
	for i := range fetch.Messages {
		m := &fetch.Messages[i]
		ms := m.Time.UnixMilli()
		c.time = max(c.time, ms)
		var e event.Event
		if r.decoder.Decode(m, &e) != nil || e.TenantID != string(r.tenant) || !r.matcher.Match(&e) {
			continue
		}
		start := len(memory)
		memory = event.AppendJSON(memory, &e)
		c.records = append(c.records, matched{
			offset: m.Offset, time: ms, json: oneLine(memory[start:len(memory):len(memory)]),
		})
	}
	return c
}
