package status

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/segmentio/kafka-go"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/apierror"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/search"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

const day = 24 * time.Hour

// fixed is a topic that does not change.
type fixed struct {
	next, first, end []int64
	err              error
}

func (f fixed) Stored(context.Context) (search.Log, error) {
	return search.Log{Topic: querytest.Topic, Next: f.next}, f.err
}

func (f fixed) Ends(context.Context) (first, end []int64, err error) { return f.first, f.end, f.err }

func newService(conn driver.Conn, topic Topic) *Service {
	return New(statement.NewReader(conn, statement.DefaultConfig()), topic, retention.Days(30), func() time.Time { return now }, "v1", false)
}

func row(id tenant.ID, age time.Duration, partition int32, offset int64) querytest.Row {
	at := now.Add(-age)
	return querytest.Row{
		Event:    event.Event{TenantID: string(id), EventID: fmt.Sprint(id, partition, offset), EventType: "a", Category: "other", CreatedAt: at, IngestedAt: at.Add(time.Second)},
		Position: event.Position{Partition: partition, Offset: offset},
	}
}

func TestRead(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, []querytest.Row{row("acme", 5*day, 0, 1), row("acme", 2*day, 0, 2)})
	querytest.Insert(t, conn, []querytest.Row{row("other", 40*day, 1, 1), row("other", 29*day, 1, 2), row("other", time.Hour, 1, 30_000)})
	for i := range 3 {
		require.NoError(t, conn.Exec(t.Context(), fmt.Sprintf(`INSERT INTO gaps (topic, partition, from_offset, to_offset, messages, reason, noticed_at)
			VALUES ('events', 1, %d, 20, 7, 'retention', '2026-04-1%d 00:00:00'), ('elsewhere', 1, 1, 2, 1, 'retention', now())`, 10+i%2, 1+i)))
	}
	behind := fixed{next: []int64{3, -1}, first: []int64{0, 5}, end: []int64{3, 40_000}}

	at := func(age time.Duration) *time.Time { t := now.Add(-age); return &t }
	s, err := newService(conn, behind).Read(t.Context(), tenant.All, true)
	require.NoError(t, err)
	fresh := (time.Hour - time.Second).Milliseconds()
	require.Equal(t, &Status{
		Version: "v1",
		Ingest: Ingest{
			FreshnessMs: &fresh, Lag: 39_995,
			Partitions: []Partition{{0, 3, 3, 0}, {1, 5, 40_000, 39_995}},
			Gaps: &[]Gap{
				{"events", 1, 11, 20, 7, "retention", time.Date(2026, 4, 12, 0, 0, 0, 0, time.UTC)},
				{"events", 1, 10, 20, 7, "retention", time.Date(2026, 4, 11, 0, 0, 0, 0, time.UTC)},
			},
		},
		Retention: Retention{Days: 30, Oldest: at(29 * day), Newest: at(time.Hour)},
	}, s)

	for _, id := range []tenant.ID{"acme", "other", "nobody"} {
		s, err := newService(conn, behind).Read(t.Context(), id, false)
		require.NoError(t, err)
		require.Nil(t, s.Ingest.Partitions)
		require.Nil(t, s.Ingest.Gaps)
		require.EqualValues(t, 39_995, s.Ingest.Lag)
		want := map[tenant.ID]Retention{"acme": {30, at(5 * day), at(2 * day), 0}, "other": {30, at(29 * day), at(time.Hour), 0}, "nobody": {Days: 30}}[id]
		require.Equal(t, want, s.Retention, id)
	}

	// Of one partition's committed offsets on.
	s, err = newService(conn, fixed{next: []int64{3, 9}, first: []int64{0, 0}, end: []int64{4, 9}}).Read(t.Context(), "acme", false)
	require.NoError(t, err)
	require.EqualValues(t, 1, s.Ingest.Lag)
	s, err = newService(conn, fixed{next: []int64{3, 9}, first: []int64{0, 0}, end: []int64{3, 9}}).Read(t.Context(), "acme", false)
	require.NoError(t, err)
	require.Zero(t, s.Ingest.Lag)
	require.Zero(t, *s.Ingest.FreshnessMs, "all that was published is stored")

	_, err = newService(conn, fixed{err: errors.New("dial broker")}).Read(t.Context(), "acme", false)
	require.Equal(t, 503, apierror.From(err).Status())
	require.NotContains(t, apierror.From(err).Detail, "dial")
}

func TestRead_Archive(t *testing.T) {
	conn := querytest.Open(t)
	for _, version := range []int{1, 2} { // The newest counts.
		require.NoError(t, conn.Exec(t.Context(), fmt.Sprintf(`INSERT INTO archive_days (tenant_id, day, rows, bytes, verified_at, fault, version) VALUES
			('acme', '2026-01-30', %[1]d, 10, '2026-02-01 00:00:00', '', %[1]d), ('acme', '2026-01-31', %[1]d, 10, 0, '', %[1]d),
			('other', '2025-01-31', %[1]d, 10, '2026-02-01 00:00:00', 'differs', %[1]d)`, version)))
	}
	s := newService(conn, fixed{next: []int64{-1}, first: []int64{0}, end: []int64{2}})
	text := func(s string) *string { return &s }
	for id, want := range map[tenant.ID]Archive{
		"acme":     {Days: 2, Events: 4, Bytes: 20, Unverified: 1, First: text("2026-01-30"), Last: text("2026-01-31")},
		"nobody":   {},
		tenant.All: {Days: 3, Events: 6, Bytes: 30, Unverified: 2, First: text("2025-01-31"), Last: text("2026-01-31")},
	} {
		got, err := s.Read(t.Context(), id, false)
		require.NoError(t, err)
		require.Equal(t, want, got.Archive, id)
	}
}

func TestRead_Nothing(t *testing.T) {
	conn := querytest.Open(t)
	s, err := newService(conn, fixed{next: []int64{-1}, first: []int64{0}, end: []int64{2}}).Read(t.Context(), tenant.All, true)
	require.NoError(t, err)
	require.Nil(t, s.Ingest.FreshnessMs)
	require.Empty(t, *s.Ingest.Gaps)
	require.NotNil(t, *s.Ingest.Gaps, "an array, not null")
	require.Equal(t, Retention{Days: 30}, s.Retention)

	querytest.Insert(t, conn, []querytest.Row{row("acme", 40*day, 0, 1)})
	s, err = newService(conn, fixed{next: []int64{2}, first: []int64{0}, end: []int64{2}}).Read(t.Context(), tenant.All, true)
	require.NoError(t, err)
	require.Equal(t, Retention{Days: 30}, s.Retention, "all of it has expired")
}

// The ends of all events are known by part, and those of a tenant stand at the
// ends of its range: nothing else is read.
func TestRead_ReadsLittle(t *testing.T) {
	conn := querytest.Open(t)
	var rows []querytest.Row
	for i := range 100_000 {
		rows = append(rows, row(tenant.ID(fmt.Sprint("t", i%2)), time.Duration(i)*10*time.Second, 0, int64(i)))
	}
	querytest.Insert(t, conn, rows)
	s := newService(conn, nil)
	for id, most := range map[tenant.ID]uint64{tenant.All: 10, "t0": 4 * 2048} {
		var usage statement.Usage
		oldest, newest, err := s.reach(t.Context(), &usage, id)
		require.NoError(t, err)
		require.Less(t, *oldest, newest.Add(-11*day))
		require.LessOrEqual(t, usage.RowsRead, most, "of %s", id)
	}
	var usage statement.Usage
	age, err := s.freshness(t.Context(), &usage, 1, search.Log{Topic: querytest.Topic, Next: []int64{50_000}})
	require.NoError(t, err)
	require.NotNil(t, age)
	require.LessOrEqual(t, usage.RowsRead, uint64(65_000), "what is below the committed offsets is left out")
}

func TestGolden(t *testing.T) {
	var out querytest.Golden
	for _, one := range []struct {
		name string
		b    *filter.Builder
	}{
		{"the newest stored message", newestStatement(search.Log{Topic: "events", Next: []int64{-1, 30_000}})},
		{"a tenant's first event", endStatement("acme", now, "")},
		{"a tenant's last event", endStatement("acme", now, " DESC")},
		{"the oldest event", extremeStatement("min", time.Time{})},
		{"the oldest event that has not expired", extremeStatement("min", now)},
		{"gaps", gapsStatement("events")},
		{"what the archive has of a tenant", archivedStatement("acme")},
		{"what the archive has", archivedStatement(tenant.All)},
	} {
		out.Add(one.name, one.b)
	}
	out.Check(t, "status.golden")
}

// What Kafka says is what the status says.
func TestRead_OfARealTopic(t *testing.T) {
	config := kafkatest.StartEmbedded(t)
	client, release, err := config.Client()
	require.NoError(t, err)
	t.Cleanup(release)
	messages := make([]kafka.Message, 10)
	for i := range messages {
		messages[i].Value = []byte("x")
	}
	kafkatest.ProduceTo(t, config, 0, messages...)
	kafkatest.ProduceTo(t, config, 1, messages[:4]...)
	kafkatest.SetCommitted(t, config, 0, 7, "")
	kafkatest.DeleteRecords(t, config, 1, 3)
	s, err := newService(querytest.Open(t), search.NewGroupStored(client, config, time.Now)).Read(t.Context(), tenant.All, true)
	require.NoError(t, err)
	require.Equal(t, []Partition{{0, 7, 10, 3}, {1, 3, 4, 1}}, s.Ingest.Partitions[:2])
	require.EqualValues(t, 4, s.Ingest.Lag)
}
