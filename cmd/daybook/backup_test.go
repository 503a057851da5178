package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/ingest/backup"
)

// A node on one machine is backed up while it runs, loses its ClickHouse, is
// restored, and reads from its broker what came after the backup.
func TestBackup_EmbeddedRoundTrip(t *testing.T) {
	s := configure(t)
	s.start(t)
	publish := func(from string) {
		t.Helper()
		events := strings.Repeat(`{"tenantId":"t","eventType":"x.y","payload":{"from":"`+from+`"}}`+"\n", 40)
		published := runWith(t, events, "publish")
		require.Equal(t, exitOK, published.code, published.stderr)
	}
	count := func() string {
		_, body := s.call(t, "GET", "/api/v1/events?from=now-1h&limit=1&count=exact", "bootstrap-secret", "", "X-Tenant-Id", "t")
		return body
	}
	publish("before")
	require.Eventually(t, func() bool { return strings.Contains(count(), `"count":{"value":40`) }, 20*time.Second, 100*time.Millisecond, count())

	made := runWith(t, "", "backup", "create", "one")
	require.Equal(t, exitOK, made.code, made.stderr)
	require.Contains(t, made.stdout, "backup one is whole: ")
	require.Contains(t, made.stderr, "backing up events\n")
	again := runWith(t, "", "backup", "create", "one")
	require.Equal(t, exitFailed, again.code)
	require.Contains(t, again.stderr, "choose another name")

	listed := runWith(t, "", "backup", "list", "--output", "json")
	require.Equal(t, exitOK, listed.code, listed.stderr)
	var all struct{ Backups []backup.Backup }
	require.NoError(t, json.Unmarshal([]byte(listed.stdout), &all))
	require.Len(t, all.Backups, 1)
	require.Equal(t, backup.Whole, all.Backups[0].State)
	require.EqualValues(t, 40, all.Backups[0].Offsets[0].Offset+all.Backups[0].Offsets[1].Offset)
	require.NotZero(t, all.Backups[0].Bytes)
	require.Regexp(t, `(?m)^one +20\S+Z +whole +- +0:\d+ 1:\d+ +\d.* [KM]iB$`, runWith(t, "", "backup", "list").stdout)

	publish("after")
	require.Eventually(t, func() bool { return strings.Contains(count(), `"count":{"value":80`) }, 20*time.Second, 100*time.Millisecond, count())

	running := runWith(t, "", "backup", "restore", "one", "--replace")
	require.Equal(t, exitFailed, running.code)
	require.Contains(t, running.stderr, "no node may run during a restore: embedded.dir: ")
	require.Contains(t, count(), `"count":{"value":80`)

	code, log := s.stop()
	require.Equal(t, exitOK, code, log)
	full := runWith(t, "", "backup", "restore", "one")
	require.Equal(t, exitFailed, full.code)
	require.Contains(t, full.stderr, "is not empty (rows: events 80")
	require.NoError(t, os.RemoveAll(filepath.Join(s.dir, "clickhouse")))
	restored := runWith(t, "", "backup", "restore", "one")
	require.Equal(t, exitOK, restored.code, restored.stderr)
	require.Contains(t, restored.stdout, "40 events; Kafka has 40 messages to read from its offsets on")

	s.start(t)
	require.Eventually(t, func() bool { return strings.Contains(count(), `"count":{"value":80`) }, 20*time.Second, 100*time.Millisecond, count())
	for _, from := range []string{"before", "after"} {
		_, body := s.call(t, "GET", "/api/v1/events?count=exact&limit=1&payload.from="+from, "bootstrap-secret", "", "X-Tenant-Id", "t")
		require.Contains(t, body, `"count":{"value":40`, body)
	}
}

func TestBackup_Usage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"backup"}, "backup: say what to do"},
		{[]string{"backup", "create", "a/b"}, `"a/b" is no name of a backup`},
		{[]string{"backup", "create", "a", "--base", ".."}, `".." is no name of a backup`},
		{[]string{"backup", "restore"}, "accepts 1 arg"},
		{[]string{"backup", "list", "--s3"}, "--s3: archive.bucket, archive.access_key and archive.secret_key must be set"},
		{[]string{"backup", "list", "--output", "xml"}, `"xml" is not table, json or csv`},
	} {
		got := runWith(t, "", c.args...)
		if got.code != exitUsage || !strings.Contains(got.stderr, c.want) {
			t.Errorf("%v: %d %s, want %s", c.args, got.code, got.stderr, c.want)
		}
	}
	if got := runWith(t, "", "backup", "list"); got.code != exitOK || !strings.HasPrefix(got.stdout, "NAME") {
		t.Errorf("no backups: %+v", got)
	}
	t.Setenv("DAYBOOK_EMBEDDED_CLICKHOUSE_ADDR", free(t))
	if got := runWith(t, "", "backup", "create"); got.code != exitFailed || !strings.Contains(got.stderr, "embedded engines only run while daybook serve does") {
		t.Errorf("nobody to back up: %+v", got)
	}
}
