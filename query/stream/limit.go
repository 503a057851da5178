package stream

import (
	"context"
	"slices"
	"sync"

	"daybook/pkg/tenant"
)

// clientLimit bounds the open streams of the node and of each tenant.
type clientLimit struct {
	total, each int

	mu       sync.Mutex // guards what follows
	open     int
	byTenant map[tenant.ID]int
	empty    chan struct{} // closed when the last client leaves; nil while nobody waits
}

// enter counts one more stream, or names the setting that forbids it.
func (l *clientLimit) enter(id tenant.ID) (setting string, limit int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.open >= l.total:
		return "stream.max_clients", l.total, false
	case l.byTenant[id] >= l.each:
		return "stream.max_clients_per_tenant", l.each, false
	}
	l.open++
	l.byTenant[id]++
	return "", 0, true
}

func (l *clientLimit) leave(id tenant.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.byTenant[id]--; l.byTenant[id] == 0 {
		delete(l.byTenant, id)
	}
	if l.open == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

// wait returns when no stream is open.
func (l *clientLimit) wait(ctx context.Context) error {
	l.mu.Lock()
	if l.open == 0 {
		l.mu.Unlock()
		return nil
	}
	if l.empty == nil {
		l.empty = make(chan struct{})
	}
	empty := l.empty
	l.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turnstile hands out a bounded number of turns, first come first served,
// except that no tenant holds more than half of them.
type turnstile struct {
	mu       sync.Mutex // guards what follows
	free     int
	each     int
	byTenant map[tenant.ID]int
	queue    []*turn
}

// turn is a place in the queue, or what came of it.
type turn struct {
	tenant tenant.ID
	mine   chan struct{} // closed when it is one's turn
	held   bool          // guarded by the turnstile's mu
}

func newTurnstile(turns int) *turnstile {
	return &turnstile{free: turns, each: max(1, turns/2), byTenant: map[tenant.ID]int{}}
}

// queueUp asks for a turn. Whoever asks must call done, whether or not the
// turn came.
func (t *turnstile) queueUp(id tenant.ID) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := &turn{tenant: id, mine: make(chan struct{})}
	t.queue = append(t.queue, mine)
	t.admit()
	return mine
}

func (t *turnstile) done(mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !mine.held {
		t.queue = slices.DeleteFunc(t.queue, func(other *turn) bool { return other == mine })
		return
	}
	t.free++
	if t.byTenant[mine.tenant]--; t.byTenant[mine.tenant] == 0 {
		delete(t.byTenant, mine.tenant)
	}
	t.admit()
}

// admit gives free turns to the first in the queue whose tenants may have one.
func (t *turnstile) admit() {
	for i := 0; i < len(t.queue) && t.free > 0; {
		next := t.queue[i]
		if t.byTenant[next.tenant] >= t.each {
			i++
			continue
		}
		t.queue = slices.Delete(t.queue, i, i+1)
		t.free--
		t.byTenant[next.tenant]++
		next.held = true
		close(next.mine)
	}
}
