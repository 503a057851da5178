package stream

import (
	"context"
	"errors"
	"io"
	"time"

	"go.uber.org/zap"
)

// catchUp serves a client from Kafka, and from the store what Kafka no longer
// has, up to a position that the ring holds. All count in the same offsets, so
// one goes on exactly where the other ends.
func (s *session) catchUp(ctx context.Context, f *feed) error {
	s.setMode(modeKafka)
	s.avoidStore = false
	turn := s.hub.turns.queueUp(s.tenant)
	defer s.hub.turns.done(turn)
	s.hub.metrics.catchupWaits.Inc()
	err := s.awaitTurn(ctx, f, turn)
	s.hub.metrics.catchupWaits.Dec()
	if err != nil {
		return err
	}
	began := time.Now()
	s.hub.metrics.catchups.Inc()
	defer func() {
		s.hub.metrics.catchups.Dec()
		s.hub.metrics.catchupTime.Observe(time.Since(began).Seconds())
	}()
	for {
		if err := s.reportLag(f); err != nil {
			return err
		}
		way, err := s.plan(ctx, f)
		if err != nil {
			return err
		}
		if way.store != nil {
			err = s.readStore(ctx, f, way.store)
		} else {
			err = s.readKafka(ctx, f, f.head(), way.lost)
		}
		if errors.Is(err, errStoreAway) {
			s.hub.log.Warn("a stream cannot go on from the store", zap.Error(err))
			s.avoidStore = true // Kafka may do as well; where it does not, the store is asked again.
			if way.needed {
				err = s.pause(ctx, f)
			} else {
				err = nil
			}
		}
		if err != nil {
			return err
		}
		// The ring has moved on meanwhile; mostly it still holds what follows.
		if _, ok := f.locate(mustParseCursor(s.at).next); ok {
			return nil
		}
	}
}

func (s *session) awaitTurn(ctx context.Context, f *feed, turn *turn) error {
	for {
		select {
		case <-turn.mine:
			return nil
		default:
		}
		if err := s.reportLag(f); err != nil {
			return err
		}
		if err := s.wait(ctx, turn.mine, f.ended); err != nil {
			return err
		}
	}
}

// reportLag tells the client how far behind it is, unless it was told lately.
func (s *session) reportLag(f *feed) error {
	now := s.hub.deps.Now()
	if now.Sub(s.lastLag) < sessionTick-sessionTick/8 {
		return nil
	}
	s.lastLag = now
	at := mustParseCursor(s.at)
	return s.control("lag", map[string]any{
		"mode":     s.mode,
		"behind":   at.next.behind(f.head()), // records of the whole topic
		"behindMs": max(0, now.Sub(at.at()).Milliseconds()),
	})
}

// readKafka delivers what lies between the client's position and target. What
// the log lacks before lost is announced; it ends at any other hole, which the
// store may fill.
func (s *session) readKafka(ctx context.Context, f *feed, target, lost vector) error {
	s.setMode(modeKafka)
	s.hub.metrics.catchupStarts.WithLabelValues(modeKafka).Inc()
	m := s.hub.openMerge(ctx, mustParseCursor(s.at), target, s.tenant, s.matcher)
	defer m.close()
	for {
		err := s.pour(ctx, f, m)
		switch {
		case errors.Is(err, errHoles) && m.holesWithin(lost):
			err = s.reportHoles(m)
			if err != nil {
				return err
			}
		case errors.Is(err, errHoles):
			return nil
		case errors.Is(err, errLost):
			return s.resync(ctx, f, "the topic lost its end")
		default:
			return err
		}
	}
}

// supply brings what lies between two positions: a merge or windows.
type supply interface {
	// next returns the next event and moves the place behind it. It returns
	// errNoneYet, io.EOF when everything was read, or what keeps it from going on.
	next() (matched, error)
	place() cursor
	arrival() <-chan struct{} // when to ask again after errNoneYet
}

// pour delivers what a supply brings to its end, or until it cannot go on. What
// it brought until then is delivered.
func (s *session) pour(ctx context.Context, f *feed, from supply) error {
	var id []byte
	for {
		r, err := from.next()
		switch {
		case err == nil:
			id = from.place().appendText(id[:0])
			s.buf = s.wire.appendEvent(s.buf, id, r.json)
			s.bufEvents++
			if len(s.buf) < s.hub.flushBytes {
				continue
			}
			if err := s.settle(from.place()); err != nil {
				return err
			}
			if err := s.poll(ctx, f.ended); err != nil {
				return err
			}
			if err := s.reportLag(f); err != nil {
				return err
			}
		case errors.Is(err, errNoneYet):
			if err := s.settle(from.place()); err != nil {
				return err
			}
			if err := s.wait(ctx, from.arrival(), f.ended); err != nil {
				return err
			}
			if err := s.reportLag(f); err != nil {
				return err
			}
			if err := s.keepAlive(); err != nil {
				return err
			}
		default:
			if err := s.settle(from.place()); err != nil {
				return err
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}

// settle writes what is waiting and moves the client to a position.
func (s *session) settle(at cursor) error {
	s.at = at.appendText(nil)
	s.hub.metrics.catchupEvents.WithLabelValues(s.mode).Add(float64(s.bufEvents))
	return s.flush()
}

// reportHoles announces what retention has taken from the client, and moves
// it behind the holes: one gap for all partitions that have one now.
func (s *session) reportHoles(m *merge) error {
	after := m.position.at()
	holes := m.takeHoles()
	s.at = m.position.appendText(nil)
	return s.reportGap("missing", after, holes)
}

// reportGap sends a gap of one or more partitions with the client's position,
// which is behind it. count names the member that says how many offsets it has.
func (s *session) reportGap(count string, after time.Time, holes []hole) error {
	type span struct {
		Partition int32 `json:"partition"`
		From      int64 `json:"from"` // first offset that is gone
		To        int64 `json:"to"`   // first offset after it that is there
	}
	var missing int64
	spans := make([]span, len(holes))
	for i, h := range holes {
		missing += h.to - h.from
		spans[i] = span{h.partition, h.from, h.to}
	}
	s.hub.metrics.gaps.WithLabelValues("retention").Inc()
	s.hub.metrics.missing.Add(float64(missing))
	return s.control("gap", map[string]any{
		"reason": "retention", count: missing, "after": after, "partitions": spans,
	})
}
