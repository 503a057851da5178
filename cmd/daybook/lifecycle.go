package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
)

// stage is a part of the server that runs until it is told to stop.
type stage struct {
	name string
	run  func(ctx context.Context) error
}

// runStages runs all stages at once until ctx is done or one of them ends.
// Then it stops them one after another, in the order given, each only when the
// one before has ended. The error joins those of the stages.
func runStages(ctx context.Context, stages []stage) error {
	type running struct {
		stop context.CancelFunc
		done chan struct{}
	}
	var stopping atomic.Bool
	ended := make(chan struct{}, len(stages))
	errs := make([]error, len(stages))
	all := make([]running, len(stages))
	for i, s := range stages {
		// Not cancelled with ctx: the order of stopping is ours.
		own, stop := context.WithCancel(context.WithoutCancel(ctx))
		all[i] = running{stop: stop, done: make(chan struct{})}
		go func() {
			defer func() { ended <- struct{}{} }()
			defer close(all[i].done)
			err := s.run(own)
			if err == nil && ctx.Err() == nil && !stopping.Load() {
				err = errors.New("ended by itself")
			}
			if err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.name, err)
			}
		}()
	}
	select {
	case <-ctx.Done():
	case <-ended:
	}
	stopping.Store(true)
	for _, r := range all {
		r.stop()
		<-r.done
	}
	return errors.Join(errs...)
}
