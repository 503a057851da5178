package stream

import (
	"context"
	"errors"
	"io"
	"time"
)

// catchUp serves a client from Kafka up to a position that the ring holds.
// Both count in the same offsets, so the ring goes on exactly there.
func (s *session) catchUp(ctx context.Context, f *feed) error {
	s.setMode(modeKafka)
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
		if err := s.readKafka(ctx, f, f.head()); err != nil {
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

// readKafka delivers what lies between the client's position and target.
func (s *session) readKafka(ctx context.Context, f *feed, target vector) error {
	position := mustParseCursor(s.at)
	m := s.hub.openMerge(ctx, position, target, s.tenant, s.matcher)
	defer m.close()
	var id []byte
	for {
		r, err := m.next()
		switch {
		case err == nil:
			id = m.position.appendText(id[:0])
			s.buf = s.wire.appendEvent(s.buf, id, r.json)
			s.bufEvents++
			if len(s.buf) < s.hub.flushBytes {
				continue
			}
			if err := s.settle(m); err != nil {
				return err
			}
			if err := s.poll(ctx, f.ended); err != nil {
				return err
			}
			if err := s.reportLag(f); err != nil {
				return err
			}
		case errors.Is(err, errNoneYet):
			if err := s.settle(m); err != nil {
				return err
			}
			if err := s.wait(ctx, m.more, f.ended); err != nil {
				return err
			}
			if err := s.reportLag(f); err != nil {
				return err
			}
			if err := s.keepAlive(); err != nil {
				return err
			}
		case errors.Is(err, errHoles):
			if err := s.settle(m); err != nil {
				return err
			}
			if err := s.reportHoles(m); err != nil {
				return err
			}
		case errors.Is(err, errLost):
			if err := s.settle(m); err != nil {
				return err
			}
			return s.resync(ctx, f, "the topic lost its end")
		case errors.Is(err, io.EOF):
			return s.settle(m)
		default:
			return err
		}
	}
}

// settle writes what is waiting and moves the client to the merge's position.
func (s *session) settle(m *merge) error {
	s.at = m.position.appendText(nil)
	s.hub.metrics.catchupEvents.Add(float64(s.bufEvents))
	return s.flush()
}

// reportHoles announces what retention has taken from the client, and moves
// it behind the holes: one gap for all partitions that have one now.
func (s *session) reportHoles(m *merge) error {
	type span struct {
		Partition int32 `json:"partition"`
		From      int64 `json:"from"` // first offset that is gone
		To        int64 `json:"to"`   // first offset after it that is there
	}
	after := m.position.at()
	var missing int64
	var spans []span
	for _, h := range m.takeHoles() {
		missing += h.to - h.from
		spans = append(spans, span{h.partition, h.from, h.to})
	}
	s.at = m.position.appendText(nil)
	s.hub.metrics.gaps.WithLabelValues("retention").Inc()
	s.hub.metrics.missing.Add(float64(missing))
	return s.control("gap", map[string]any{
		"reason": "retention", "missing": missing, "after": after, "partitions": spans,
	})
}
