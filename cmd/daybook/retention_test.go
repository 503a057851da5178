package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/ingest/purge"
	"daybook/pkg/clickhouse"
	"daybook/pkg/config"
	"daybook/pkg/event"
)

// kept is a store whose rows a test lays down and whose purges it runs.
type kept struct {
	*server
	conn   driver.Conn
	purger *purge.Purger
}

func (s *server) kept(t *testing.T) *kept {
	t.Helper()
	c, _, err := config.Load("", os.Environ())
	require.NoError(t, err)
	c = c.Resolved()
	conn, err := clickhouse.Open(t.Context(), c.ClickHouse)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	publisher, err := c.Kafka.Writer(c.Kafka.Topic)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, publisher.Close()) })
	decoder, err := event.NewDecoder(c.Event())
	require.NoError(t, err)
	return &kept{s, conn, newPurger(c, conn, publishOwn(publisher, decoder, time.Now), prometheus.NewRegistry(), zaptest.NewLogger(t))}
}

// add stores an event of acme's that ingest has stored long ago.
func (r *kept) add(t *testing.T, id, actor string, created time.Time) {
	t.Helper()
	require.NoError(t, r.conn.Exec(t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, event_type, category, severity, actor_id, payload, ingested_at, kafka_topic, kafka_partition, kafka_offset)
		VALUES ('acme', fromUnixTimestamp64Micro(?), ?, 'order.paid', 'other', 'INFO', ?, '{}', fromUnixTimestamp64Micro(?), 'before', 0, 0)`, created.UnixMicro(), id, actor, created.UnixMicro()))
}

func (r *kept) stored(t *testing.T) (n uint64) {
	t.Helper()
	require.NoError(t, r.conn.QueryRow(t.Context(), "SELECT count() FROM events WHERE event_type = 'order.paid'").Scan(&n))
	return n
}

// found returns the number of events that a search of acme finds, and that the
// histogram counts.
func (r *kept) found(t *testing.T, key, filter string) (listed, counted int) {
	t.Helper()
	status, body := r.call(t, "GET", "/api/v1/events?"+filter, key, "")
	require.Equal(t, http.StatusOK, status, body)
	var page struct{ Events []json.RawMessage }
	require.NoError(t, json.Unmarshal([]byte(body), &page))
	status, body = r.call(t, "GET", "/api/v1/events/histogram?"+filter, key, "")
	require.Equal(t, http.StatusOK, status, body)
	var histogram struct{ Total int }
	require.NoError(t, json.Unmarshal([]byte(body), &histogram))
	return len(page.Events), histogram.Total
}

// A year on a running node: hidden to the second, purged a day later at most,
// unless a legal hold keeps it; and each of it told.
func TestServe_Retention(t *testing.T) {
	s := configure(t)
	s.start(t)
	r := s.kept(t)
	admin := s.key(t, "acme", "admin")
	require.Eventually(t, func() bool { _, known, err := purge.InForce(t.Context(), r.conn); return err == nil && known }, 30*time.Second, 50*time.Millisecond,
		"the keeper has put the settings into force")

	const year = 365 * 24 * time.Hour
	moment := time.Now().Add(-year)
	r.add(t, "young", "jane", moment.Add(time.Hour))
	r.add(t, "turning", "jane", moment.Add(4*time.Second))
	r.add(t, "hidden", "jane", moment.Add(-time.Second))
	r.add(t, "old", "jane", moment.Add(-48*time.Hour))
	r.add(t, "older", "joe", moment.Add(-500*24*time.Hour))
	orders := "eventType=order.paid"
	listed, counted := r.found(t, admin, orders)
	require.Equal(t, []int{2, 2}, []int{listed, counted})
	require.Eventually(t, func() bool { listed, counted = r.found(t, admin, orders); return listed == 1 }, 20*time.Second, 100*time.Millisecond)
	require.Equal(t, 1, counted)
	require.EqualValues(t, 5, r.stored(t), "hidden, and not purged")

	// A hold of a filter keeps what it accepts, and nothing shows it.
	made := runWith(t, "", "holds", "place", "--url", s.url, "--key", admin, "--reason", "Case 17", "--actor-id", "jane", "--to", "2030-01-01")
	require.Equal(t, exitOK, made.code, made.stderr)
	id := strings.TrimSpace(made.stdout)
	require.NoError(t, r.purger.Purge(t.Context()))
	require.EqualValues(t, 4, r.stored(t), "joe's is gone")
	require.NoError(t, r.purger.Purge(t.Context()))
	purged := "eventType=retention.purged"
	require.Eventually(t, func() bool { listed, counted = r.found(t, admin, purged); return listed == 1 && counted == 1 }, 20*time.Second, 100*time.Millisecond)
	_, body := s.call(t, "GET", "/api/v1/events?"+purged, admin, "")
	require.Contains(t, body, `"rows":1`)
	_, body = s.call(t, "GET", "/api/v1/status", admin, "")
	require.Contains(t, body, `"holds":1`)
	require.Eventually(t, func() bool {
		_, body = s.call(t, "GET", "/api/audit?event_type=hold.placed", admin, "")
		return strings.Contains(body, id)
	}, 20*time.Second, 100*time.Millisecond, "placing is in the audit log")

	listing := runWith(t, "", "holds", "list", "--url", s.url, "--key", admin)
	require.Contains(t, listing.stdout, "Case 17")
	require.Equal(t, exitUsage, runWith(t, "", "holds", "lift", id, "--url", s.url, "--key", admin).code, "without a reason")
	lifted := runWith(t, "", "holds", "lift", id, "--reason", "closed", "--url", s.url, "--key", admin)
	require.Equal(t, exitOK, lifted.code, lifted.stderr)
	require.NoError(t, r.purger.Purge(t.Context()))
	require.LessOrEqual(t, r.stored(t), uint64(3), "what is two days too old is gone")
	require.EqualValues(t, 0, r.number(t, "SELECT count() FROM events WHERE event_id = 'old'"))
	require.Eventually(t, func() bool { listed, _ = r.found(t, admin, purged); return listed == 2 }, 20*time.Second, 100*time.Millisecond)

	// Fewer days hide at once, warn, and purge only after they are confirmed.
	r.add(t, "month", "jane", time.Now().Add(-40*24*time.Hour))
	code, log := s.stop()
	require.Equal(t, exitOK, code, log)
	t.Setenv("DAYBOOK_RETENTION_DAYS", "30")
	s.start(t)
	r = s.kept(t)
	listed, _ = r.found(t, admin, orders)
	require.Zero(t, listed)
	require.Eventually(t, func() bool {
		response, err := http.Get(s.admin + "/readyz")
		require.NoError(t, err)
		defer func() { _ = response.Body.Close() }()
		var ready struct {
			Warnings map[string]struct{ Tenants []purge.Change }
		}
		require.NoError(t, json.NewDecoder(response.Body).Decode(&ready))
		return fmt.Sprint(ready.Warnings["retention"].Tenants) == "[{ 365 30}]"
	}, 20*time.Second, 100*time.Millisecond)
	require.NoError(t, r.purger.Purge(t.Context()))
	require.EqualValues(t, 1, r.number(t, "SELECT count() FROM events WHERE event_id = 'month'"))
	require.Regexp(t, `\(others\) +30 +365 +not confirmed`, runWith(t, "", "retention", "show").stdout)
	refused := runWith(t, "no\n", "retention", "confirm")
	require.Equal(t, exitFailed, refused.code)
	require.Regexp(t, `(?s)\(others\): from 365 to 30 days.*acme: [2-4] events and 0 dead letters would go.*not confirmed: nothing is changed`, refused.stderr)
	require.NoError(t, r.purger.Purge(t.Context()))
	require.EqualValues(t, 1, r.number(t, "SELECT count() FROM events WHERE event_id = 'month'"))
	require.Equal(t, exitOK, runWith(t, "yes\n", "retention", "confirm").code)
	require.NoError(t, r.purger.Purge(t.Context()))
	require.Zero(t, r.stored(t))
	require.Contains(t, runWith(t, "", "retention", "confirm", "--yes").stdout, "nothing to confirm")
}

func (r *kept) number(t *testing.T, query string) (n uint64) {
	t.Helper()
	require.NoError(t, r.conn.QueryRow(t.Context(), query).Scan(&n))
	return n
}
