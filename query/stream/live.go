package stream

import (
	"bytes"
	"context"
	"errors"
)

// errOvertaken says that the ring has dropped events that the client lacks.
var errOvertaken = errors.New("the ring has overtaken the client")

// followRing serves a client from the ring, starting with the slot seq, until
// it is live, and then from its group; and back, when it falls out of the
// group's log. Slots before the client's own position are left out: that is
// how a client joins at an exact vector, wherever its partitions stand.
func (s *session) followRing(ctx context.Context, f *feed, g *group, seq uint64) error {
	own := mustParseCursor(s.at).next
	var slots []*slot
	for {
		var to place
		var ok bool
		slots, seq, to, ok = f.scan(slots[:0], s.tenant, seq, s.hub.scanSlots)
		if !ok {
			return errOvertaken
		}
		s.setMode(modeRing)
		for _, slot := range slots {
			var err error
			if own, err = s.take(slot, own); err != nil {
				return err
			}
		}
		// Before the stream can turn elsewhere: frames that wait count as delivered, since they are written before anything else is.
		if seq < to.seq {
			s.at = idAfter(slots[len(slots)-1], own)
		} else {
			own = s.arrive(to, own)
		}
		if err := s.poll(ctx, f.ended); err != nil {
			return err
		}
		if seq < to.seq {
			continue
		}
		if err := s.flush(); err != nil {
			return err
		}
		if own == nil {
			if index, ok := g.join(to.seq); ok {
				s.buf = nil // An idle client keeps no buffer.
				next, err := s.followGroup(ctx, f, g, index, to.seq)
				if err != nil {
					return err
				}
				seq = next
				continue
			}
		}
		// Ahead of the ring in a partition, or its group is younger than the tick: wait for the next one.
		tick := f.nextTick()
		if f.last().seq > to.seq {
			continue
		}
		if err := s.wait(ctx, tick, f.ended); err != nil {
			return err
		}
		if err := s.keepAlive(); err != nil {
			return err
		}
	}
}

// take delivers one slot of the ring if it is for this client. own is the
// client's position where that is ahead of the ring's in some partition, and
// nil once the two agree.
func (s *session) take(slot *slot, own vector) (vector, error) {
	if own != nil {
		if slot.offset < own.of(slot.partition) {
			return own, nil
		}
		if mustParseCursor(slot.id()).next.covers(own) {
			own = nil
		} else {
			own.set(slot.partition, slot.offset+1)
		}
	}
	// The event's tenant is checked once more: nothing but this line stands between tenants.
	if slot.event.TenantID != string(s.tenant) || !s.matcher.Match(slot.event) {
		return own, nil
	}
	id := slot.id()
	if own != nil {
		id = idAfter(slot, own)
	}
	s.buf = s.wire.appendEvent(s.buf, id, slot.json())
	s.bufEvents++
	if len(s.buf) < s.hub.flushBytes {
		return own, nil
	}
	s.at = bytes.Clone(id) // The ring's memory must not live on in a slow client.
	return own, s.flush()
}

// idAfter returns the cursor of a client that has read the ring up to a slot
// and is at own where that is further. It shares no memory with the ring.
func idAfter(slot *slot, own vector) []byte {
	if own == nil {
		return bytes.Clone(slot.id())
	}
	c := mustParseCursor(slot.id())
	c.next.raise(own)
	return c.appendText(nil)
}

// arrive moves the client to the end of the tick that it has read up to.
func (s *session) arrive(to place, own vector) vector {
	if own == nil || to.next.covers(own) {
		s.at = to.id
		return nil
	}
	c := mustParseCursor(to.id)
	c.next.raise(own)
	s.at = c.appendText(nil)
	return own
}

// followGroup serves a live client: every block of its group from index on,
// as it comes. It returns the seq to go on from in the ring when the client
// has fallen out of the group's log.
func (s *session) followGroup(ctx context.Context, f *feed, g *group, index, seq uint64) (uint64, error) {
	s.setMode(modeLive)
	g.wake(s.bell)
	defer g.hush(s.bell)
	var room [16]*block
	idle := false // for long enough to look where the feed is, which costs a lock that all clients share
	for {
		var here place
		if idle {
			here = f.last() // Before the log is read: see feed.publish.
		}
		blocks, atEnd, lost := g.from(room[:0], index, s.hub.flushBytes)
		if lost {
			return seq, nil
		}
		if len(blocks) > 0 {
			if err := s.deliver(blocks); err != nil {
				return 0, err
			}
			last := blocks[len(blocks)-1]
			index, seq = index+uint64(len(blocks)), last.end
			s.at, s.sent = last.endID, last.endID
		} else if idle {
			s.at, seq = here.id, here.seq
			if err := s.keepAlive(); err != nil {
				return 0, err
			}
			s.buf = nil
		}
		var err error
		if atEnd {
			idle, err = s.waitOrTick(ctx, nil, f.ended)
		} else {
			idle, err = false, s.poll(ctx, f.ended)
		}
		if err != nil {
			return 0, err
		}
		clear(room[:]) // A client that waits must not keep blocks in memory.
	}
}

// deliver writes blocks and sends them off.
func (s *session) deliver(blocks []*block) error {
	if err := s.beginWrite(); err != nil {
		return err
	}
	if err := s.out.writeBlocks(blocks); err != nil {
		return s.writeError(err)
	}
	for _, b := range blocks {
		s.events += b.events
		s.bytes += len(b.bytes)
	}
	if err := s.push(); err != nil {
		return err
	}
	s.lastID = s.lastWrite
	if s.lastWrite.Sub(s.lastSample) >= sampleEvery && !s.own {
		s.lastSample = s.lastWrite
		s.hub.metrics.lag.Observe(max(0, s.hub.deps.Now().Sub(blocks[0].oldest)).Seconds())
	}
	return nil
}
