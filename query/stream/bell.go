package stream

import "context"

// bell wakes one stream. Whoever has something for it first changes what the stream
// looks at, and then rings; a stream looks before it sleeps. One channel is cheaper to
// wait on than one for each thing to wait for, and after its write waiting is what
// a live client does most.
type bell chan struct{}

func newBell() bell { return make(bell, 1) }

func (b bell) ring() {
	select {
	case b <- struct{}{}:
	default: // It has rung.
	}
}

// wait returns when more is closed, or the bell has rung: also when it rang
// before, so whoever waits looks again. It fails when the stream, or the feed, is to end. A
// nil channel never fires.
func (s *session) wait(ctx context.Context, more <-chan struct{}, feedEnded <-chan struct{}) error {
	_, err := s.waitOrTick(ctx, more, feedEnded)
	return err
}

// waitOrTick is wait, and says whether it was the tick that ended it.
func (s *session) waitOrTick(ctx context.Context, more <-chan struct{}, feedEnded <-chan struct{}) (tick bool, err error) {
	if tick, err := s.look(ctx, feedEnded); tick || err != nil {
		return tick, err
	}
	if more == nil { // As a live client does, whose group rings.
		<-s.bell
		return false, nil
	}
	select {
	case <-more:
	case <-s.bell:
	}
	return false, nil
}

// poll is wait for a stream that has something to do anyway.
func (s *session) poll(ctx context.Context, feedEnded <-chan struct{}) error {
	_, err := s.look(ctx, feedEnded)
	return err
}

// alert has the stream look after something else than events.
func (s *session) alert() {
	s.alerted.Store(true)
	s.bell.ring()
}

// look notices everything that an alert may be about.
func (s *session) look(ctx context.Context, feedEnded <-chan struct{}) (tick bool, err error) {
	if !s.alerted.Load() {
		return false, nil
	}
	s.alerted.Store(false) // Before the look: what comes after it is another alert.
	if err := s.over(ctx, feedEnded); err != nil {
		s.alerted.Store(true) // What else there is is yet to be looked at, by who goes on with another feed.
		return false, err
	}
	if isClosed(s.draining) {
		s.drain()
	}
	if !s.due.Load() {
		return false, nil
	}
	s.due.Store(false)
	s.ticker.Reset(s.tick())
	return true, s.check()
}

// over returns why the stream, or its feed, is at its end.
func (s *session) over(ctx context.Context, feedEnded <-chan struct{}) error {
	switch {
	case isClosed(s.hub.closing), s.leaving.Load():
		return endError{"shutdown"}
	case isClosed(feedEnded):
		return errFeedEnded
	default:
		return ctx.Err()
	}
}

// isClosed reports whether a channel that nobody sends to is closed. Nil is not.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
