package netfault

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// pipe is one direction of a pair.
type pipe struct {
	pair      *pair
	direction direction
	from, to  *net.TCPConn
	queue     chan chunk
	held      atomic.Int64 // bytes read and not yet passed on

	passing sync.Mutex // held from reading the faults to having obeyed them; guards what follows
	free    time.Time  // when a throttle lets the next byte pass
	limit   limit
}

// chunk is what one read has brought.
type chunk struct {
	bytes []byte
	err   error // that ended the direction after these bytes
	at    time.Time
	luck  float64 // the part of the jitter that this chunk gets
}

func (p *pipe) read() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := p.from.Read(buffer)
		p.held.Add(int64(n))
		c := chunk{bytes: bytes.Clone(buffer[:n]), err: err, at: time.Now(), luck: rand.Float64()} //nolint:gosec // No secret.
		select {
		case p.queue <- c:
		case <-p.pair.ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// deliver passes on what was read, until the direction or the pair ends.
func (p *pipe) deliver() {
	for {
		select {
		case c := <-p.queue:
			if !p.pass(&c) {
				return
			}
		case <-p.pair.ctx.Done():
			return
		}
	}
}

// pass passes one chunk on, and reports whether more may come after it.
func (p *pipe) pass(c *chunk) bool {
	for {
		next, wait, changed := p.step(c)
		switch next {
		case done:
			return true
		case ended:
			return false
		case again:
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-changed:
			case <-p.pair.ctx.Done():
			}
			timer.Stop()
		case held:
			select {
			case <-changed:
			case <-p.pair.ctx.Done():
			}
		}
		if p.pair.ctx.Err() != nil {
			return false
		}
	}
}

// next is what comes after a step.
type next int

const (
	done  next = iota // the chunk was passed on
	again             // after some time, or when the faults change
	held              // when the faults change
	ended             // nothing comes after this chunk
)

// step does with a chunk what the faults allow now.
func (p *pipe) step(c *chunk) (_ next, wait time.Duration, changed <-chan struct{}) {
	p.passing.Lock()
	defer p.passing.Unlock()
	// In this order: a deadline that is set after the faults were read stands.
	_ = p.to.SetWriteDeadline(time.Time{}) // If it is closed, Write says so.
	faults, changed := p.pair.proxy.now()
	switch {
	case faults.stall:
		return held, 0, changed
	case p.direction == answers && p.pair.loses(faults):
		p.swallow(c)
		if c.err != nil {
			return held, 0, changed
		}
		return done, 0, changed
	}
	due := c.at.Add(faults.delay + time.Duration(c.luck*float64(faults.jitter)))
	if faults.rate > 0 && p.free.After(due) {
		due = p.free
	}
	if wait := time.Until(due); wait > 0 {
		return again, wait, changed
	}
	if to := faults.dropTo; p.direction == requests && to.order != 0 && to.matches(c.bytes) {
		p.pair.dropTo.Store(to.order)
	}
	if !p.write(c, faults) {
		return ended, 0, changed
	}
	if len(c.bytes) > 0 {
		return again, 0, changed
	}
	if c.err != nil {
		p.pair.finish(p.direction, c.err)
		return ended, 0, changed
	}
	return done, 0, changed
}

func (p *pipe) swallow(c *chunk) {
	if len(c.bytes) > 0 {
		p.pair.holed.Store(true)
	}
	p.moved(c, len(c.bytes), func(counts *Counts, n int64) { counts.Swallowed += n })
}

// write passes on as much of a chunk as a throttle and a limit allow at once,
// and reports whether the receiver takes more.
func (p *pipe) write(c *chunk, f faults) bool {
	piece := c.bytes
	if f.rate > 0 {
		piece = piece[:min(len(piece), max(f.rate/50, 1))]
	}
	limited := f.truncate[p.direction]
	if limited.order != p.limit.order {
		p.limit = limited
	}
	if limited.order != 0 {
		piece = piece[:min(int64(len(piece)), p.limit.bytes)]
	}
	if len(piece) > 0 {
		n, err := p.to.Write(piece)
		p.limit.bytes -= int64(n)
		if f.rate > 0 {
			p.free = time.Now().Add(time.Duration(n) * time.Second / time.Duration(f.rate))
		}
		p.moved(c, n, func(counts *Counts, n int64) {
			if p.direction == requests {
				counts.Requests += n
			} else {
				counts.Answers += n
			}
		})
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			p.pair.tear(p.direction)
			return false
		}
	}
	if limited.order != 0 && p.limit.bytes == 0 {
		p.pair.truncate(p.direction)
		return false
	}
	return true
}

// moved takes bytes from the start of a chunk and counts them.
func (p *pipe) moved(c *chunk, n int, count func(*Counts, int64)) {
	c.bytes = c.bytes[n:]
	p.held.Add(-int64(n))
	p.pair.proxy.mu.Lock()
	defer p.pair.proxy.mu.Unlock()
	count(&p.pair.proxy.counts, int64(n))
}

// now returns the faults, and what is closed when they change.
func (p *Proxy) now() (faults, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults, p.changed
}
