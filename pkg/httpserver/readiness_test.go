package httpserver

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
)

func TestReadiness(t *testing.T) {
	down := errors.New("connection refused")
	asked := 0
	r := NewReadiness(
		Check{"clickhouse", func(context.Context) error { asked++; return nil }},
		Check{"kafka", func(context.Context) error { return down }},
	)
	var lost []int
	r.Warn(Warning{"gaps", func() any {
		if lost == nil {
			return nil
		}
		return lost
	}})
	url := serve(t, Config{Addr: "127.0.0.1:0"}, Deps{Log: zaptest.NewLogger(t), Registry: prometheus.NewRegistry(), Keys: testKeys, Ready: r})
	for range 3 {
		got := do(t, "GET", url+"/readyz", "")
		var body readyAnswer
		require.NoError(t, json.Unmarshal([]byte(got.body), &body))
		if got.StatusCode != 503 || len(body.Checks) != 2 || !body.Checks[0].OK || body.Checks[1].OK || body.Checks[1].Reason != down.Error() {
			t.Errorf("%d %s", got.StatusCode, got.body)
		}
	}
	if got := do(t, "GET", url+"/readyz", ""); strings.Contains(got.body, "warnings") {
		t.Errorf("warnings without a reason: %s", got.body)
	}
	lost = []int{7}
	if got := do(t, "GET", url+"/readyz", ""); !strings.Contains(got.body, `"warnings":{"gaps":[7]}`) {
		t.Errorf("no warning: %s", got.body)
	}
	if asked != 1 {
		t.Errorf("asked %d times within a second", asked)
	}
	if got := do(t, "GET", url+"/healthz", ""); got.StatusCode != 200 {
		t.Errorf("not alive because a dependency is down: %d", got.StatusCode)
	}
	if got := do(t, "HEAD", url+"/healthz", ""); got.StatusCode != 200 {
		t.Errorf("HEAD: %d", got.StatusCode)
	}
}

func TestReadiness_HangingDependency(t *testing.T) {
	r := NewReadiness(Check{"hangs", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }})
	began := time.Now()
	results, ready := r.Results(t.Context())
	if ready || results[0].Reason == "" || time.Since(began) > 2*checkTimeout {
		t.Errorf("%v after %v", results, time.Since(began))
	}
}
