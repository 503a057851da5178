package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/client"
)

// Who administers one tenant sees how far ingest is, and of events only their
// own; partitions and gaps are for keys of every tenant.
func TestServe_Status(t *testing.T) {
	s := configure(t)
	s.start(t)
	acme, all, reader := s.key(t, "acme", "admin,events:write"), s.key(t, "*", "admin"), s.key(t, "acme", "events:read")
	ask := func(key string, options ...client.Option) *client.Status {
		t.Helper()
		c, err := client.New(s.url, key, options...)
		require.NoError(t, err)
		status, err := c.Status(t.Context())
		require.NoError(t, err)
		return status
	}
	empty := ask(acme)
	require.Nil(t, empty.Retention.Oldest)
	require.Equal(t, 365, empty.Retention.Days)
	require.Equal(t, version, empty.Version)
	require.False(t, empty.Archive.Enabled)

	first := time.Now().Add(-20 * 24 * time.Hour).UTC().Truncate(time.Millisecond)
	code, body := s.call(t, "POST", "/api/v1/events", acme, `[{"eventType":"a","createdAt":"`+first.Format(time.RFC3339Nano)+`"},{"eventType":"a"},{"eventType":"a"}]`)
	require.Equal(t, http.StatusAccepted, code, body)
	var found *client.Status
	require.Eventually(t, func() bool {
		found = ask(all)
		return found.Retention.Oldest != nil && found.Ingest.Lag == 0 && *found.Ingest.FreshnessMs == 0
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
	require.NotNil(t, found.Ingest.Gaps)
	require.Empty(t, found.Ingest.Gaps)

	mine := ask(acme)
	require.Nil(t, mine.Ingest.Partitions)
	require.Nil(t, mine.Ingest.Gaps)
	require.Equal(t, found.Retention, mine.Retention)
	code, body = s.call(t, "GET", "/api/v1/status", "", "", "Cookie", s.sessionFor(t, all, "acme"))
	require.Equal(t, http.StatusOK, code)
	require.NotContains(t, body, "partitions", "a session that is bound to one tenant")
	require.NotContains(t, body, "gaps")

	others := ask(all, client.WithTenant("other"))
	require.Nil(t, others.Retention.Oldest, "of the tenant that is named")
	require.NotEmpty(t, others.Ingest.Partitions)
	code, _ = s.call(t, "GET", "/api/v1/status", reader, "")
	require.Equal(t, http.StatusForbidden, code)
}

// A client learns whom its key stands for.
func TestServe_Caller(t *testing.T) {
	s := configure(t)
	s.start(t)
	c, err := client.New(s.url, s.key(t, "acme", "events:read"))
	require.NoError(t, err)
	who, err := c.Caller(t.Context())
	require.NoError(t, err)
	require.NotEmpty(t, who.KeyID)
	require.Equal(t, client.Caller{KeyID: who.KeyID, TenantID: "acme", Scopes: []string{"events:read"}}, *who)
}
