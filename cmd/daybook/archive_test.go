package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/archive/archivetest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
)

// The commands on a store and a bucket: what a customer does, and what is said when a
// setting, a flag or the bucket is wrong.
func TestArchive_Commands(t *testing.T) {
	store := clickhousetest.Config(t, clickhousetest.Server(t))
	gateway := archivetest.Start(t)
	place := gateway.Place("customers-own")
	for name, value := range map[string]string{
		"CLICKHOUSE_ADDRS": store.Addrs[0], "CLICKHOUSE_DATABASE": store.Database, "KAFKA_BROKERS": "127.0.0.1:1",
		"ARCHIVE_ENABLED": "true", "ARCHIVE_ENDPOINT": place.Endpoint, "ARCHIVE_BUCKET": place.Bucket,
		"ARCHIVE_ACCESS_KEY": place.AccessKey, "ARCHIVE_SECRET_KEY": place.SecretKey,
	} {
		t.Setenv("DAYBOOK_"+name, value)
	}
	ok := func(args ...string) outcome {
		t.Helper()
		r := runWith(t, "", args...)
		require.Equal(t, exitOK, r.code, "%v: %s", args, r.stderr)
		return r
	}
	ok("migrate", "up")
	conn, err := clickhouse.Open(t.Context(), store)
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	day := time.Now().UTC().AddDate(0, 0, -3).Truncate(24 * time.Hour)
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, severity, payload)
		SELECT 'acme', toDateTime64(?, 6, 'UTC') + toIntervalMinute(number), toString(number), 'INFO', 'p' FROM numbers(100)`, day.Format(time.DateTime)))
	date := day.Format(time.DateOnly)

	require.Contains(t, ok("archive", "list").stderr, "1 closed days wait")
	var report struct{ Days, Events int }
	require.NoError(t, json.Unmarshal([]byte(ok("archive", "run", "--output", "json").stdout), &report))
	require.Equal(t, 1, report.Days)
	require.Equal(t, 100, report.Events)
	list := ok("archive", "list", "--tenant", "acme").stdout
	require.Contains(t, list, date)
	require.Contains(t, list, "verified")
	ok("archive", "verify", "--from", date, "--to", date)
	require.NoError(t, json.Unmarshal([]byte(ok("archive", "restore", "--tenant", "acme", "--from", date, "--to", date, "--keep", "2d", "-o", "json").stdout), &report))
	require.Equal(t, 100, report.Events)
	require.Contains(t, ok("archive", "list", "-o", "csv").stdout, time.Now().UTC().AddDate(0, 0, 2).Format(time.DateOnly))
	ok("archive", "remove", "--tenant", "acme", "--from", date, "--to", date)
	var rows uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM events_restored").Scan(&rows))
	require.Zero(t, rows)

	for _, test := range []struct {
		args, want string
		code       int
	}{
		{"archive restore --tenant acme --from 2020-01-01 --to 2020-01-02", "the archive has nothing of these days", exitFailed},
		{"archive restore --tenant acme", "say which", exitUsage},
		{"archive remove --from 2020-01-01 --to 2020-01-02", "say which", exitUsage},
		{"archive run --from yesterday", `--from: "yesterday" is not a day like 2026-01-31`, exitUsage},
		{"archive run --from 2026-01-02 --to 2026-01-01", "is after --to", exitUsage},
		{"archive restore --tenant acme --from 2020-01-01 --to 2020-01-02 --keep -1h", "--keep", exitUsage},
		{"archive list -o xml", "--output", exitUsage},
	} {
		r := runWith(t, "", strings.Fields(test.args)...)
		require.Equal(t, test.code, r.code, "%s: %s", test.args, r.stderr)
		require.Contains(t, r.stderr, test.want)
	}

	// Without the events in the table, a file that is lost is a fault, and said so.
	require.NoError(t, conn.Exec(t.Context(), "TRUNCATE TABLE events"))
	require.NoError(t, os.RemoveAll(gateway.File(place, "tenant=acme")))
	r := runWith(t, "", "archive", "verify")
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "fault: "+date+" of tenant acme: the bucket has nothing of it")
	require.Contains(t, ok("archive", "list").stdout, "faulty")

	t.Setenv("DAYBOOK_ARCHIVE_SECRET_KEY", "another-secret")
	r = runWith(t, "", "archive", "verify")
	require.Equal(t, exitFailed, r.code)
	require.Contains(t, r.stderr, "archive.secret_key")
	require.NotContains(t, r.stderr, "another-secret")
	t.Setenv("DAYBOOK_ARCHIVE_ENABLED", "false")
	r = runWith(t, "", "archive", "run")
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "archive.enabled")
}
