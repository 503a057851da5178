package ingest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cespare/xxhash/v2"
	"go.uber.org/zap"

	"daybook/pkg/clickhouse"
	"daybook/schema"
)

// Producers repeat themselves: a retry whose acknowledgement was lost puts the
// same event into Kafka again, at another offset. Such a copy is dropped only
// when ClickHouse confirms that it has the event; a memory of recent ids only
// says when to ask. Copies further apart than that memory are folded by the
// table's ReplacingMergeTree.

// recentIDs remembers about the last capacity..2*capacity event ids as 64-bit
// hashes, in two tables of which the older is dropped when
// the newer is full, and which blocks are being stored. A hit may be a
// collision; a miss within the memory is certain.
type recentIDs struct {
	mu       sync.Mutex
	capacity int
	tables   [2]hashSet          // guarded by mu; [0] is the newer
	flying   map[*claim]struct{} // guarded by mu; claims that have not landed
}

// claim is one block's entry into the memory.
type claim struct {
	ids      *recentIDs
	suspects []int    // rows whose id was there already
	earlier  []*claim // blocks that were being stored when this one came
	done     chan struct{}
}

// recentCapacity holds a minute at 25,000 events/s; both tables take 32 MiB.
const recentCapacity = 2 << 20

func newRecentIDs(capacity int) *recentIDs {
	return &recentIDs{capacity: capacity, flying: map[*claim]struct{}{}}
}

// hashSet is an open-addressing table that never grows. One half of a hash says
// where an entry begins to look for its slot, the other half is the entry.
type hashSet struct {
	slots []uint32 // a power of two; 0 is an empty slot
	n     int
}

func newHashSet(capacity int) hashSet {
	size := 1024
	for size < 2*capacity {
		size *= 2
	}
	return hashSet{slots: make([]uint32, size)}
}

func (s *hashSet) has(h uint64) bool {
	if s.n == 0 {
		return false
	}
	mask := uint64(len(s.slots) - 1)
	entry := uint32(h) | 1
	for i := h >> 32 & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i] == entry {
			return true
		}
	}
	return false
}

func (s *hashSet) add(h uint64) {
	mask := uint64(len(s.slots) - 1)
	i := h >> 32 & mask
	for s.slots[i] != 0 {
		i = (i + 1) & mask
	}
	s.slots[i] = uint32(h) | 1
	s.n++
}

func hashID(id identity) uint64 {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(id.tenant)
	_, _ = d.Write([]byte{0})
	_, _ = d.WriteString(id.source)
	_, _ = d.Write([]byte{0})
	_, _ = d.WriteString(id.event)
	return max(d.Sum64(), 1)
}

// claim remembers the block's ids. Of two blocks with the same id exactly one
// gets it as a suspect, and that one has the other among the earlier: it can
// wait for it and then ask the table. Waiting only ever goes back in time, so
// it ends. The caller lands the claim when the block is stored or given up.
func (r *recentIDs) claim(b *block) *claim {
	hashes := make([]uint64, len(b.rows))
	for i := range b.rows {
		hashes[i] = hashID(identify(&b.rows[i]))
	}
	c := &claim{ids: r, done: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	for other := range r.flying {
		c.earlier = append(c.earlier, other)
	}
	r.flying[c] = struct{}{}
	for i, h := range hashes {
		if r.tables[0].has(h) || r.tables[1].has(h) {
			c.suspects = append(c.suspects, i)
			continue
		}
		r.remember(h)
	}
	return c
}

// remember adds a hash. The caller holds mu.
func (r *recentIDs) remember(h uint64) {
	if r.tables[0].slots == nil || r.tables[0].n >= r.capacity {
		r.tables[0], r.tables[1] = newHashSet(r.capacity), r.tables[0]
	}
	r.tables[0].add(h)
}

func (c *claim) land() {
	c.ids.mu.Lock()
	delete(c.ids.flying, c)
	c.ids.mu.Unlock()
	close(c.done)
}

// awaitEarlier waits for the blocks that were being stored when this one came:
// an event that both have is in the table then, or will not come from there.
func (c *claim) awaitEarlier(ctx context.Context) error {
	for _, other := range c.earlier {
		select {
		case <-other.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// dropDuplicates removes the rows whose event is in the table from another
// offset, or earlier in the same block.
func (w *writer) dropDuplicates(ctx context.Context, b *block, c *claim) error {
	found, err := w.lookup(ctx, b, c.suspects)
	if err != nil {
		return err
	}
	first := make(map[identity]int, len(b.rows))
	for i := range b.rows {
		id := identify(&b.rows[i])
		if _, ok := first[id]; !ok {
			first[id] = i
		}
	}
	drop := map[int]struct{}{}
	for _, i := range c.suspects {
		id := identify(&b.rows[i])
		at, stored := found[id]
		switch {
		case first[id] != i:
			drop[i] = struct{}{}
			w.metrics.duplicates.WithLabelValues("same_block").Inc()
		case stored && at != (position{b.partition, b.pos[i]}):
			drop[i] = struct{}{}
			w.metrics.duplicates.WithLabelValues("stored").Inc()
		}
	}
	if len(drop) > 0 {
		w.log.Info("dropped events that producers sent twice", zap.Stringer("block", b), zap.Int("events", len(drop)))
		b.repeat(drop)
	}
	return nil
}

const (
	warmRows    = 500_000 // bounds how many ids warm reads,
	warmOffsets = 200_000 // and how far back of a partition that a node takes over
)

// warm fills the memory of recent ids from the table, so that a copy is
// noticed across a restart, whatever its partition.
func (in *Ingest) warm(ctx context.Context) error {
	return in.untilRead(ctx, "read the recent event ids", func() error {
		return in.remember(ctx, `ingested_at > (SELECT max(ingested_at) FROM `+schema.Events+`) - INTERVAL 15 MINUTE`)
	})
}

// warmPartition does so for a partition that this node takes over, of which
// another node has stored what it does not know.
func (w *worker) warmPartition(ctx context.Context, committed int64) error {
	err := readTable(ctx, func(ctx context.Context) error {
		return w.in.remember(ctx, `kafka_topic = ? AND kafka_partition = ? AND kafka_offset >= ?`, w.in.kafka.Topic, w.partition, committed-warmOffsets)
	})
	if err != nil {
		return fmt.Errorf("read the recent event ids of partition %d: %w", w.partition, err)
	}
	return nil
}

// remember adds the ids of the events for which a condition holds to the memory.
func (in *Ingest) remember(ctx context.Context, condition string, args ...any) error {
	rows, err := in.conn.Query(ctx, `SELECT tenant_id, source, event_id FROM `+schema.Events+` WHERE `+condition+` LIMIT ?`, append(args, warmRows)...)
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	r := in.writer.recent
	for rows.Next() {
		var id identity
		if err := rows.Scan(&id.tenant, &id.source, &id.event); err != nil {
			return err
		}
		h := hashID(id)
		r.mu.Lock()
		if !r.tables[0].has(h) && !r.tables[1].has(h) {
			r.remember(h)
		}
		r.mu.Unlock()
	}
	return rows.Err()
}

// untilRead reads until it succeeds or ctx ends; ClickHouse may not be there yet.
func (in *Ingest) untilRead(ctx context.Context, what string, read func() error) error {
	for failures := 0; ; failures++ {
		err := clickhouse.ReadRetry(ctx, read)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		in.log.Warn("ClickHouse can't be read yet, trying again", zap.String("what", what), zap.Error(err))
		pause(ctx, min(200*time.Millisecond<<min(failures, 5), 5*time.Second))
	}
}
