package stream

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"daybook/pkg/event"
)

// TestRing_Model drives the ring beside a list that keeps everything, and
// asks both the same questions.
func TestRing_Model(t *testing.T) {
	for seed := range uint64(200) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			dice := rand.New(rand.NewPCG(seed, 0))
			partitions := 1 + dice.IntN(4)
			start := make(vector, partitions)
			for p := range start {
				start[p] = int64(dice.IntN(5))
			}
			limit := 1 + dice.IntN(60)
			r := newRing(limit, start)
			var all []*slot
			next := start.clone()
			for range dice.IntN(300) {
				p := int32(dice.IntN(partitions))
				offset := next.of(p) + int64(dice.IntN(3)) // Some offsets hold no event.
				next.set(p, offset+1)
				r.head.set(p, offset+1)
				s := &slot{event: &event.Event{TenantID: fmt.Sprint("t", dice.IntN(3))}, partition: p, offset: offset, cost: 1 + dice.IntN(4)}
				r.add(s)
				all = append(all, s)
				checkRing(t, dice, r, all, start, next, limit)
			}
		})
	}
}

func checkRing(t *testing.T, dice *rand.Rand, r *ring, all []*slot, start, next vector, limit int) {
	t.Helper()
	held := all[r.first:]
	bytes, tail := 0, start.clone()
	for i, s := range held {
		bytes += s.cost
		if r.at(r.first+uint64(i)) != s {
			t.Fatalf("slot %d is not what was added", i)
		}
	}
	for _, s := range all[:r.first] {
		tail.set(s.partition, s.offset+1)
	}
	switch {
	case bytes != r.bytes, bytes > limit && len(held) > 1:
		t.Fatalf("%d bytes in %d slots, accounted %d, limit %d", bytes, len(held), r.bytes, limit)
	case len(held) == 0:
		t.Fatal("the newest slot was dropped")
	case !slices.Equal(tail, r.tail), !slices.Equal(next, r.head):
		t.Fatalf("tail %v, want %v; head %v, want %v", r.tail, tail, r.head, next)
	}

	// A client at a random position finds all that it lacks, or is told that it can't.
	v := make(vector, len(next))
	for p := range v {
		v[p] = start[p] + int64(dice.IntN(int(next[p]-start[p])+1))
	}
	seq, ok := r.locate(v)
	var want []*slot
	for _, s := range all {
		if s.offset >= v.of(s.partition) {
			want = append(want, s)
		}
	}
	if lacks := slices.ContainsFunc(all[:r.first], func(s *slot) bool { return s.offset >= v.of(s.partition) }); ok && lacks {
		t.Fatalf("%v is said to be in the ring, which has dropped some of it", v)
	} else if !ok && !lacks && v.covers(tail) {
		t.Fatalf("%v is said not to be in the ring", v)
	}
	if ok {
		var got []*slot
		for _, s := range all[seq:] {
			if s.offset >= v.of(s.partition) {
				got = append(got, s)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v finds %d events, want %d", v, len(got), len(want))
		}
		if int(seq) < len(all) && all[seq].offset < v.of(all[seq].partition) {
			t.Fatalf("%v is sent back to an event that it has", v)
		}
	}

	// A tenant's events, a few at a time.
	id := fmt.Sprint("t", dice.IntN(4))
	from := r.first + uint64(dice.IntN(len(held)+1))
	to := from + uint64(dice.IntN(int(r.end()-from)+1))
	var got, mine []*slot
	for at := from; at < to; {
		var part []*slot
		part, at = r.tenant(nil, id, at, to, 1+dice.IntN(3))
		got = append(got, part...)
	}
	for _, s := range all[from:to] {
		if s.event.TenantID == id {
			mine = append(mine, s)
		}
	}
	if !slices.Equal(got, mine) {
		t.Fatalf("%s has %d events in [%d, %d), want %d", id, len(got), from, to, len(mine))
	}
}

func TestDeque_GivesMemoryBack(t *testing.T) {
	var d deque[int]
	for i := range 10_000 {
		d.push(i)
	}
	for i := range 9_990 {
		if got := d.pop(); got != i {
			t.Fatalf("popped %d, want %d", got, i)
		}
	}
	if len(d.items) > 128 || d.at(9) != 9_999 {
		t.Errorf("room for %d items holds %d", len(d.items), d.len())
	}
}
