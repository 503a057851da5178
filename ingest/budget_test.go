package ingest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget_WaitsForMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		wait := func(ctx context.Context) (time.Duration, error) {
			began := time.Now()
			err := b.wait(ctx, time.Second)
			return time.Since(began), err
		}
		b.take(60)
		if took, err := wait(t.Context()); took != 0 || err != nil {
			t.Errorf("60 of 100: waited %s, %v", took, err)
		}
		b.take(60) // What was fetched counts, whatever the limit.
		if took, err := wait(t.Context()); took != time.Second || err != nil || !b.full() {
			t.Errorf("120 of 100: waited %s, %v", took, err)
		}
		time.AfterFunc(300*time.Millisecond, func() { b.release(30) })
		if took, err := wait(t.Context()); took != 300*time.Millisecond || err != nil || b.full() {
			t.Errorf("released after 300 ms: waited %s, %v", took, err)
		}
		b.take(100)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		if took, err := wait(ctx); took != 200*time.Millisecond || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("cut off after 200 ms: waited %s, %v", took, err)
		}
	})
}
