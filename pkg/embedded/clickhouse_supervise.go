package embedded

import (
	"context"
	"time"

	"go.uber.org/zap"
)

const (
	// A child that lived this long died of something new: no delay.
	settled    = 5 * time.Second
	firstDelay = 50 * time.Millisecond
	// One that answered can be started, so it is back soon however often it dies.
	liveDelay     = time.Second
	longestDelay  = 10 * time.Second
	reportedLines = 20
)

// supervise owns the children: it waits for the end of each and starts the
// next, until Close. The first restart is immediate, so that ClickHouse is back
// within two seconds; one that keeps dying is retried with a growing delay,
// without end, because the cause (a full disk, say) can go away.
func (c *ClickHouse) supervise(current *child) {
	defer close(c.done)
	defer c.closeGates()
	delay := firstDelay
	for {
		select {
		case <-c.closing:
			c.pid.Store(0)
			for _, g := range c.gates() {
				g.cut()
			}
			if current.stop(shutdownTime) {
				c.config.Log.Warn("embedded ClickHouse had to be stopped with force", zap.Strings("log", current.logs.lines(reportedLines)))
			}
			return
		case <-current.exited:
		}
		c.pid.Store(0)
		current.stop(0)
		lived := time.Since(current.started)
		c.config.Log.Error("embedded ClickHouse died; starting it again", zap.Error(current.ending()),
			zap.Duration("lived", lived), zap.Strings("log", current.logs.lines(reportedLines)))
		delay = min(delay, liveDelay)
		if lived >= settled {
			delay = firstDelay
		}
		next := c.again(&delay)
		if next == nil {
			return
		}
		current = next
	}
}

// again starts ClickHouse until that succeeds; nil when Close came first.
func (c *ClickHouse) again(delay *time.Duration) *child {
	for {
		timer := time.NewTimer(*delay)
		select {
		case <-c.closing:
			timer.Stop()
			return nil
		case <-timer.C:
		}
		*delay = min(*delay*2, longestDelay)
		c.restarts.Add(1)
		next, err := c.spawn(context.Background())
		if err == nil {
			return next
		}
		select {
		case <-c.closing:
			return nil
		default:
			c.config.Log.Error("embedded ClickHouse does not start; trying again", zap.Error(err), zap.Duration("in", *delay))
		}
	}
}
