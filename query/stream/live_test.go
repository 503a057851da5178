package stream

import (
	"errors"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"daybook/pkg/event"
)

// newTestFeed returns a feed of one partition with n events of tenant a.
func newTestFeed(t *testing.T, h *Hub, n int) *feed {
	t.Helper()
	f := newFeed(1, vector{0}, time.UnixMilli(1), int(h.config.RingBytes), h.metrics)
	b := batch{next: int64(n), time: 2}
	for i := range n {
		e := &event.Event{EventID: strconv.Itoa(i), TenantID: "a"}
		b.records = append(b.records, record{event: e, offset: int64(i), json: []byte(`{}`)})
	}
	f.append(b)
	f.publish()
	return f
}

func newTestSession(t *testing.T, h *Hub, at cursor) *session {
	t.Helper()
	s := &session{hub: h, out: newAnswer(httptest.NewRecorder()), tenant: "a", matcher: severityMatcher(""), at: at.appendText(nil)}
	s.key = groupKey{tenant: "a"}
	t.Cleanup(s.begin(t.Context()))
	return s
}

// Wherever a client leaves the ring, frames that wait to be written are behind
// its position: it does not get them again.
func TestSession_LeavesTheRingWithItsPosition(t *testing.T) {
	for _, events := range []int{3, 4, 5, 8, 20} {
		h := New(DefaultConfig(), Deps{})
		h.scanSlots = 4
		f := newTestFeed(t, h, events)
		s := newTestSession(t, h, cursor{epoch: 1, next: vector{0}})
		g := f.enter(s.key, s.matcher)
		f.end()
		if err := s.followRing(t.Context(), f, g, 0); !errors.Is(err, errFeedEnded) {
			t.Fatalf("%d events: left with %v", events, err)
		}
		if got := mustParseCursor(s.at).next.of(0); s.bufEvents == 0 || got != int64(s.bufEvents) {
			t.Errorf("%d events: %d frames wait, the position is %d", events, s.bufEvents, got)
		}
	}
}

// The same, where the ring drops what the client has yet to read.
func TestSession_IsOvertakenWithItsPosition(t *testing.T) {
	c := DefaultConfig()
	c.RingBytes = 20 * (slotOverhead + 100)
	h := New(c, Deps{})
	f := newTestFeed(t, h, 16)
	s := newTestSession(t, h, cursor{epoch: 1, next: vector{0}})
	g := f.enter(s.key, s.matcher)
	h.scanSlots = 4
	// The first write happens in the middle of the second scan, and while it lasts the ring moves on.
	h.flushBytes = 6 * len(f.ring.at(0).frame)
	s.out = newAnswer(&hookWriter{httptest.NewRecorder(), func() {
		b := batch{next: 56, time: 2}
		for i := 16; i < 56; i++ {
			b.records = append(b.records, record{event: &event.Event{TenantID: "a"}, offset: int64(i), json: []byte(`{}`)})
		}
		f.append(b)
		f.publish()
	}})
	if err := s.followRing(t.Context(), f, g, 0); !errors.Is(err, errOvertaken) {
		t.Fatalf("left with %v", err)
	}
	if got := mustParseCursor(s.at).next.of(0); got != 8 || s.bufEvents != 2 {
		t.Errorf("%d frames wait after 6 that were written, the position is %d", s.bufEvents, got)
	}
}

// hookWriter calls a function at its first write.
type hookWriter struct {
	*httptest.ResponseRecorder
	hook func()
}

func (w *hookWriter) Write(p []byte) (int, error) {
	if hook := w.hook; hook != nil {
		w.hook = nil
		hook()
	}
	return w.ResponseRecorder.Write(p)
}

// A feed that has ended is noticed at the first look, whatever else is due: a
// client that missed it would wait on a group that gets nothing more.
func TestSession_NoticesTheEndOfItsFeed(t *testing.T) {
	h := New(DefaultConfig(), Deps{})
	f := newTestFeed(t, h, 1)
	s := newTestSession(t, h, cursor{epoch: 1, next: vector{1}})
	f.end()
	for range 100 {
		s.due.Store(true)
		s.alert()
		if err := s.wait(t.Context(), nil, f.ended); !errors.Is(err, errFeedEnded) {
			t.Fatalf("left with %v", err)
		}
	}
}
