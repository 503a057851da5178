package stream

import (
	"sort"
	"strings"

	"daybook/pkg/event"
)

// slot is one event in the ring. It never changes after it was appended, so
// whoever holds it may read it without a lock.
type slot struct {
	seq       uint64 // its number in this ring, without holes
	frame     []byte // the whole SSE frame
	data      int    // where the event's JSON begins in frame
	event     *event.Event
	partition int32
	offset    int64
	cost      int // bytes that the ring accounts for it
}

// id is the cursor after this event, as text.
func (s *slot) id() []byte { return s.frame[len(idField) : s.data-len(dataField)] }

// json is the event as one line of JSON, without its end.
func (s *slot) json() []byte { return s.frame[s.data : len(s.frame)-2] }

// line is the event as a line of NDJSON.
func (s *slot) line() []byte { return s.frame[s.data : len(s.frame)-1] }

// as is the event in the given wire format.
func (s *slot) as(w wire) []byte {
	if w == wireNDJSON {
		return s.line()
	}
	return s.frame
}

// slotOverhead is what a slot costs beside its frame and message: the slot,
// the decoded event and the entries of the indexes.
const slotOverhead = 640

// ring holds the newest events of all partitions within a bound of bytes, in
// the order in which this node read them. It guarantees that for each
// partition it holds every event from tail to head. It has no lock of its
// own: its feed guards it.
type ring struct {
	limit int
	bytes int
	first uint64 // the seq of the oldest slot
	slots deque[*slot]
	// tail is the oldest place a client can join at: the next offset of each
	// partition before the oldest slot. head is the one after the newest.
	tail, head  vector
	byTenant    map[string]*deque[uint64]
	byPartition []deque[mark]
}

// mark says that the event at an offset of a partition has a seq.
type mark struct {
	offset int64
	seq    uint64
}

func newRing(limit int, start vector) *ring {
	return &ring{limit: limit, tail: start.clone(), head: start.clone(), byTenant: map[string]*deque[uint64]{}}
}

// end is the seq of the next slot.
func (r *ring) end() uint64 { return r.first + uint64(r.slots.len()) }

// at returns the slot with a seq that the ring holds.
func (r *ring) at(seq uint64) *slot { return r.slots.at(int(seq - r.first)) }

// add appends s, numbers it, and drops the oldest slots beyond the limit. The
// newest slot always stays. The caller has moved head past s already.
func (r *ring) add(s *slot) {
	s.seq = r.end()
	r.slots.push(s)
	r.bytes += s.cost
	seqs, ok := r.byTenant[s.event.TenantID]
	if !ok {
		seqs = &deque[uint64]{}
		r.byTenant[strings.Clone(s.event.TenantID)] = seqs // The event's own string would keep its whole Kafka batch in memory.
	}
	seqs.push(s.seq)
	for int(s.partition) >= len(r.byPartition) {
		r.byPartition = append(r.byPartition, deque[mark]{})
	}
	r.byPartition[s.partition].push(mark{s.offset, s.seq})
	for r.bytes > r.limit && r.slots.len() > 1 {
		r.drop()
	}
}

func (r *ring) drop() {
	s := r.slots.pop()
	r.first++
	r.bytes -= s.cost
	r.tail.set(s.partition, s.offset+1)
	r.byPartition[s.partition].pop()
	seqs := r.byTenant[s.event.TenantID]
	seqs.pop()
	if seqs.len() == 0 {
		delete(r.byTenant, s.event.TenantID)
	}
}

// locate returns the seq from which on every event at or past v stands,
// beside others that do not. It fails where the ring has lost some already.
func (r *ring) locate(v vector) (uint64, bool) {
	if !v.covers(r.tail) {
		return 0, false
	}
	seq := r.end()
	for p := range r.byPartition {
		marks := &r.byPartition[p]
		offset := v.of(int32(p))
		i := sort.Search(marks.len(), func(i int) bool { return marks.at(i).offset >= offset })
		if i < marks.len() {
			seq = min(seq, marks.at(i).seq)
		}
	}
	return seq, true
}

// tenant appends up to limit slots of a tenant with from ≤ seq < to, oldest
// first, and returns the seq to go on from.
func (r *ring) tenant(dst []*slot, tenant string, from, to uint64, limit int) ([]*slot, uint64) {
	seqs := r.byTenant[tenant]
	if seqs == nil {
		return dst, to
	}
	for i := sort.Search(seqs.len(), func(i int) bool { return seqs.at(i) >= from }); i < seqs.len(); i++ {
		seq := seqs.at(i)
		if seq >= to {
			break
		}
		if limit == 0 {
			return dst, seq
		}
		limit--
		dst = append(dst, r.at(seq))
	}
	return dst, to
}

// deque is a queue in a slice that wraps around and grows when full.
type deque[T any] struct {
	items []T // its length is zero or a power of two
	start int
	count int
}

func (d *deque[T]) len() int { return d.count }

func (d *deque[T]) at(i int) T { return d.items[(d.start+i)&(len(d.items)-1)] }

func (d *deque[T]) push(item T) {
	if d.count == len(d.items) {
		d.resize(max(4, 2*len(d.items)))
	}
	d.items[(d.start+d.count)&(len(d.items)-1)] = item
	d.count++
}

func (d *deque[T]) pop() T {
	item := d.items[d.start]
	var none T
	d.items[d.start] = none
	d.start = (d.start + 1) & (len(d.items) - 1)
	d.count--
	if len(d.items) > 64 && d.count <= len(d.items)/4 {
		d.resize(len(d.items) / 2) // A burst must not hold its memory for ever.
	}
	return item
}

func (d *deque[T]) resize(size int) {
	items := make([]T, size)
	for i := range d.count {
		items[i] = d.at(i)
	}
	d.items, d.start = items, 0
}
