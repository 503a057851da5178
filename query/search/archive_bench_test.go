package search

import (
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// BenchmarkArchivedDay searches one archived day of 1 M events, which is in no table.
//
//	go test ./query/search -run '^$' -bench ArchivedDay -benchtime 7x
func BenchmarkArchivedDay(b *testing.B) {
	conn := querytest.Open(b)
	place := archivetest.Start(b).Place("days")
	day := now.AddDate(-2, 0, 0).Truncate(24 * time.Hour)
	require.NoError(b, conn.Exec(b.Context(), `INSERT INTO events (tenant_id, created_at, event_id, event_type, category, source, severity, actor_type, actor_id, target_type, target_id, correlation_id,
	payload, payload_text, ingested_at, kafka_topic, kafka_offset)
SELECT 'acme', toDateTime64(?, 6, 'UTC') + toIntervalMicrosecond(number * 86400), concat('evt_', hex(sipHash64(number))), ['invoice.paid', 'login.ok', 'login.failed'][1 + number % 3], 'billing', 'billing', 1 + (number % 100 > 90),
	'USER', concat('usr_', toString(cityHash64(number) % 5000)), 'INVOICE', concat('inv_', toString(number)), concat('corr_', toString(intDiv(number, 5))),
	concat('{"amount":', toString(number % 1000), ',"card":"', hex(sipHash128(number)), '","customer":{"id":"cus_', hex(sipHash64(number, 1)), '","name":"Jane Doe","note":"', hex(sipHash128(number, 2)),
		'"},"text":"the quick brown fox jumps over the lazy dog and pays an invoice with a card that is not declined","latency_ms":', toString(cityHash64(number) % 900), '}') AS p, lower(p), now(), 'events', number
FROM numbers(1000000)`, day.Format(time.DateTime)))
	querytest.Archive(b, conn, place, acme, day)
	for _, table := range []string{"events", "events_1m", "events_15m"} {
		require.NoError(b, conn.Exec(b.Context(), "TRUNCATE TABLE "+table))
	}
	reader := statement.NewReader(conn, statement.DefaultConfig())
	s := service(conn, nil).WithArchive(archived.New(conn, reader, &archive.Places{All: place}))
	within := "from=" + day.Format(time.RFC3339) + "&to=" + day.AddDate(0, 0, 1).Format(time.RFC3339)
	for _, c := range []struct {
		name, query string
		order       Order
		counting    Counting
	}{
		{"newest", "", Newest, NoCount},
		{"oldest", "", Oldest, NoCount},
		{"type and severity", "eventType=login.failed&severity=WARN%2B", Newest, NoCount},
		{"actor of 200", "actorId=usr_77", Newest, NoCount},
		{"target of one", "targetId=inv_500000", Newest, NoCount},
		{"id", "q=correlationId:corr_7", Newest, NoCount},
		{"text of none", "q=zzzzzzzz", Newest, NoCount},
		{"text of all", "q=lazy", Newest, NoCount},
		{"number", "attr.amount=777", Newest, NoCount},
		{"count", "severity=WARN", Newest, Exact},
	} {
		b.Run(c.name, func(b *testing.B) {
			var f *filter.Filter
			began := cpu(b, conn)
			for b.Loop() {
				f = parse(b, within+"&"+c.query)
				page, err := s.Search(b.Context(), Request{Tenant: acme, Filter: f, Order: c.order, Limit: 50, Counting: c.counting, Archive: true})
				require.NoError(b, err)
				require.Equal(b, "archive", page.Source)
				require.False(b, page.Partial)
				b.ReportMetric(float64(page.Usage.RowsRead), "rows")
			}
			b.ReportMetric(float64((cpu(b, conn)-began).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpu returns the processor time that the queries of the server have taken: what a search costs
// on a machine that does other work as well.
func cpu(b *testing.B, conn driver.Conn) time.Duration {
	b.Helper()
	var micros uint64
	require.NoError(b, conn.QueryRow(b.Context(), "SELECT sum(value) FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'").Scan(&micros))
	return time.Duration(micros) * time.Microsecond
}
