package ingest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestBudget_WaitsUntilReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBudget(100)
		b.take(60)
		b.take(60) // What was fetched counts, whatever the limit.
		freed := make(chan error, 1)
		go func() { freed <- b.wait(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-freed:
			t.Fatalf("waiting ended with %d of 100 in use: %v", b.inUse(), err)
		default:
		}
		b.release(10)
		synctest.Wait()
		if len(freed) != 0 {
			t.Fatal("waiting ended while the budget was full")
		}
		b.release(30)
		if err := <-freed; err != nil {
			t.Fatal(err)
		}

		b.take(100)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("waiting ended with %v", err)
		}
	})
}
