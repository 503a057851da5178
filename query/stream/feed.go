package stream

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"daybook/pkg/event"
	"daybook/pkg/tenant"
)

// feed is one uninterrupted run of the tail: a ring and the groups that live
// from it. When the tail has to start anew (the topic was made anew, or
// retention overtook it), the feed ends and its clients find their place in
// the next one by their cursors.
//
// append, offer and publish belong to one goroutine, the writer.
type feed struct {
	epoch   uint32
	metrics *metrics

	ended chan struct{} // closed when the feed ends

	mu        sync.RWMutex // guards what follows
	ring      *ring
	time      int64 // Unix ms of the newest record
	published place // where the last tick ended
	groups    map[tenant.ID]*audience
	ticked    chan struct{} // closed at the next tick; nil while nobody waits

	touched []*group // the writer's: groups with something to publish

	count atomic.Int64 // groups
	logs  int64        // bytes that the logs of all groups may hold together
}

// place is a position of the feed at the end of a tick.
type place struct {
	seq  uint64
	next vector // never changed after it was published
	id   []byte
}

// record is a decoded event on its way into the ring.
type record struct {
	event  *event.Event
	offset int64
	json   []byte // one line
	cost   int    // bytes of the message that the event points into
}

// batch is what one fetch of a partition brought.
type batch struct {
	partition int32
	records   []record
	next      int64 // the partition's next offset after it
	time      int64 // Unix ms of its newest message; 0 where it has none
}

func newFeed(epoch uint32, start vector, at time.Time, limit int, m *metrics) *feed {
	f := &feed{
		epoch: epoch, metrics: m, ended: make(chan struct{}),
		ring: newRing(limit, start), time: at.UnixMilli(),
		groups: map[tenant.ID]*audience{}, logs: int64(limit) / 4,
	}
	c := f.cursor()
	f.published = place{next: c.next, id: c.appendText(nil)}
	return f
}

// cursor returns the position after everything appended. The caller holds mu
// or is the writer.
func (f *feed) cursor() cursor {
	return cursor{epoch: f.epoch, time: f.time, next: f.ring.head.clone()}
}

// append puts a batch into the ring and offers it to the groups.
func (f *feed) append(b batch) {
	size := 0
	for i := range b.records {
		size += len(b.records[i].json) + len(idField) + len(dataField) + 2
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.time = max(f.time, b.time)
	c := cursor{epoch: f.epoch, time: f.time, next: f.ring.head}
	idSize := len(c.appendText(nil)) + 2
	// One piece of memory for the frames of a batch: they leave the ring at about the same time.
	memory := make([]byte, 0, size+idSize*len(b.records))
	slots := make([]slot, len(b.records))
	for i, r := range b.records {
		f.ring.head.set(b.partition, r.offset+1)
		c.next = f.ring.head
		start := len(memory)
		memory = append(memory, idField...)
		memory = c.appendText(memory)
		memory = append(memory, dataField...)
		data := len(memory) - start
		memory = append(memory, r.json...)
		memory = append(memory, '\n', '\n')
		s := &slots[i]
		*s = slot{
			frame: memory[start:len(memory):len(memory)], data: data, event: r.event,
			partition: b.partition, offset: r.offset, cost: len(memory) - start + r.cost + slotOverhead,
		}
		f.ring.add(s)
	}
	f.offer(slots)
	if b.next > f.ring.head.of(b.partition) {
		f.ring.head.set(b.partition, b.next)
	}
}

// offer shows slots to the groups of their tenants.
func (f *feed) offer(slots []slot) {
	if len(f.groups) == 0 {
		return
	}
	began, evaluations := time.Now(), 0
	for i := range slots {
		a := f.groups[tenant.ID(slots[i].event.TenantID)]
		if a == nil {
			continue
		}
		evaluations += len(a.groups)
		for _, g := range a.groups {
			if g.offer(&slots[i]) {
				f.touched = append(f.touched, g)
			}
		}
	}
	f.metrics.evaluations.Add(float64(evaluations))
	f.metrics.evalTime.Add(time.Since(began).Seconds())
}

// publish ends a tick: what was appended becomes visible to live clients.
func (f *feed) publish() {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := f.cursor()
	p := place{seq: f.ring.end(), next: c.next, id: c.appendText(nil)}
	for i, g := range f.touched {
		if len(g.pending) > 0 {
			g.publish(p.seq, p.id)
		}
		f.touched[i] = nil
	}
	f.touched = f.touched[:0]
	// After the blocks: whoever reads this place first and then finds no further
	// block in its group has seen everything before the place.
	f.published = p
	if f.ticked != nil {
		close(f.ticked)
		f.ticked = nil
	}
	f.metrics.ring(f.ring, f.time)
}

// end ends the feed; its clients look for the next one.
func (f *feed) end() { close(f.ended) }

// last returns where the last tick ended.
func (f *feed) last() place {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.published
}

// head returns the position after everything appended.
func (f *feed) head() vector {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.ring.head.clone()
}

// nextTick returns a channel that is closed when the next tick ends.
func (f *feed) nextTick() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ticked == nil {
		f.ticked = make(chan struct{})
	}
	return f.ticked
}

// sharesLess reports whether a tenant has less than one in so many of the
// events in memory.
func (f *feed) sharesLess(id tenant.ID, than int) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	seqs := f.ring.byTenant[string(id)]
	return seqs == nil || seqs.len()*than < f.ring.slots.len()
}

// locate returns the seq from which on a client at v finds its events in the
// ring. That may lie beyond the last tick.
func (f *feed) locate(v vector) (uint64, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.ring.locate(v)
}

// scan returns a tenant's slots from seq on, the seq to go on from, and the
// last tick's end, which is how far it looks. It fails where the ring has
// dropped events at or after seq.
func (f *feed) scan(dst []*slot, id tenant.ID, seq uint64, limit int) (slots []*slot, next uint64, to place, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	to = f.published
	if seq < f.ring.first {
		return dst, seq, to, false
	}
	if seq >= to.seq {
		return dst, seq, to, true
	}
	slots, next = f.ring.tenant(dst, string(id), seq, to.seq, limit)
	return slots, next, to, true
}

// newest returns the position before a tenant's newest n events that match,
// by the time at which Kafka got them. enough says that the ring holds n.
func (f *feed) newest(id tenant.ID, matcher Matcher, n int) (_ cursor, enough bool) {
	f.mu.RLock()
	here := f.published
	slots, _ := f.ring.tenant(nil, string(id), f.ring.first, here.seq, -1)
	f.mu.RUnlock()
	slots = slices.DeleteFunc(slots, func(s *slot) bool { return !matcher.Match(s.event) })
	if len(slots) < n {
		return cursor{}, false
	}
	// The ring is in the order of reading, which differs from that of time between partitions.
	slices.SortStableFunc(slots, func(a, b *slot) int { return a.event.IngestedAt.Compare(b.event.IngestedAt) })
	c := mustParseCursor(here.id)
	for _, s := range slots[len(slots)-n:] {
		if s.offset < c.next.of(s.partition) {
			c.next.set(s.partition, s.offset)
		}
	}
	c.time = slots[len(slots)-n].event.IngestedAt.UnixMilli()
	return c, true
}

// enter adds a client to its group.
func (f *feed) enter(key groupKey, matcher Matcher) *group {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.groups[key.tenant]
	if a == nil {
		a = &audience{byKey: map[groupKey]*group{}}
		f.groups[key.tenant] = a
	}
	g := a.byKey[key]
	if g == nil {
		// What was appended since the last tick was not offered to it: it starts at the end of the ring.
		g = newGroup(key, matcher, f.ring.end(), f.logBudget)
		a.add(g)
		f.count.Add(1)
		f.metrics.groups.Inc()
	}
	g.members++
	return g
}

// leave takes a client out of its group and drops the group with its last.
func (f *feed) leave(g *group) {
	f.mu.Lock()
	defer f.mu.Unlock()
	g.members--
	if g.members > 0 {
		return
	}
	a := f.groups[g.key.tenant]
	a.remove(g)
	if len(a.groups) == 0 {
		delete(f.groups, g.key.tenant)
	}
	f.count.Add(-1)
	f.metrics.groups.Dec()
}

// logBudget is each group's share of the memory for logs.
func (f *feed) logBudget() int {
	return int(min(maxLogBytes, max(minLogBytes, f.logs/max(1, f.count.Load()))))
}
