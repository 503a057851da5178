package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"daybook/pkg/tenant"
)

// resyncSlack is how much earlier than a cursor's time a stream goes on when
// its offsets mean nothing any more: clocks and brokers differ.
const resyncSlack = time.Minute

// checkAhead tells a client that is ahead of this node, and will be served as
// soon as the node is there, from one whose position the topic does not have.
func (s *session) checkAhead(ctx context.Context, f *feed, next vector) error {
	head := f.head()
	if len(next) > len(head) {
		return s.resync(ctx, f, "the topic has fewer partitions than the id")
	}
	for {
		var lost atomic.Bool
		err := s.hub.eachPartition(ctx, len(head), func(ctx context.Context, p int32, r Reader) error {
			if next.of(p) <= head.of(p) {
				return nil
			}
			_, end, err := r.Offsets(ctx)
			if err == nil && next.of(p) > end {
				lost.Store(true)
			}
			return err
		})
		if err == nil && lost.Load() {
			return s.resync(ctx, f, "the topic ends before the id")
		}
		if err == nil {
			return nil
		}
		if err := s.pause(ctx, f); err != nil {
			return err
		}
	}
}

// resync goes on by time where the offsets of the client's cursor mean
// nothing: from a minute before it, so that nothing is lost. Events may come
// twice, which the resync frame says.
func (s *session) resync(ctx context.Context, f *feed, why string) error {
	at := mustParseCursor(s.at).at()
	from := at.Add(-resyncSlack)
	for {
		next, holes, err := s.hub.offsetsSince(ctx, f, s.tenant, from)
		if err == nil {
			s.hub.metrics.gaps.WithLabelValues("resync").Inc()
			to := cursor{epoch: f.epoch, time: at.UnixMilli(), next: next}.appendText(nil)
			if len(holes) == 0 {
				s.at = to
			} // Else the client stays where it is until it has been told of them as well.
			if err := s.control("resync", map[string]any{"reason": why, "from": from}); err != nil {
				return err
			}
			if s.at = to; len(holes) > 0 {
				return s.reportGap("missingAtMost", from, holes)
			}
			return nil
		}
		if err := s.pause(ctx, f); err != nil {
			return err
		}
	}
}

// pause waits before the broker is asked again, keeping the client company.
func (s *session) pause(ctx context.Context, f *feed) error {
	soon := make(chan struct{})
	timer := time.AfterFunc(500*time.Millisecond, func() { close(soon) })
	defer timer.Stop()
	if err := s.wait(ctx, soon, f.ended); err != nil {
		return err
	}
	return s.keepAlive()
}

// eachPartition calls ask with a reader of each partition, a few at a time,
// and ends with the first error.
func (h *Hub) eachPartition(ctx context.Context, partitions int, ask func(context.Context, int32, Reader) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for p := range int32(partitions) {
		group.Go(func() error {
			r, err := h.deps.Source.Open(p, minMergeFetch)
			if err != nil {
				return err
			}
			defer func() { _ = r.Close() }() // It only read.
			return ask(ctx, p, r)
		})
	}
	return group.Wait()
}

// offsetsAt returns the position of a time, which is the first record of each
// partition that is not older. Where that is the first record of all, cut is
// where the log begins: whatever retention took before it may belong to that
// time too. Elsewhere cut is 0.
func (h *Hub) offsetsAt(ctx context.Context, partitions int, at time.Time) (next, cut vector, err error) {
	next, cut = make(vector, partitions), make(vector, partitions)
	err = h.eachPartition(ctx, partitions, func(ctx context.Context, p int32, r Reader) error {
		first, _, err := r.Offsets(ctx)
		if err != nil {
			return err
		}
		// The first record may stand after the log's beginning: compaction leaves holes.
		earliest, err := r.OffsetAt(ctx, time.UnixMilli(0))
		if err != nil {
			return err
		}
		if next[p], err = r.OffsetAt(ctx, at); err != nil {
			return err
		}
		if next[p] <= earliest {
			cut[p] = first
		}
		return nil
	})
	return next, cut, err
}

// offsetsSince is offsetsAt for a tenant, with what the store has of the time
// before Kafka's logs begin. Where the store lacks what ingest has yet to
// confirm, the position is before that: it is found later, as any other gap. The
// holes are what may belong to that time and can't be had.
func (h *Hub) offsetsSince(ctx context.Context, f *feed, id tenant.ID, at time.Time) (next vector, holes []hole, err error) {
	partitions := len(f.head())
	next, cut, err := h.offsetsAt(ctx, partitions, at)
	if err != nil {
		return nil, nil, fmt.Errorf("find the offsets of %s: %w", at, err)
	}
	store, from := h.deps.Store, make(vector, partitions)
	if from.behind(cut) == 0 {
		return next, nil, nil
	}
	if store != nil {
		stored, err := store.Stored(ctx)
		if err != nil {
			return nil, nil, err
		}
		to := make(vector, partitions)
		for p := range to {
			to[p] = max(0, min(cut[p], vector(stored).of(int32(p))))
		}
		found, err := store.First(ctx, Span{Tenant: id, From: from, To: to}, at)
		if err != nil {
			return nil, nil, err
		}
		for p := range found {
			if cut[p] > 0 {
				next[p] = found[p]
			}
		}
		if !at.Before(store.Oldest(id)) {
			// What lies behind the position is met there.
			holes, err = store.Lost(ctx, from, next.where(cut), at)
			return next, holes, err
		}
	}
	for p := range cut {
		if cut[p] > 0 && next[p] > 0 {
			holes = append(holes, hole{int32(p), 0, next[p]})
		}
	}
	return next, holes, nil
}

const (
	// maxTail bounds tail=N.
	maxTail = 1000
	// tailScan is how many records of each partition are looked through for
	// tail=N at first, and maxTailScan at most.
	tailScan    = 1000
	maxTailScan = 64000
)

// placed is a frame with the cursor after it.
type placed struct{ id, json []byte }

// readTail delivers the newest n matching events that the last records of
// Kafka hold, for a client whose ring does not hold as many. It leaves the
// client at a position from which everything later follows.
func (s *session) readTail(ctx context.Context, f *feed, n int) error {
	target := f.head()
	first := make(vector, len(target))
	for {
		err := s.hub.eachPartition(ctx, len(target), func(ctx context.Context, p int32, r Reader) (err error) {
			first[p], _, err = r.Offsets(ctx)
			return err
		})
		if err == nil {
			break
		}
		if err := s.pause(ctx, f); err != nil {
			return err
		}
	}
	for scan := int64(tailScan); ; scan *= 8 {
		from := cursor{epoch: f.epoch, time: mustParseCursor(s.at).time, next: make(vector, len(target))}
		whole := true
		for p := range target {
			from.next[p] = min(target[p], max(first[p], target[p]-scan))
			whole = whole && from.next[p] == first[p]
		}
		found, at, err := s.collect(ctx, f, from, target, n)
		if err != nil {
			return err
		}
		if len(found) < n && !whole && scan < maxTailScan {
			continue
		}
		s.at = at
		for _, frame := range found {
			s.buf = s.wire.appendEvent(s.buf, frame.id, frame.json)
			s.bufEvents++
		}
		return s.flush()
	}
}

// collect returns the last n events between two positions, and the cursor
// after all of it.
func (s *session) collect(ctx context.Context, f *feed, from cursor, to vector, n int) ([]placed, []byte, error) {
	m := s.hub.openMerge(ctx, from, to, s.tenant, s.matcher)
	defer m.close()
	var found []placed
	for {
		r, err := m.next()
		switch {
		case err == nil:
			found = append(found, placed{m.position.appendText(nil), r.json})
			if len(found) >= 2*n {
				found = slices.Delete(found, 0, len(found)-n)
			}
		case errors.Is(err, errNoneYet):
			if err := s.wait(ctx, m.more, f.ended); err != nil {
				return nil, nil, err
			}
			if err := s.keepAlive(); err != nil {
				return nil, nil, err
			}
		case errors.Is(err, errHoles):
			m.takeHoles() // Retention goes on meanwhile; the newest are asked for, not these.
		case errors.Is(err, io.EOF):
			return found[max(0, len(found)-n):], m.position.appendText(nil), nil
		default:
			return nil, nil, err
		}
	}
}
