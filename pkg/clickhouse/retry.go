package clickhouse

import (
	"context"
	"errors"
	"time"
)

const (
	// restartPatience is how long a read waits for a server that restarts.
	restartPatience = 5 * time.Second
	restartPoll     = 50 * time.Millisecond
)

// ReadRetry calls a read, and once more when the server was lost under it: it
// waits up to five seconds for the server to answer again. The read must start
// from nothing when it is called again, what it has scanned included.
//
// It is for reads only. An insert with the same error has an unknown outcome.
func ReadRetry(ctx context.Context, read func() error) error {
	err := read()
	if !lost(ctx, err) {
		return err
	}
	deadline := time.NewTimer(restartPatience)
	defer deadline.Stop()
	poll := time.NewTicker(restartPoll)
	defer poll.Stop()
	reached := !neverConnected(err)
	for {
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-deadline.C:
			return err
		case <-poll.C:
		}
		if err = read(); !lost(ctx, err) {
			if err != nil && ctx.Err() != nil {
				return errors.Join(err, context.Cause(ctx))
			}
			return err
		}
		// One that reached the server and lost it a second time may be the reason.
		if !neverConnected(err) {
			if reached {
				return err
			}
			reached = true
		}
	}
}

// lost says that the server went away, and not that the caller gave up.
func lost(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && Code(err) == 0 && isConnection(err) && !errors.Is(err, context.DeadlineExceeded)
}
