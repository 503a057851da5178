package purge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/schema"
	"daybook/schema/schematest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(kafkatest.Main(clickhousetest.Main(m))) }

// noon is when a test begins: the retention of 365 days reaches to the noon of
// 2025-11-28, and a purge cuts at that day's beginning.
var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// store is a Daybook that is purged by a clock of the test's.
type store struct {
	t      *testing.T
	conn   driver.Conn
	now    time.Time
	held   Held
	fault  error // of reading the holds
	told   []told
	offset int64

	registry *prometheus.Registry // of the last purger
}

// told is an event that was published.
type told struct {
	tenant  tenant.ID
	id      string
	created time.Time
	payload payload
}

type payload struct {
	Table    string
	Before   time.Time
	Rows     uint64
	Archived uint64
}

func open(t *testing.T) *store {
	t.Helper()
	return &store{t: t, conn: schematest.Open(t), now: noon}
}

func (s *store) purger(kept retention.Policy, archive Archive) *Purger {
	s.registry = prometheus.NewRegistry()
	return New(Deps{
		Conn: s.conn, Settings: kept, Archive: archive,
		Holds: func(context.Context) (Held, error) { return s.held, s.fault },
		Publish: func(_ context.Context, id tenant.ID, text []byte) error {
			var e struct {
				EventID   string
				CreatedAt time.Time
				Payload   payload
			}
			require.NoError(s.t, json.Unmarshal(text, &e))
			s.told = append(s.told, told{id, e.EventID, e.CreatedAt, e.Payload})
			return nil
		},
		Now: func() time.Time { return s.now }, Registry: s.registry, Log: zaptest.NewLogger(s.t),
	})
}

// purge runs one purge of a store that keeps 365 days.
func (s *store) purge() {
	s.t.Helper()
	require.NoError(s.t, s.purger(retention.Days(365), Archive{}).Purge(s.t.Context()))
}

// add stores events of a tenant with these ages at noon, as ingest does: each
// came when it was created, or three hours before noon where that is later.
func (s *store) add(id tenant.ID, kind string, ages ...time.Duration) {
	s.t.Helper()
	for _, age := range ages {
		s.addAt(id, kind, noon.Add(-age), noon.Add(-max(age, 3*time.Hour)))
	}
}

func (s *store) addAt(id tenant.ID, kind string, created, ingested time.Time) {
	s.t.Helper()
	s.offset++
	require.NoError(s.t, s.conn.Exec(s.t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, event_type, severity, payload, ingested_at, kafka_topic, kafka_partition, kafka_offset)
		VALUES (?, fromUnixTimestamp64Micro(?), ?, ?, 'INFO', '{}', fromUnixTimestamp64Milli(?), 'events', 0, ?)`,
		string(id), created.UnixMicro(), fmt.Sprintf("e%d", s.offset), kind, ingested.UnixMilli(), s.offset))
}

func (s *store) addDeadLetter(id tenant.ID, age time.Duration) {
	s.t.Helper()
	s.offset++
	require.NoError(s.t, s.conn.Exec(s.t.Context(), `INSERT INTO dead_letters (topic, partition, offset, message_time, value, tenant_id)
		VALUES ('events', 0, ?, fromUnixTimestamp64Milli(?), 'x', ?)`, s.offset, noon.Add(-age).UnixMilli(), string(id)))
}

// ages returns the ages at noon of what a tenant has in a table, the youngest first.
func (s *store) ages(table, column string, id tenant.ID) []time.Duration {
	s.t.Helper()
	rows, err := s.conn.Query(s.t.Context(), "SELECT "+column+" FROM "+table+" WHERE tenant_id = ?", string(id))
	require.NoError(s.t, err)
	defer func() { _ = rows.Close() }()
	ages := []time.Duration{}
	for rows.Next() {
		var at time.Time
		require.NoError(s.t, rows.Scan(&at))
		ages = append(ages, noon.Sub(at))
	}
	require.NoError(s.t, rows.Err())
	slices.Sort(ages)
	return ages
}

func (s *store) events(id tenant.ID) []time.Duration { return s.ages("events", "created_at", id) }

func (s *store) number(query string, args ...any) uint64 {
	s.t.Helper()
	var n uint64
	require.NoError(s.t, s.conn.QueryRow(s.t.Context(), query, args...).Scan(&n))
	return n
}

// agree holds the rollups to the events, of all tenants and times.
func (s *store) agree() {
	s.t.Helper()
	for _, r := range schema.Rollups {
		wrong := s.number(fmt.Sprintf(`SELECT count() FROM (SELECT tenant_id, bucket, event_type, sum(n) AS d FROM (
			SELECT tenant_id, toStartOfInterval(created_at, INTERVAL %d SECOND, 'UTC') AS bucket, event_type, toInt64(1) AS n FROM events
			UNION ALL SELECT tenant_id, bucket, event_type, -events AS n FROM %s) GROUP BY ALL HAVING d != 0)`, int(r.Bucket.Seconds()), r.Table))
		require.Zero(s.t, wrong, "%s agrees with the events", r.Table)
	}
	// Counts by hour are a projection, which a mutation has to make anew.
	if s.number("SELECT count() FROM events_15m") == 0 {
		return
	}
	byHour := func(optimize int) (n uint64) {
		return s.number(fmt.Sprintf(`SELECT sum(cityHash64(tenant_id, hour, n)) FROM (SELECT tenant_id, toStartOfHour(bucket, 'UTC') AS hour, sum(events) AS n FROM events_15m
			GROUP BY tenant_id, hour) WHERE n != 0 SETTINGS optimize_use_projections = %d, force_optimize_projection = %[1]d`, optimize))
	}
	require.Equal(s.t, byHour(0), byHour(1), "the projection by_hour agrees with its table")
}

const day = 24 * time.Hour

var errCrash = errors.New("the process dies here")

// metric returns a metric of the last purger.
func (s *store) metric(name string) float64 {
	s.t.Helper()
	families, err := s.registry.Gather()
	require.NoError(s.t, err)
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	s.t.Fatalf("there is no metric %s", name)
	return 0
}
