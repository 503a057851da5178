package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRunStages_StopsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var (
			mu    sync.Mutex
			order []string
		)
		slow := func(name string, takes time.Duration) stage {
			return stage{name, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(takes) //nolint:forbidigo // In the bubble's time: the next stage must wait for it.
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
				return nil
			}}
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, stop)
		if err := runStages(ctx, []stage{slow("first", 3*time.Second), slow("second", time.Second), slow("third", 0)}); err != nil {
			t.Error(err)
		}
		if want := []string{"first", "second", "third"}; !slices.Equal(order, want) {
			t.Errorf("stopped in the order %v", order)
		}
	})
}

func TestRunStages_OneThatEndsStopsAll(t *testing.T) {
	for name, ends := range map[string]error{"disk full": errors.New("disk full"), "ended by itself": nil} {
		synctest.Test(t, func(t *testing.T) {
			stopped := false
			err := runStages(t.Context(), []stage{
				{"good", func(ctx context.Context) error { <-ctx.Done(); stopped = true; return nil }},
				{"bad", func(context.Context) error { return ends }},
			})
			if err == nil || !strings.Contains(err.Error(), "bad: "+name) || !stopped {
				t.Errorf("%v, the other stopped: %t", err, stopped)
			}
		})
	}
}
