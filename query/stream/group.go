package stream

import (
	"slices"
	"sync"
	"time"

	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	"daybook/pkg/tenant"
)

// Matcher decides which events a client wants. It must be safe for
// concurrent use and must not change.
type Matcher interface {
	Match(*event.Event) bool
}

// groupKey tells groups apart: clients that share it receive the same bytes.
type groupKey struct {
	tenant    tenant.ID
	canonical string // the filter's canonical text
	wire      wire
}

// group is all clients with one tenant, filter and wire format. Its log holds
// the latest blocks of matching frames; each live client is an index into it.
type group struct {
	key     groupKey
	matcher Matcher
	budget  func() int // bytes that the log may hold now

	// These belong to the feed's writer.
	members      int // guarded by feed.mu
	index        int // in its audience; guarded by feed.mu
	pending      []*slot
	pendingBytes int

	mu     sync.Mutex // guards what follows
	blocks deque[*block]
	first  uint64 // index of the oldest block
	bytes  int
	floor  uint64 // no block at or after this seq was dropped: where a client may join
	bells  []bell // of the live clients
}

// audience is the groups of a tenant. Each event of the tenant is shown to all of
// them, so they are in a slice, too.
type audience struct {
	byKey  map[groupKey]*group
	groups []*group
}

func (a *audience) add(g *group) {
	g.index = len(a.groups)
	a.groups = append(a.groups, g)
	a.byKey[g.key] = g
}

func (a *audience) remove(g *group) {
	last := a.groups[len(a.groups)-1]
	a.groups[g.index], last.index = last, g.index
	a.groups[len(a.groups)-1] = nil
	a.groups = a.groups[:len(a.groups)-1]
	delete(a.byKey, g.key)
}

// block is what one tick of the writer brought to a group. It never changes.
type block struct {
	bytes  []byte // frames
	chunk  []byte // the same in HTTP's chunked coding, in the same memory
	events int
	oldest time.Time // when Kafka got its first event
	first  uint64    // seqs of its first and last event
	last   uint64
	end    uint64 // the seq at the end of the tick
	endID  []byte // the cursor at the end of the tick
}

const (
	// maxLogBlocks and maxLogBytes bound a group's log. A client that falls
	// out of it goes on from the ring.
	maxLogBlocks = 256
	maxLogBytes  = 1 << 20
	minLogBytes  = 4 << 10
)

func newGroup(key groupKey, matcher Matcher, floor uint64, budget func() int) *group {
	return &group{key: key, matcher: matcher, floor: floor, budget: budget}
}

// offer takes s into the next block if the filter wants it, and reports
// whether s is the first there.
func (g *group) offer(s *slot) (first bool) {
	if !g.matcher.Match(s.event) {
		return false
	}
	g.pending = append(g.pending, s)
	g.pendingBytes += len(s.frame)
	return len(g.pending) == 1
}

// publish makes what was offered one block and wakes the clients.
func (g *group) publish(end uint64, endID []byte) {
	b := &block{
		events: len(g.pending), oldest: g.pending[0].event.IngestedAt,
		first: g.pending[0].seq, last: g.pending[len(g.pending)-1].seq, end: end, endID: endID,
	}
	size := 0
	for _, s := range g.pending {
		size += len(s.as(g.key.wire))
	}
	// A copy even of a single frame: a part of the ring's memory would keep the whole fetch it came with.
	chunk := httpserver.AppendChunkSize(make([]byte, 0, size+httpserver.ChunkOverhead), size)
	begin := len(chunk)
	for _, s := range g.pending {
		chunk = append(chunk, s.as(g.key.wire)...)
	}
	b.bytes, b.chunk = chunk[begin:len(chunk):len(chunk)], append(chunk, "\r\n"...)
	clear(g.pending)
	g.pending, g.pendingBytes = g.pending[:0], 0
	if cap(g.pending) > 1024 {
		g.pending = nil
	}

	limit := g.budget()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.blocks.push(b)
	g.bytes += len(b.bytes)
	for g.blocks.len() > 1 && (g.bytes > limit || g.blocks.len() > maxLogBlocks) {
		dropped := g.blocks.pop()
		g.first++
		g.bytes -= len(dropped.bytes)
		g.floor = dropped.end
	}
	for _, b := range g.bells {
		b.ring()
	}
}

// wake has a bell rung for each further block, until hush.
func (g *group) wake(b bell) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.bells = append(g.bells, b)
}

func (g *group) hush(b bell) {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.bells, b)
	g.bells = slices.Delete(g.bells, i, i+1)
}

// join returns the index of the block with which a client goes on that has
// seen everything before seq, which must be the end of a tick. It fails where
// that block is no longer there.
func (g *group) join(seq uint64) (uint64, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if seq < g.floor {
		return 0, false
	}
	i := g.blocks.len()
	for i > 0 && g.blocks.at(i-1).first >= seq {
		i--
	}
	if i > 0 && g.blocks.at(i-1).last >= seq {
		return 0, false
	}
	return g.first + uint64(i), true
}

// from returns the blocks from index on, up to about limit bytes. atEnd says
// that they are all there are; lost that the log has dropped the first of them
// already.
func (g *group) from(dst []*block, index uint64, limit int) (blocks []*block, atEnd, lost bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if index < g.first {
		return dst, false, true
	}
	i := int(index - g.first)
	for ; i < g.blocks.len() && limit > 0; i++ {
		b := g.blocks.at(i)
		limit -= len(b.bytes)
		dst = append(dst, b)
	}
	return dst, i == g.blocks.len(), false
}
