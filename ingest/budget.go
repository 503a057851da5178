package ingest

import (
	"context"
	"sync"
	"time"
)

// budget counts the memory that blocks hold, over all partitions. It may be
// overdrawn by one fetch per partition: what has been fetched is counted,
// what will be fetched is not known.
type budget struct {
	mu    sync.Mutex
	limit int64
	used  int64         // guarded by mu
	freed chan struct{} // guarded by mu; closed when memory was released
}

func newBudget(limit int64) *budget { return &budget{limit: limit, freed: make(chan struct{})} }

func (b *budget) take(n int64) {
	b.mu.Lock()
	b.used += n
	b.mu.Unlock()
}

func (b *budget) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	close(b.freed)
	b.freed = make(chan struct{})
}

func (b *budget) full() bool { return b.inUse() >= b.limit }

func (b *budget) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// wait returns when memory was released or the budget is not full, after at
// most d, or with ctx's error.
func (b *budget) wait(ctx context.Context, d time.Duration) error {
	b.mu.Lock()
	full, freed := b.used >= b.limit, b.freed
	b.mu.Unlock()
	if !full {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-freed:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
