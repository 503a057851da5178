package stream

import (
	"context"
	"errors"
	"fmt"
	"io"

	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

// windows reads a tenant's events from the store between two positions, a
// window of offsets at a time, so that memory stays bounded whatever there is.
// Within a window the earlier ones come first.
type windows struct {
	hub      *Hub
	position cursor // after what next returned last
	arrived  chan struct{}
	ready    chan window
	window   window
	taken    int
	open     bool // window holds something that was not returned
	cancel   context.CancelFunc
	ended    chan struct{}
}

// window is what was found between two positions.
type window struct {
	records []stored
	end     vector
	time    int64
	err     error
}

type stored struct {
	partition int32
	matched
}

const (
	// firstWindow is how many records of the topic the first window spans; later
	// ones are wider or narrower, so that windowRows events are found in one.
	firstWindow = 20_000
	windowRows  = 20_000
	// maxWindowBytes bounds the encoded events of a window; one that has more is
	// read again in parts. Three windows stand in memory: one is being sent, one
	// waits, one is being read.
	maxWindowBytes = 8 << 20
)

// openWindows starts to read. The caller must close the windows.
func (h *Hub) openWindows(ctx context.Context, from cursor, to vector, id tenant.ID, matcher Matcher) *windows {
	ctx, cancel := context.WithCancel(ctx)
	w := &windows{
		hub: h, position: cursor{epoch: from.epoch, time: from.time, next: from.next.clone()},
		arrived: make(chan struct{}, 1), ready: make(chan window, 1), cancel: cancel, ended: make(chan struct{}),
	}
	go func() {
		defer close(w.ended)
		defer w.poke()
		defer close(w.ready)
		span := Span{Tenant: id, Matcher: matcher, From: from.next.clone(), Since: from.at()}
		span.From.raise(make(vector, len(to)))
		w.read(ctx, span, to)
	}()
	return w
}

func (w *windows) close() {
	w.cancel()
	<-w.ended
}

func (w *windows) place() cursor            { return w.position }
func (w *windows) arrival() <-chan struct{} { return w.arrived }

func (w *windows) poke() {
	select {
	case w.arrived <- struct{}{}:
	default:
	}
}

// next is as merge.next.
func (w *windows) next() (matched, error) {
	for !w.open {
		select {
		case next, ok := <-w.ready:
			if !ok {
				return matched{}, io.EOF
			}
			if next.err != nil {
				return matched{}, next.err
			}
			w.window, w.taken, w.open = next, 0, true
			w.finish()
		default:
			return matched{}, errNoneYet
		}
	}
	r := w.window.records[w.taken]
	w.taken++
	overlaps := r.offset < w.position.next.of(r.partition)
	w.position.next.set(r.partition, max(r.offset+1, w.position.next.of(r.partition)))
	w.position.time = max(w.position.time, r.time)
	w.finish()
	if overlaps {
		w.hub.metrics.overlap.Inc() // It would come twice: see merge.next.
		return w.next()
	}
	return r.matched, nil
}

// finish moves the position behind a window that was returned whole.
func (w *windows) finish() {
	if w.taken < len(w.window.records) {
		return
	}
	w.position.next.raise(w.window.end)
	w.position.time = max(w.position.time, w.window.time)
	w.window, w.open = window{}, false
}

// read reads window after window until nobody wants more.
func (w *windows) read(ctx context.Context, span Span, to vector) {
	size := w.hub.storeWindow
	for span.From.behind(to) > 0 {
		span.To = step(span.From, to, size)
		found, err := w.readWindow(ctx, span)
		switch {
		case ctx.Err() != nil:
			return
		case errors.Is(err, errTooMuch) && span.From.behind(span.To) > int64(len(to)):
			size = max(1, span.From.behind(span.To)/4)
			continue
		case err != nil:
			found = window{err: fmt.Errorf("%w: %w", errStoreAway, err)}
		}
		select {
		case w.ready <- found:
			w.poke()
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
		span.From = span.To
		if rows := int64(len(found.records)); rows < windowRows/2 || rows > windowRows {
			size = max(1, min(size*windowRows/max(1, rows), 8*size)) // A filter that finds nothing in one window may find a lot in the next.
		}
	}
}

// step returns a position about size records on, the same share of the way in
// each partition, so that windows follow each other by time, roughly.
func step(from, to vector, size int64) vector {
	whole := from.behind(to)
	next := make(vector, len(to))
	for p := range to {
		at := from.of(int32(p))
		left := to[p] - at
		if left <= 0 {
			next[p] = at
			continue
		}
		share := left
		if size < whole {
			share = min(left, int64(float64(left)*float64(size)/float64(whole))+1)
		}
		next[p] = at + share
	}
	return next
}

// readWindow returns the events of a span, the earlier ones first, though never
// against the order of a partition.
func (w *windows) readWindow(ctx context.Context, span Span) (window, error) {
	var memory []byte
	found := window{end: span.To}
	var ends []int // of each record's JSON in memory
	lists := make([][]stored, len(span.To))
	restart := func() {
		memory, ends = memory[:0], ends[:0]
		for p := range lists {
			lists[p] = lists[p][:0]
		}
	}
	err := w.hub.deps.Store.Read(ctx, span, restart, func(p int32, offset int64, e *event.Event) error {
		ms := e.IngestedAt.UnixMilli()
		found.time = max(found.time, ms)
		if int(p) >= len(lists) || e.TenantID != string(span.Tenant) || !span.Matcher.Match(e) {
			return nil
		}
		start := len(memory)
		memory = event.AppendJSON(memory, e)
		if len(memory) > maxWindowBytes && start > 0 {
			return errTooMuch
		}
		ends = append(ends, len(memory))
		lists[p] = append(lists[p], stored{p, matched{offset: offset, time: ms}})
		return nil
	})
	if err != nil {
		return window{}, err
	}
	// Rows came by partition, so the lists one after the other are the order of memory.
	start, i := 0, 0
	for p := range lists {
		for j := range lists[p] {
			lists[p][j].json = oneLine(memory[start:ends[i]:ends[i]])
			start = ends[i]
			i++
		}
	}
	found.records = byTime(lists, i)
	return found, nil
}

// byTime merges lists that each keep their order.
func byTime(lists [][]stored, n int) []stored {
	merged := make([]stored, 0, n)
	for len(merged) < n {
		best := -1
		for p := range lists {
			if len(lists[p]) > 0 && (best < 0 || lists[p][0].time < lists[best][0].time) {
				best = p
			}
		}
		merged = append(merged, lists[best][0])
		lists[best] = lists[best][1:]
	}
	return merged
}
