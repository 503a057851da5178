package stream

import (
	"context"
	"slices"
	"sync"

	"daybook/pkg/tenant"
)

// clientLimit bounds the open streams of the node, of each tenant and of each
// key.
type clientLimit struct {
	total, each, perKey int

	mu       sync.Mutex // guards what follows
	open     int
	byTenant map[tenant.ID]int
	byKey    map[string]int
	empty    chan struct{} // closed when the last client leaves; nil while nobody waits
}

func newClientLimit(c Config) *clientLimit {
	return &clientLimit{
		total: c.MaxClients, each: c.MaxClientsPerTenant, perKey: c.MaxClientsPerKey,
		byTenant: map[tenant.ID]int{}, byKey: map[string]int{},
	}
}

// enter counts one more stream, or names the setting that forbids it.
func (l *clientLimit) enter(id tenant.ID, key string) (setting string, limit int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.open >= l.total:
		return "stream.max_clients", l.total, false
	case l.byTenant[id] >= l.each:
		return "stream.max_clients_per_tenant", l.each, false
	case l.byKey[key] >= l.perKey:
		return "stream.max_clients_per_key", l.perKey, false
	}
	l.open++
	l.byTenant[id]++
	l.byKey[key]++
	return "", 0, true
}

func (l *clientLimit) leave(id tenant.ID, key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.byTenant[id]--; l.byTenant[id] == 0 {
		delete(l.byTenant, id)
	}
	if l.byKey[key]--; l.byKey[key] == 0 {
		delete(l.byKey, key)
	}
	if l.open == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

// count returns how many streams are open.
func (l *clientLimit) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
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
