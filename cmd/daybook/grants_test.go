package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/archive/archivetest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/embedded"
	"daybook/schema"
)

// A whole node works with a user of ClickHouse who may do no more than the README says,
// and tells what is lacking where they may do less.
func TestServe_LeastGrants(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(sources, "../../README.md"))
	require.NoError(t, err)
	least := schema.Grants(clickhouse.DefaultConfig())
	for _, g := range least {
		require.Contains(t, string(readme), "GRANT "+g+" TO daybook;")
	}
	_, more, _ := strings.Cut(string(readme), "-- For the archive and backups:\n")
	more, _, _ = strings.Cut(more, "```")
	whole := least
	for line := range strings.Lines(more) {
		whole = append(whole, strings.TrimPrefix(strings.TrimSuffix(strings.TrimSpace(line), " TO daybook;"), "GRANT "))
	}
	const password = "correct <horse>"
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) {
		c.Users = []embedded.User{{Name: "least", Password: password, Grants: least}, {Name: "whole", Password: password, Grants: whole}, {Name: "less", Password: password, Grants: least[:3]}}
	})
	s := configure(t)
	place := archivetest.Start(t).Place("customers-own")
	for name, value := range map[string]string{
		"CLICKHOUSE_ADDRS": server.Addr(), "CLICKHOUSE_USERNAME": "less", "CLICKHOUSE_PASSWORD": password,
		"AUTH_BOOTSTRAP_KEY": "", // It makes a warning.
		"ARCHIVE_ENDPOINT":   place.Endpoint, "ARCHIVE_BUCKET": place.Bucket, "ARCHIVE_ACCESS_KEY": place.AccessKey, "ARCHIVE_SECRET_KEY": place.SecretKey,
	} {
		t.Setenv("DAYBOOK_"+name, value)
	}
	ok := func(args ...string) outcome {
		t.Helper()
		r := runWith(t, "", args...)
		require.Equal(t, exitOK, r.code, "%v: %s", args, r.stderr)
		return r
	}
	refused := runWith(t, "", "migrate", "up")
	require.Equal(t, exitFailed, refused.code)
	require.Contains(t, refused.stderr, "lacks: GRANT "+least[3]+", GRANT "+least[4])

	t.Setenv("DAYBOOK_CLICKHOUSE_USERNAME", "least")
	ok("migrate", "up")
	s.start(t)
	key := s.key(t, "acme", "admin")
	live := s.watch(t, key, "")
	at := time.Now().AddDate(0, 0, -3).UTC()
	day := at.Format(time.DateOnly)
	status, accepted := s.call(t, http.MethodPost, "/api/v1/events", key, `{"eventType":"a.b","actorId":"jane","createdAt":"`+at.Format(time.RFC3339)+`","payload":{"text":"needle","n":1}}`)
	require.Equal(t, http.StatusAccepted, status, accepted)
	next(t, live, "needle")
	s.find(t, key, "/api/v1/events?q=needle&count=exact", "needle")
	for _, path := range []string{"events/histogram", "events/facets?field=actorType&field=payload.text", "events/export", "events/fields", "presets", "deadletters", "holds", "status"} {
		status, body := s.call(t, http.MethodGet, "/api/v1/"+path, key, "")
		require.Equal(t, http.StatusOK, status, body)
	}
	status, body := s.call(t, http.MethodPost, "/api/v1/events/aggregate", key, `{"groupBy":["payload.n"],"metrics":[{"op":"uniq","field":"actorId"}]}`)
	require.Equal(t, http.StatusOK, status, body)
	t.Setenv("DAYBOOK_API_KEY", key)
	t.Setenv("DAYBOOK_URL", s.url)
	ok("holds", "place", "--all", "--reason", "a court wants it")
	code, log := s.stop()
	require.Equal(t, exitOK, code)
	require.NotRegexp(t, "privileges|lacking", log)

	t.Setenv("DAYBOOK_ARCHIVE_ENABLED", "true")
	refused = runWith(t, "", "archive", "run")
	require.Equal(t, exitFailed, refused.code)
	require.Contains(t, refused.stderr, "GRANT CREATE NAMED COLLECTION")
	t.Setenv("DAYBOOK_CLICKHOUSE_USERNAME", "whole")
	ok("archive", "run")
	ok("archive", "verify")
	ok("archive", "restore", "--tenant", "acme", "--from", day, "--to", day)
	s.start(t)
	s.find(t, key, "/api/v1/events?include=archive", "needle")
	ok("backup", "create", "one")
	ok("backup", "list")
	code, log = s.stop()
	require.Equal(t, exitOK, code)
	require.NotRegexp(t, "privileges|lacking", log)
	ok("backup", "restore", "one", "--replace")
}
