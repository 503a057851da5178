package main

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"
)

// An export from a whole node, by the command, has what was published.
func TestServe_Export(t *testing.T) {
	s := configure(t)
	s.start(t)
	const events = 3000
	generated := runWith(t, "", "generate", "--events", "3000", "--tenants", "1", "--days", "3")
	require.Equal(t, exitOK, generated.code, generated.stderr)
	const key = "bootstrap-secret"
	_, tenant, _ := strings.Cut(runWith(t, "", "generate", "--events", "1", "--tenants", "1", "--to", "stdout").stdout, `"tenantId":"`)
	tenant, _, _ = strings.Cut(tenant, `"`)
	s.find(t, key, "/api/v1/events/histogram", `"total":3000`, "X-Tenant-Id", tenant)
	t.Setenv("DAYBOOK_URL", s.url)
	t.Setenv("DAYBOOK_API_KEY", key)

	piped := runWith(t, "", "export", "--tenant", tenant)
	require.Equal(t, exitOK, piped.code, piped.stderr)
	require.Contains(t, piped.stderr, "exported 3000 events")
	require.Equal(t, events, strings.Count(piped.stdout, "\n"))

	dir := t.TempDir()
	for _, format := range []string{"ndjson", "csv", "parquet"} {
		name := filepath.Join(dir, "events."+format)
		got := runWith(t, "", "export", "--tenant", tenant, "--format", format, "--output", name)
		require.Equal(t, exitOK, got.code, got.stderr)
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		switch format {
		case "ndjson":
			require.Equal(t, piped.stdout, string(content))
		case "csv":
			rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
			require.NoError(t, err)
			require.Len(t, rows, events+1)
		case "parquet":
			file, err := parquet.OpenFile(bytes.NewReader(content), int64(len(content)))
			require.NoError(t, err)
			require.EqualValues(t, events, file.NumRows())
		}
		_, err = os.Stat(name + ".part")
		require.ErrorIs(t, err, os.ErrNotExist)
	}
	part := runWith(t, "", "export", "--tenant", tenant, "--limit", "1000")
	require.Contains(t, part.stderr, "there are more: go on with --cursor ")
	_, cursor, _ := strings.Cut(strings.TrimSpace(part.stderr), "--cursor ")
	rest := runWith(t, "", "export", "--tenant", tenant, "--cursor", cursor)
	require.Equal(t, piped.stdout, part.stdout+rest.stdout)

	if got := runWith(t, "", "export", "--tenant", tenant, "--format", "xml"); got.code != exitUsage || !strings.Contains(got.stderr, "format: must be") {
		t.Errorf("%d %s", got.code, got.stderr)
	}
	if got := runWith(t, "", "export", "--limit", "-1"); got.code != exitUsage {
		t.Errorf("%d %s", got.code, got.stderr)
	}
	if status, _ := s.call(t, "GET", "/api/v1/events/export", key, ""); status != http.StatusBadRequest {
		t.Errorf("without a tenant: %d", status)
	}
}

// A file that isn't whole doesn't bear its name.
func TestExport_CutFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "events.parquet")
	_, _, err := runClient(t, newExportCommand(), func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Daybook-Export-View", "view")
		_, _ = w.Write([]byte("PAR1"))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}, "--format", "parquet", "--output", name)
	require.ErrorContains(t, err, "export the same view again with --cursor view")
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	require.Empty(t, entries)
}
