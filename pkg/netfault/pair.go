package netfault

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

type direction int

const (
	requests direction = iota // from the client to the upstream
	answers
)

// pair is a client's connection and the one to the upstream that goes with it.
type pair struct {
	proxy  *Proxy
	client *net.TCPConn
	ctx    context.Context // ends with reset; the pair owns it, so it may be kept
	cancel context.CancelFunc
	pipes  [2]*pipe     // by direction
	holed  atomic.Bool  // bytes were swallowed: the stream can't go on
	dropTo atomic.Int64 // the last call of DropResponsesTo that a request has matched
	mute   atomic.Bool  // no answer passes any more

	mu       sync.Mutex   // guards what follows
	server   *net.TCPConn // nil until connected
	finished [2]bool      // directions whose end was passed on
	torn     bool         // one side takes no more bytes
}

func newPair(proxy *Proxy, client *net.TCPConn) *pair {
	p := &pair{proxy: proxy, client: client}
	p.ctx, p.cancel = context.WithCancel(proxy.ctx)
	for d := range p.pipes {
		p.pipes[d] = &pipe{pair: p, direction: direction(d), queue: make(chan chunk, 64)}
	}
	return p
}

// run connects the two and returns when both have ended.
func (p *pair) run() {
	server, err := p.proxy.connect(p.ctx)
	if err != nil || !p.join(server) {
		p.reset()
		return
	}
	var running sync.WaitGroup
	for _, pipe := range p.pipes {
		running.Go(pipe.read)
		running.Go(pipe.deliver)
	}
	running.Wait()
	p.cancel()
	_ = p.client.Close() // Closed already, or both ends were passed on.
	_ = server.Close()
}

// join reports whether there is still a client for the upstream's connection.
func (p *pair) join(server *net.TCPConn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		reset(server)
		return false
	}
	p.server = server
	p.pipes[requests].from, p.pipes[requests].to = p.client, server
	p.pipes[answers].from, p.pipes[answers].to = server, p.client
	return true
}

// reset ends both connections at once.
func (p *pair) reset() {
	p.cancel()
	p.mu.Lock()
	defer p.mu.Unlock()
	reset(p.client)
	if p.server != nil {
		reset(p.server)
	}
}

// interrupt returns once both directions go by the faults that hold now.
func (p *pair) interrupt() {
	p.mu.Lock()
	joined := p.server != nil
	p.mu.Unlock()
	if !joined {
		return // It will begin with these faults.
	}
	for _, pipe := range p.pipes {
		_ = pipe.to.SetWriteDeadline(time.Unix(1, 0)) // It may be closed.
		pipe.passing.Lock()
		pipe.passing.Unlock() //nolint:staticcheck // Whoever held it has noticed the deadline.
	}
}

// finish passes the end of one direction on: in order, if it came so and
// nothing was lost on the way.
func (p *pair) finish(d direction, err error) {
	p.mu.Lock()
	p.finished[d] = true
	ordered := errors.Is(err, io.EOF) && !p.torn
	p.mu.Unlock()
	if !ordered {
		p.reset()
		return
	}
	_ = p.pipes[d].to.CloseWrite() // If it is gone, its own direction ends too.
}

// tear notes that the receiver of a direction takes no more. What that receiver
// has sent before is still passed on; then both sides end.
func (p *pair) tear(d direction) {
	p.mu.Lock()
	p.torn = true
	over := p.finished[1-d]
	p.mu.Unlock()
	if over {
		p.reset()
	}
}

// loses reports whether answers are swallowed.
func (p *pair) loses(f faults) bool {
	return f.dropResponses || p.mute.Load() || f.dropTo.order != 0 && f.dropTo.order == p.dropTo.Load()
}

// truncate ends both sides in the middle of a direction.
func (p *pair) truncate(d direction) {
	p.mu.Lock()
	p.torn, p.finished[d] = true, true
	p.mu.Unlock()
	_ = p.pipes[d].to.CloseWrite() // A reset could overtake the bytes before it.
	reset(p.pipes[d].from)
}
