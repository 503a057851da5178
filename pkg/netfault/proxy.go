// Package netfault puts a network that fails on command between a client and a
// TCP server, for tests. What it promises is exact, so that a test can say which
// byte was lost: a fault holds for all that the proxy has not yet passed on when
// the fault begins, and once the call that begins it has returned, no byte gets
// around it.
//
// It is not Shopify's toxiproxy, because that drops bytes where a stall must
// keep them, resets a connection only when something flows on it, leaves a
// connection whose answers were lost open with a hole in its stream, and brings
// an HTTP API, a logger and a command line with it.
package netfault

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy passes TCP connections on to an upstream. Faults add up, a delay and a
// throttle say, and hold until Heal, for live and for new connections. All
// methods are safe to call at any time and from any goroutine; they return when
// what they say is so.
type Proxy struct {
	listener *net.TCPListener
	ctx      context.Context // ends with the test; the proxy owns it, so it may be kept
	running  sync.WaitGroup

	mu       sync.Mutex // guards what follows
	upstream string
	faults   faults
	orders   int64         // calls so far of what counts them
	changed  chan struct{} // closed, and made anew, when faults change
	pairs    map[*pair]struct{}
	counts   Counts
}

// faults is what is wrong with the network; its zero value is a sound one.
type faults struct {
	refuse, stall, dropResponses bool
	delay, jitter                time.Duration
	rate                         int // bytes per second each way of a connection; 0: unlimited
	truncate                     [2]limit
	dropTo                       matcher
}

// matcher makes connections lose their answers from a certain request on.
type matcher struct {
	order   int64 // which call of DropResponsesTo this is; 0: none
	matches func(request []byte) bool
}

// limit cuts a connection after some more bytes in one direction.
type limit struct {
	order int64 // which call of Truncate this is; 0: none
	bytes int64 // from then on
}

// Counts says what has passed and what hasn't, since the start.
type Counts struct {
	Live      int   // connections of clients now
	Accepted  int   // connections of clients ever
	Requests  int64 // bytes that were passed to the upstream
	Answers   int64 // bytes that were passed to clients
	Swallowed int64 // bytes of answers that DropResponses has taken
	Held      int64 // bytes that were read and wait to be passed on, as with Stall or Delay
}

// Start starts a proxy to an upstream on a free port of loopback; it ends with
// the test.
func Start(t testing.TB, upstream string) *Proxy {
	t.Helper()
	return StartAt(t, "127.0.0.1:0", upstream)
}

// StartAt starts a proxy that listens on an address of the test's choice. An
// upstream that isn't known yet may be empty: set it before a client connects.
func StartAt(t testing.TB, listenAddr, upstream string) *Proxy {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", listenAddr)
	if err != nil {
		t.Fatalf("start a proxy: %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &Proxy{
		listener: listener.(*net.TCPListener), ctx: ctx,
		upstream: upstream, changed: make(chan struct{}), pairs: map[*pair]struct{}{},
	}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		stop()
		_ = p.listener.Close() // It has nothing left to say.
		p.Cut()
		p.running.Wait()
	})
	return p
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetUpstream sets where connections that are new from now on lead. Live ones
// stay where they are; Cut ends them.
func (p *Proxy) SetUpstream(addr string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = addr
}

// Counts returns what has passed so far. Tests wait for what they need to have
// happened: an answer that was swallowed, a request that is held.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := p.counts
	counts.Live = len(p.pairs)
	for pair := range p.pairs {
		counts.Held += pair.pipes[requests].held.Load() + pair.pipes[answers].held.Load()
	}
	return counts
}

// Cut resets every live connection on both sides. New ones are served.
func (p *Proxy) Cut() {
	for _, pair := range p.live() {
		pair.reset()
	}
}

// Refuse resets every live connection, and new ones at once.
func (p *Proxy) Refuse() {
	p.set(func(f *faults) { f.refuse = true })
	p.Cut()
}

// Stall leaves connections half open: nothing passes either way, the end of a
// connection included, so neither side is told. New connections are accepted
// and hang. After Heal all go on where they stood and nothing is lost: the
// upstream then gets even what a client that has given up had sent.
func (p *Proxy) Stall() { p.set(func(f *faults) { f.stall = true }) }

// DropResponses swallows what the upstream answers, the end of a connection
// included, while requests go through. Heal resets the connections that have
// lost something.
func (p *Proxy) DropResponses() { p.set(func(f *faults) { f.dropResponses = true }) }

// Mute swallows what the upstream answers on the connections that live now, for
// as long as they do: nobody is told, and Heal does not end it. New ones are served.
func (p *Proxy) Mute() {
	for _, pair := range p.live() {
		pair.mute.Store(true)
	}
	p.set(func(*faults) {}) // Whoever waits looks again, and what passes is waited for.
}

// DropResponsesTo is DropResponses on those connections only on which a request
// matches, from that request on: a client that asks its way to where it then
// sends what matters loses the answer to that alone. The function sees what one
// read has brought, which is a whole request where the client sends it at once
// and it isn't large.
func (p *Proxy) DropResponsesTo(matches func(request []byte) bool) {
	p.set(func(f *faults) {
		p.orders++
		f.dropTo = matcher{p.orders, matches}
	})
}

// Delay makes all bytes arrive later by the delay and a random part of the
// jitter, in order.
func (p *Proxy) Delay(delay, jitter time.Duration) {
	p.set(func(f *faults) { f.delay, f.jitter = delay, jitter })
}

// Throttle limits each direction of each connection.
func (p *Proxy) Throttle(bytesPerSecond int) {
	p.set(func(f *faults) { f.rate = max(bytesPerSecond, 1) })
}

// Truncate lets every connection, live or new, pass n more bytes of answers.
// Then the client sees its connection end in order, in the middle of an answer
// if n was chosen so, and the upstream's side is reset.
func (p *Proxy) Truncate(n int64) { p.truncate(answers, n) }

// TruncateRequests is Truncate in the other direction: the upstream sees the
// connection end after n more bytes of requests, and the client's side is reset.
func (p *Proxy) TruncateRequests(n int64) { p.truncate(requests, n) }

func (p *Proxy) truncate(d direction, n int64) {
	p.set(func(f *faults) {
		p.orders++
		f.truncate[d] = limit{order: p.orders, bytes: max(n, 0)}
	})
}

// Heal ends every fault.
func (p *Proxy) Heal() {
	p.set(func(f *faults) { *f = faults{} })
	for _, pair := range p.live() {
		if pair.holed.Load() && !pair.mute.Load() {
			pair.reset()
		}
	}
}

func (p *Proxy) live() []*pair {
	p.mu.Lock()
	defer p.mu.Unlock()
	pairs := make([]*pair, 0, len(p.pairs))
	for pair := range p.pairs {
		pairs = append(pairs, pair)
	}
	return pairs
}

// set changes the faults and returns once no byte can pass that still goes by
// the old ones.
func (p *Proxy) set(change func(*faults)) {
	p.mu.Lock()
	change(&p.faults)
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	for _, pair := range p.live() {
		pair.interrupt()
	}
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.AcceptTCP()
		switch {
		case err == nil:
			p.admit(conn)
		case errors.Is(err, net.ErrClosed):
			return
		default: // Out of file descriptors, say: that passes.
			select {
			case <-time.After(10 * time.Millisecond):
			case <-p.ctx.Done():
				return
			}
		}
	}
}

func (p *Proxy) admit(client *net.TCPConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts.Accepted++
	if p.faults.refuse || p.ctx.Err() != nil {
		reset(client)
		return
	}
	pair := newPair(p, client)
	p.pairs[pair] = struct{}{}
	p.running.Go(func() {
		pair.run()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.pairs, pair)
	})
}

// connect waits while the network is stalled and then connects to the upstream.
func (p *Proxy) connect(ctx context.Context) (*net.TCPConn, error) {
	for {
		p.mu.Lock()
		stalled, changed, upstream := p.faults.stall, p.changed, p.upstream
		p.mu.Unlock()
		if !stalled {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", upstream)
			if err != nil {
				return nil, err
			}
			return conn.(*net.TCPConn), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// reset closes a connection so that the other side sees a reset, whatever was
// on its way.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0) // It may be closed already.
	_ = conn.Close()
}
