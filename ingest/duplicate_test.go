package ingest

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"daybook/pkg/event"
)

func blockOf(ids ...string) *block {
	b := &block{}
	for _, id := range ids {
		b.rows = append(b.rows, event.Event{TenantID: "t", EventID: id})
	}
	return b
}

func TestRecentIDs_AgreesWithAMap(t *testing.T) {
	r := newRecentIDs(1000)
	random := rand.New(rand.NewPCG(1, 2))
	last := map[string]int{} // when each id was claimed first
	claimed := 0
	for range 300 {
		var ids []string
		for range 50 {
			ids = append(ids, strconv.Itoa(random.IntN(3000)))
		}
		c := r.claim(blockOf(ids...))
		c.land()
		suspects := map[int]bool{}
		for _, i := range c.suspects {
			suspects[i] = true
		}
		for i, id := range ids {
			at, known := last[id]
			if known && claimed-at < 1000 && !suspects[i] {
				t.Fatalf("%s was claimed %d ids ago and is forgotten", id, claimed-at)
			}
			if !known && suspects[i] {
				t.Fatalf("%s was never claimed and is known", id)
			}
			if !suspects[i] {
				last[id] = claimed
				claimed++
			}
		}
	}
	if n := r.tables[0].n + r.tables[1].n; n > 2000 {
		t.Errorf("it holds %d ids, at most 2000 are wanted", n)
	}
}

// Of two blocks that bring the same event at the same time, one waits for the other.
func TestRecentIDs_OneOfTwoWaits(t *testing.T) {
	r := newRecentIDs(1000)
	first, second := r.claim(blockOf("a", "b")), r.claim(blockOf("b", "c"))
	if len(first.suspects) != 0 || len(first.earlier) != 0 {
		t.Errorf("the first has suspects %v and waits for %d", first.suspects, len(first.earlier))
	}
	if len(second.suspects) != 1 || second.suspects[0] != 0 || len(second.earlier) != 1 || second.earlier[0] != first {
		t.Errorf("the second has suspects %v and waits for %d", second.suspects, len(second.earlier))
	}
	first.land()
	second.land()
	if third := r.claim(blockOf("d")); len(third.earlier) != 0 {
		t.Errorf("a block waits for %d that are stored", len(third.earlier))
	}
}

func BenchmarkRecentIDs_Claim(b *testing.B) {
	r := newRecentIDs(recentCapacity)
	block := blockOf(make([]string, 10_000)...)
	n := 0
	for b.Loop() {
		for i := range block.rows {
			n++
			block.rows[i].EventID = fmt.Sprint("evt_", n)
		}
		r.claim(block).land()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/event")
}
