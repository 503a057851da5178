package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/embedded"
)

// Every figure of the stream's benchmark comes with what it is compared with;
// none of them is judged here.
func TestBenchStream(t *testing.T) {
	if _, err := embedded.EnginePath(); err != nil {
		missing(t, err.Error())
	}
	out := runWith(t, "", "bench", "stream", "--runs", "1", "--seconds", "1", "--clients", "20", "--idle", "20", "--events", "3000", "--json")
	var report streamReport
	require.NoError(t, json.Unmarshal([]byte(out.stdout), &report), "%s", out.stderr)
	require.Equal(t, "stream", report.Bench)
	found := map[string]bool{}
	for _, r := range report.Results {
		found[r.Name] = true
		require.Equal(t, streamTargets[r.Name].unit, r.Unit)
		require.Equal(t, 1, r.Runs)
		if r.Name == "stalled_lost" {
			require.Zero(t, r.Value)
		}
	}
	for name := range streamTargets {
		require.True(t, found[name], "%s was not measured", name)
	}
	for _, r := range report.Results {
		switch r.Name {
		case "broadcast_500", "broadcast_1500", "own_events", "idle_memory", "return_storm", "catchup_kafka", "catchup_store":
			require.NotNil(t, r.Baseline, "%s stands alone", r.Name)
		}
	}
}
