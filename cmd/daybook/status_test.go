package main

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Who administers one tenant sees how far ingest is, and of events only their
// own; partitions and gaps are for keys of every tenant.
func TestServe_Status(t *testing.T) {
	s := configure(t)
	s.start(t)
	acme, all, reader := s.key(t, "acme", "admin,events:write"), s.key(t, "*", "admin"), s.key(t, "acme", "events:read")
	type status struct {
		Version string
		Ingest  struct {
			FreshnessMs, Lag *int64
			Partitions       []struct{ Partition, Committed, End, Lag int64 }
			Gaps             *[]any
		}
		Retention struct {
			Days           int
			Oldest, Newest *time.Time
		}
		Archive struct{ Enabled *bool }
	}
	ask := func(key string, headers ...string) (found status) {
		t.Helper()
		code, body := s.call(t, "GET", "/api/v1/status", key, "", headers...)
		require.Equal(t, http.StatusOK, code, body)
		require.NoError(t, json.Unmarshal([]byte(body), &found))
		return found
	}
	empty := ask(acme)
	require.Nil(t, empty.Retention.Oldest)
	require.Equal(t, 365, empty.Retention.Days)
	require.Equal(t, version, empty.Version)
	require.False(t, *empty.Archive.Enabled)

	first := time.Now().Add(-20 * 24 * time.Hour).UTC().Truncate(time.Millisecond)
	code, body := s.call(t, "POST", "/api/v1/events", acme, `[{"eventType":"a","createdAt":"`+first.Format(time.RFC3339Nano)+`"},{"eventType":"a"},{"eventType":"a"}]`)
	require.Equal(t, http.StatusAccepted, code, body)
	var found status
	require.Eventually(t, func() bool {
		found = ask(all)
		return found.Retention.Oldest != nil && *found.Ingest.Lag == 0 && *found.Ingest.FreshnessMs == 0
	}, 20*time.Second, 50*time.Millisecond, "nothing is stored")
	require.Equal(t, first, *found.Retention.Oldest)
	require.Len(t, found.Ingest.Partitions, 2)
	var stored int64
	for i, p := range found.Ingest.Partitions {
		require.EqualValues(t, i, p.Partition)
		require.Equal(t, p.End, p.Committed)
		stored += p.Committed
	}
	require.GreaterOrEqual(t, stored, int64(3))
	require.Equal(t, &[]any{}, found.Ingest.Gaps)

	for name, one := range map[string]status{"a key of one tenant": ask(acme), "a session bound to one": ask("", "Cookie", s.sessionFor(t, all, "acme"))} {
		require.Nil(t, one.Ingest.Partitions, name)
		require.Nil(t, one.Ingest.Gaps, name)
		require.NotNil(t, one.Ingest.Lag, name)
		require.Equal(t, found.Retention, one.Retention, name)
	}
	others := ask(all, "X-Tenant-Id", "other")
	require.Nil(t, others.Retention.Oldest, "of the tenant that is named")
	require.NotEmpty(t, others.Ingest.Partitions)
	code, _ = s.call(t, "GET", "/api/v1/status", reader, "")
	require.Equal(t, http.StatusForbidden, code)
}
