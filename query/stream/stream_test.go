package stream

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The curl line of spec/event-log.txt sees an event within 1.5 s.
func TestStream_LiveEvent(t *testing.T) {
	s := newStack(t)
	r := s.connect("tenant_xyz")
	for name, want := range map[string]string{
		"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no",
	} {
		if got := r.response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	hello := r.frame("hello")
	if hello.ID == "" {
		t.Error("hello has no id to resume from")
	}
	began := time.Now()
	s.publish(1, "tenant_xyz", "evt_1")
	got := r.next()
	if late := time.Since(began); late > 1500*time.Millisecond {
		t.Errorf("the event came after %s", late)
	}
	if got.Name != "message" || eventID(t, got.Data) != "evt_1" {
		t.Errorf("got %s %s", got.Name, got.Data)
	}
	if got.ID == "" || got.ID == hello.ID {
		t.Errorf("the event's id is %q, hello's was %q", got.ID, hello.ID)
	}
	if r.sse.Retry < 2*time.Second || r.sse.Retry > 5*time.Second {
		t.Errorf("retry: %s", r.sse.Retry)
	}
}

func TestStream_TenantsAndFilters(t *testing.T) {
	s := newStack(t)
	mine, other := s.connect("a"), s.connect("b")
	filtered := s.connect("a", param("q", "rare"))
	mine.frame("hello")
	other.frame("hello")
	filtered.frame("hello")
	s.publish(0, "a", "a-1", "a-rare-2")
	s.publish(0, "b", "b-1")
	s.publish(0, "a", "a-3")
	s.publish(0, "b", "b-rare-2")
	if diff := cmp.Diff([]string{"a-1", "a-rare-2", "a-3"}, mine.events(3)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"b-1", "b-rare-2"}, other.events(2)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"a-rare-2"}, filtered.events(1)); diff != "" {
		t.Error(diff)
	}
	// Another tenant's id names a place, and shows nothing of that tenant.
	theirs := s.connect("b", header("Last-Event-ID", mine.sse.LastID()))
	theirs.frame("hello")
	if got := theirs.events(1); !slices.Equal(got, []string{"b-rare-2"}) {
		t.Errorf("got %v", got)
	}
}

func TestStream_SameFramesForAll(t *testing.T) {
	s := newStack(t)
	first, second := s.connect("a"), s.connect("a")
	first.frame("hello")
	second.frame("hello")
	s.publish(0, "a", names("x", 0, 50)...)
	for i := range 50 {
		a, b := first.next(), second.next()
		if a.ID != b.ID || string(a.Data) != string(b.Data) {
			t.Fatalf("frame %d differs: %q and %q", i, a.ID, b.ID)
		}
	}
}

// A partition that is quiet at the client's filter is as safe as any other.
func TestStream_QuietPartitionLosesNothing(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*stack)
	}{
		{"from the ring", func(*stack) {}},
		{"from Kafka", func(s *stack) { s.config.Preload = 0 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStack(t, c.change)
			r := s.connect("a")
			r.frame("hello")
			s.publish(0, "a", "busy-1")
			r.events(1)
			r.close()
			s.publish(2, "a", "quiet-1", "quiet-2")
			s.publish(0, "a", "busy-2")
			if c.name == "from Kafka" {
				s.stop()
				s.start()
			}
			again := s.connect("a", header("Last-Event-ID", r.sse.LastID()))
			got := again.events(3)
			slices.Sort(got)
			if diff := cmp.Diff([]string{"busy-2", "quiet-1", "quiet-2"}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStream_RingOverwritten(t *testing.T) {
	s := newStack(t, smallRing)
	r := s.connect("a")
	r.frame("hello")
	s.publish(0, "a", "first")
	r.events(1)
	r.close()
	var want []string
	for i := range 10 {
		batch := names("x", i*300, i*300+300)
		s.publish(i%3, "a", batch...)
		want = append(want, batch...)
	}
	poll(t, "the ring has dropped events", func() bool {
		f, _ := s.hub.current()
		_, ok := f.locate(mustParseCursor([]byte(r.sse.LastID())).next)
		return !ok
	})
	again := s.connect("a", header("Last-Event-ID", r.sse.LastID()))
	again.frame("hello")
	again.frame("lag")
	got := again.events(len(want))
	inOrder(t, got)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	s.publish(1, "a", "live-again")
	if got := again.events(1); got[0] != "live-again" {
		t.Errorf("got %v", got)
	}
}

// inOrder checks that the events x-N of each batch of 300, which went to one
// partition, came in order.
func inOrder(t *testing.T, got []string) {
	t.Helper()
	last := map[int]int{}
	for _, name := range got {
		n := number(t, name)
		if before, ok := last[n/300%3]; ok && before >= n {
			t.Fatalf("x-%d came after x-%d of the same partition", n, before)
		}
		last[n/300%3] = n
	}
}

func number(t *testing.T, name string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(name, "x-%d", &n); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
