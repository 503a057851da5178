package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// pyarrow and DuckDB read the files as they are: rows, types, bytes, and tenant and
// date from the folders' names.
func TestClients(t *testing.T) {
	pins, err := os.ReadFile("../../scripts/archiveclients/requirements.txt")
	require.NoError(t, err)
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	sum := sha256.Sum256(pins)
	python := filepath.Join(cache, "daybook", "archiveclients", hex.EncodeToString(sum[:])[:16], "python")
	if _, err := os.Stat(python); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: make archiveclients installs pyarrow and DuckDB", err)
		}
		t.Skipf("SKIP: make archiveclients installs pyarrow and DuckDB (%v)", err)
	}
	l := newLab(t)
	l.generate(5_000, 3, 5)
	l.store("a b", day(1), 10)
	l.archive(l.runner())

	command := exec.CommandContext(t.Context(), "python3", "testdata/read.py", l.gateway.File(l.place, ""))
	command.Env = append(os.Environ(), "PYTHONPATH="+python)
	command.Stderr = os.Stderr
	out, err := command.Output()
	require.NoError(t, err)
	var read struct {
		Rows                 int
		Arrow, DuckDB, Codec string
		Columns              map[string]string
		Days                 [][]any
	}
	require.NoError(t, json.Unmarshal(out, &read))
	require.Equal(t, 5_010, read.Rows)
	require.Equal(t, "ZSTD", read.Codec)
	want := l.digest()
	require.Equal(t, want, read.Arrow, "pyarrow")
	require.Equal(t, want, read.DuckDB, "DuckDB")
	require.Len(t, read.Columns, 23)
	for column, kind := range map[string]string{
		"created_at": "timestamp[us, tz=UTC]", "ingested_at": "timestamp[ms, tz=UTC]", "severity": "string", "payload": "string", "kafka_partition": "int32", "kafka_offset": "int64",
	} {
		require.Equal(t, kind, read.Columns[column], column)
	}
	require.Len(t, read.Days, 4)
}

// digest is what read.py makes of the events, from the table.
func (l *lab) digest() string {
	l.Helper()
	rows, err := l.conn.Query(l.Context(), "SELECT event_id, toString(severity), payload FROM events")
	require.NoError(l, err)
	defer func() { _ = rows.Close() }()
	var all [][3]string
	for rows.Next() {
		var row [3]string
		require.NoError(l, rows.Scan(&row[0], &row[1], &row[2]))
		all = append(all, row)
	}
	require.NoError(l, rows.Err())
	slices.SortFunc(all, func(a, b [3]string) int { return slices.Compare(a[:], b[:]) })
	h := sha256.New()
	for _, row := range all {
		for _, text := range row {
			h.Write([]byte(text + "\x00"))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
