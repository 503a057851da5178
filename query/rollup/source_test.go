package rollup_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/rollup"
	"daybook/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var end = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

// TestChoose holds which buckets answer what.
func TestChoose(t *testing.T) {
	hours := func(n int) filter.Moment { return filter.Moment{Time: end.Add(time.Duration(n) * time.Hour)} }
	atMost := func(most time.Duration) func(time.Duration) bool {
		return func(width time.Duration) bool { return width <= most }
	}
	for _, c := range []struct {
		name     string
		from, to filter.Moment
		grouped  []string
		fits     func(time.Duration) bool
		want     string // in the statement
	}{
		{"weeks, no times", hours(-500), hours(0), []string{"severity"}, nil, "sum(events) AS n, severity FROM events_15m"},
		{"weeks, one number", hours(-500), hours(0), nil, nil, "sum(events) AS n FROM events_15m"},
		{"weeks by hours", hours(-500), hours(0), []string{"severity"}, atMost(time.Hour), "toStartOfHour(bucket, 'UTC') AS at, severity FROM events_15m"},
		{"weeks by half hours", hours(-500), hours(0), nil, atMost(30 * time.Minute), "events AS n, bucket AS at FROM events_15m"},
		{"weeks by minutes", hours(-500), hours(0), nil, atMost(time.Minute), "events AS n, bucket AS at FROM events_1m"},
		{"weeks by seconds", hours(-500), hours(0), nil, atMost(time.Second), "FROM events WHERE"},
		{"everything", filter.Moment{}, filter.Moment{}, nil, nil, "sum(events) AS n FROM events_15m"},
		{"half a day", hours(-12), hours(0), nil, nil, "events AS n FROM events_15m"},
		{"hours", hours(-3), hours(0), nil, nil, "FROM events WHERE"},
		{"what it does not know", hours(-500), hours(0), []string{"actor_id"}, nil, "FROM events WHERE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			scope, f := filter.Scope{Tenant: "acme", Oldest: end.AddDate(0, 0, -365)}, &filter.Filter{From: c.from, To: c.to}
			var b filter.Builder
			rollup.Choose(scope, f, c.grouped, c.fits).From(&b, scope, f, c.grouped)
			text, _ := b.Statement()
			require.Contains(t, text, c.want)
		})
	}
}

// TestByHour shows that the sums by hour are read from the projection, and that
// they are those of the table without it, before and after its parts are merged.
func TestByHour(t *testing.T) {
	conn := querytest.Open(t)
	var rows []querytest.Row
	for i := range 4000 {
		rows = append(rows, querytest.Row{
			Event: event.Event{
				TenantID: "acme", EventID: strconv.Itoa(i), EventType: fmt.Sprintf("type_%d", i%7), Category: "auth", Source: "x", Severity: event.Severities[i%4],
				CreatedAt: end.Add(-time.Duration(i) * 10 * time.Minute),
			},
			Position: event.Position{Partition: int32(i % 3), Offset: int64(i)},
		})
	}
	for _, block := range [][]querytest.Row{rows[:1500], rows[1500:2500], rows[2500:]} {
		querytest.Insert(t, conn, block)
	}
	scope := filter.Scope{Tenant: "acme", Oldest: end.AddDate(0, 0, -365)}
	f := &filter.Filter{From: filter.Moment{Time: end.AddDate(0, 0, -20)}, To: filter.Moment{Time: end.Add(-24 * time.Hour)}}
	for _, fits := range []func(time.Duration) bool{nil, func(time.Duration) bool { return true }} {
		source, hour := rollup.Choose(scope, f, []string{"severity"}, fits), "''"
		if fits != nil {
			hour = "intDiv(toUnixTimestamp(" + source.At() + "), 3600)"
		}
		ask := func(prefix, settings string) (lines []string) {
			var b filter.Builder
			b.Write(prefix, "SELECT concat(toString(severity), ' ', toString(", hour, "), ' ', toString(", source.Events(), ")) AS line")
			source.From(&b, scope, f, []string{"severity"})
			b.Write(" GROUP BY severity, ", hour, " ORDER BY line", settings)
			text, args := b.Statement()
			found, err := conn.Query(t.Context(), text, args...)
			require.NoError(t, err)
			return readLines(t, found)
		}
		for _, merged := range []bool{false, true} {
			if merged {
				require.NoError(t, conn.Exec(t.Context(), "OPTIMIZE TABLE "+schema.Events15m+" FINAL"))
			}
			require.Contains(t, strings.Join(ask("EXPLAIN ", ""), "\n"), "by_hour")
			got := ask("", "")
			require.Equal(t, ask("", " SETTINGS optimize_use_projections = 0"), got)
			if fits == nil {
				require.Len(t, got, len(event.Severities))
			}
		}
	}
}

func readLines(t *testing.T, rows driver.Rows) (lines []string) {
	t.Helper()
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		lines = append(lines, line)
	}
	require.NoError(t, rows.Err())
	return lines
}
