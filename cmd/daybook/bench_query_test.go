package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchQuery(t *testing.T) {
	configure(t)
	bench := func(more ...string) queryReport {
		t.Helper()
		got := runWith(t, "", append([]string{"bench", "query", "--events", "20000", "--data", "kept", "--json"}, more...)...)
		require.Equal(t, exitOK, got.code, got.stderr)
		var report queryReport
		require.NoError(t, json.Unmarshal([]byte(got.stdout), &report))
		return report
	}

	report := bench("--runs", "1")
	require.Equal(t, "query", report.Bench)
	require.Len(t, report.Results, len(queryCases))
	for i, r := range report.Results {
		require.Equal(t, queryCases[i].name, r.Name)
		require.Equal(t, 1, r.Runs)
		require.Positive(t, r.HTTP, r.Name)
		require.Positive(t, r.SQL, r.Name)
		require.Positive(t, r.Statements, r.Name)
		require.Positive(t, r.RowsRead, r.Name)
		require.Equal(t, queryCases[i].bound, r.Bound)
	}

	// Ingest works in a copy: the folder is what it was.
	under := bench("--runs", "1", "--under-ingest", "--only", "newest,histogram_90d")
	require.Len(t, under.Results, 2)
	require.Positive(t, under.IngestRate)
	require.InDelta(t, 30, under.Results[0].Bound, 0)
	after := bench("--runs", "1", "--only", "histogram_90d")
	at := slices.IndexFunc(report.Results, func(r queryResult) bool { return r.Name == "histogram_90d" })
	require.Equal(t, report.Results[at].TenantEvents, after.Results[0].TenantEvents)

	// The shape that CONTRACT 9 promises.
	text, err := json.Marshal(report.Results[0])
	require.NoError(t, err)
	var members map[string]any
	require.NoError(t, json.Unmarshal(text, &members))
	for _, name := range []string{"name", "http_ms", "sql_ms", "rows_read"} {
		require.Contains(t, members, name)
	}
}

func TestBenchQuery_OtherData(t *testing.T) {
	t.Chdir(t.TempDir())
	require.NoError(t, os.MkdirAll("somebodys", 0o750))
	require.NoError(t, os.WriteFile(filepath.Join("somebodys", "work"), nil, 0o600))
	require.NoError(t, os.MkdirAll("fewer", 0o750))
	require.NoError(t, os.WriteFile(filepath.Join("fewer", queryDataFile), []byte(`{"events":5000,"days":90,"end":"2026-11-25T00:00:00Z"}`), 0o600))
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"a folder with something else", []string{"--data", "somebodys"}, "--data: somebodys holds something else"},
		{"a folder with fewer events", []string{"--data", "fewer"}, "--data: fewer holds 5000 events of 90 days"},
		{"a query that there is not", []string{"--only", "newest,fastest"}, `--only: there is no "fastest"`},
		{"no events", []string{"--events", "0"}, "--events must be at least 1000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := runWith(t, "", append([]string{"bench", "query"}, c.args...)...)
			require.Equal(t, exitUsage, got.code)
			require.Contains(t, got.stderr, c.want)
		})
	}
}
