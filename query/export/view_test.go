package export

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/parquet-go/parquet-go"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/query/querytest"
)

// late are events that are stored behind others but happened among them.
func late(events []event.Event, publishedAt time.Time) []event.Event {
	var out []event.Event
	for i, e := range events {
		e.EventID += "-late"
		e.CreatedAt = e.CreatedAt.Add(time.Duration(i%3) * time.Microsecond)
		e.IngestedAt = publishedAt
		out = append(out, e)
	}
	return out
}

// Events that are stored while an export runs are not in it, wherever they
// belong, and merges disturb nothing.
func TestExport_IsOfOneMoment(t *testing.T) {
	conn := querytest.Open(t)
	events := randomEvents(600)
	querytest.Insert(t, conn, rowsFrom(0, events...))
	querytest.Insert(t, conn, rowsFrom(0, events[:300]...)) // An insert that was repeated.
	clock := now
	s := service(conn, &clock)
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	v, err := s.look(t.Context(), scope, &filter.Filter{}, now)
	require.NoError(t, err)
	stored := len(events)
	var found []event.Event
	require.NoError(t, s.each(t.Context(), scope, &filter.Filter{}, v, nil, func(e *event.Event) error {
		if found = append(found, *e); len(found)%100 == 1 {
			// Published later, with a clock that is right and with one that is behind.
			querytest.Insert(t, conn, rowsFrom(stored, late(events[:150], now.Add(time.Second))...))
			querytest.Insert(t, conn, rowsFrom(stored+150, late(events[:150], now.Add(-time.Hour))...))
			stored += 300
			require.NoError(t, conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"))
		}
		return nil
	}))
	require.Equal(t, lines(sorted(events)), lines(found))
}

// Where the topic was made anew, offsets begin again: the events before it are
// exported, those published since are not.
func TestExport_TopicMadeAnew(t *testing.T) {
	conn := querytest.Open(t)
	events := randomEvents(100)
	querytest.Insert(t, conn, rowsFrom(5000, events[:50]...))
	querytest.Insert(t, conn, rowsFrom(0, events[50:]...))
	clock := now
	s := service(conn, &clock)
	scope := filter.Scope{Tenant: acme, Oldest: now.AddDate(0, 0, -365)}
	v, err := s.look(t.Context(), scope, &filter.Filter{}, now)
	require.NoError(t, err)
	querytest.Insert(t, conn, rowsFrom(100, late(events, now.Add(time.Second))...))
	n := 0
	require.NoError(t, s.each(t.Context(), scope, &filter.Filter{}, v, nil, func(*event.Event) error { n++; return nil }))
	require.Equal(t, len(events), n)
}

// after is how a client names the last event that it has.
func after(created, id, source string) string {
	return url.PathEscape(created) + "/" + url.PathEscape(id) + "/" + url.PathEscape(source)
}

// A cut export goes on behind the last whole line, in the same view, whatever
// was stored or merged since.
func TestExport_ContinuesAfterACut(t *testing.T) {
	conn := querytest.Open(t)
	events := randomEvents(300)
	querytest.Insert(t, conn, rowsFrom(0, events...))
	clock := now
	base := server(t, service(conn, &clock))
	filter := url.Values{"from": {"now-20d"}, "eventType": {"a"}}
	whole := get(t, base, filter)
	table := get(t, base, url.Values{"from": filter["from"], "eventType": {"a"}, "format": {"csv"}})
	querytest.Insert(t, conn, rowsFrom(300, late(events, now.Add(time.Second))...))
	require.NoError(t, conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"))
	clock = now.Add(40 * 24 * time.Hour) // "now-20d" means what it meant.

	again := get(t, base, url.Values{"from": filter["from"], "eventType": {"a"}, "cursor": {whole.view}})
	require.Equal(t, string(whole.body), string(again.body))
	r := rand.New(rand.NewPCG(3, 4))
	for range 15 {
		cut := r.IntN(len(whole.lines()))
		last, err := event.ParseOutput([]byte(whole.lines()[cut]))
		require.NoError(t, err)
		rest := url.Values{"from": filter["from"], "eventType": {"a"}, "cursor": {whole.view}, "after": {after(last.CreatedAt.Format(time.RFC3339Nano), last.EventID, last.Source)}}
		require.Equal(t, whole.lines()[cut+1:], get(t, base, rest).lines())

		rows, err := csv.NewReader(strings.NewReader(string(table.body))).ReadAll()
		require.NoError(t, err)
		row := rows[cut+1]
		rest.Set("format", "csv")
		rest.Set("after", after(row[slices.Index(event.CSVColumns, "createdAt")], event.Raw(row[0]), event.Raw(row[4])))
		tail := get(t, base, rest)
		require.Equal(t, table.lines()[cut+2:], tail.lines(), "without the line of names")
	}
}

// In parts of so many events, an export is what it is in one.
func TestExport_InParts(t *testing.T) {
	conn := querytest.Open(t)
	events := randomEvents(100)
	querytest.Insert(t, conn, rowsFrom(0, events...))
	clock := now
	base := server(t, service(conn, &clock))
	for _, f := range formats {
		whole := get(t, base, url.Values{"format": {f.name}})
		for _, limit := range []int{7, 50, 99, 100, 101} {
			part, rows, body := whole, 0, ""
			next := ""
			for parts := 0; ; parts++ {
				parameters := url.Values{"format": {f.name}, "limit": {strconv.Itoa(limit)}}
				if next != "" {
					parameters.Set("cursor", next)
				}
				part = get(t, base, parameters)
				if parts == 0 {
					querytest.Insert(t, conn, rowsFrom(rand.IntN(1000)+1000, late(events[:1], now.Add(time.Second))...))
				}
				require.LessOrEqual(t, part.rows, limit)
				rows += part.rows
				body += string(part.body)
				if f.name == "parquet" {
					file, err := parquet.OpenFile(strings.NewReader(string(part.body)), int64(len(part.body)))
					require.NoError(t, err)
					require.EqualValues(t, part.rows, file.NumRows())
				}
				if next = part.next; next == "" {
					break
				}
				require.Equal(t, limit, part.rows)
			}
			if f.name != "parquet" {
				require.Equal(t, string(whole.body), body)
			}
			require.Equal(t, whole.rows, rows)
			require.NoError(t, conn.Exec(t.Context(), "TRUNCATE TABLE events"))
			querytest.Insert(t, conn, rowsFrom(0, events...))
		}
	}
}

func TestExport_Faults(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, rowsFrom(0, randomEvents(10)...))
	clock := now
	base := server(t, service(conn, &clock))
	view := get(t, base, url.Values{"eventType": {"a"}}).view
	for query, says := range map[string]string{
		"format=xml":                             "format: must be",
		"format=csv&format=csv":                  "format: is given 2 times",
		"limit=0":                                "limit: must be",
		"limit=x":                                "limit: must be",
		"q=(":                                    "q: ",
		"nosuch=1":                               "nosuch: ",
		"cursor=abc":                             "cursor: is damaged",
		"cursor=" + view[:len(view)/2]:           "cursor: is damaged",
		"eventType=b&cursor=" + view:             "cursor: belongs to another export",
		"cursor=" + view:                         "cursor: belongs to another export",
		"after=2026-01-01T00:00:00Z/a/":          "after: needs the cursor",
		"eventType=a&after=a/b&cursor=" + view:   "after: must be",
		"eventType=a&after=a/b/c&cursor=" + view: `after: "a" is not the createdAt`,
		"eventType=a&after=%25zz/b/c&cursor=" + view: "after: its parts must be escaped",
	} {
		answer, err := http.Get(base + "?" + query)
		require.NoError(t, err)
		body, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		require.NoError(t, answer.Body.Close())
		require.Equal(t, http.StatusBadRequest, answer.StatusCode, query)
		require.Contains(t, string(body), says, query)
		require.Empty(t, answer.Header.Get("Content-Encoding"))
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+"?eventType=a&cursor="+view, nil)
	require.NoError(t, err)
	request.Header.Set("X-Tenant-Id", "other")
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusBadRequest, answer.StatusCode, "another tenant's cursor")
}

func FuzzContent(f *testing.F) {
	v := &view{began: now, oldest: now.Add(-time.Hour), newest: now, ingested: now, logs: []log{{"events", []int64{1, 2}}, {"old", []int64{9}}}}
	f.Add(content(v, nil))
	f.Add(content(v, &position{now, "evt_1", "billing"}))
	f.Add(content(&view{}, nil))
	f.Fuzz(func(t *testing.T, found []byte) {
		v, p, err := readContent(found)
		if err != nil {
			return
		}
		again, q, err := readContent(content(v, p))
		require.NoError(t, err)
		require.Equal(t, v, again)
		require.Equal(t, p, q)
	})
}

// many stores n events with payloads of so many bytes, in four parts.
func many(t testing.TB, conn driver.Conn, n, payload int) {
	t.Helper()
	for i := range 4 {
		require.NoError(t, conn.Exec(t.Context(), fmt.Sprintf(`INSERT INTO events
			(tenant_id, created_at, event_id, event_type, category, source, actor_id, correlation_id, payload, kafka_topic, kafka_partition, kafka_offset)
			SELECT 'acme', toDateTime64('2026-03-01 00:00:00', 6, 'UTC') + number * 4 + %[1]d, concat('evt_', hex(sipHash64(number, %[1]d))), 'payment.received', 'billing', 'billing',
			concat('user_', toString(number %% 1000)), concat('req_', hex(sipHash64(number))), concat('{"text":"', repeat(hex(sipHash128(number)), %[2]d), '"}'), 'events', %[1]d, number
			FROM numbers(%[3]d)`, i, payload/32, n/4)))
	}
}

// A caller that leaves takes its query along.
func TestExport_CallerLeaves(t *testing.T) {
	conn := querytest.Open(t)
	many(t, conn, 100_000, 600)
	clock := now
	s := service(conn, &clock)
	base := server(t, s)
	answer, err := http.Get(base)
	require.NoError(t, err)
	line, err := bufio.NewReader(answer.Body).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, line, `"eventId"`)
	require.NoError(t, answer.Body.Close())
	require.Eventually(t, func() bool {
		s.slots.mu.Lock()
		defer s.slots.mu.Unlock()
		return s.slots.taken == 0
	}, 5*time.Second, 10*time.Millisecond)
	require.Eventually(t, func() bool {
		var running uint64
		require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE current_database = currentDatabase() AND query LIKE '%ORDER BY tenant_id%' AND query NOT LIKE '%processes%'").Scan(&running))
		return running == 0
	}, 5*time.Second, 10*time.Millisecond)
}

func TestSlots(t *testing.T) {
	conn := querytest.Open(t)
	clock := now
	s := service(conn, &clock)
	first, err := s.slots.take(acme)
	require.NoError(t, err)
	second, err := s.slots.take(acme)
	require.NoError(t, err)
	_, err = s.slots.take(acme)
	require.ErrorContains(t, err, "query.max_exports", "half of them are for others")
	third, err := s.slots.take("b")
	require.NoError(t, err)
	fourth, err := s.slots.take("c")
	require.NoError(t, err)
	_, err = s.slots.take("d")
	require.ErrorContains(t, err, "query.max_exports")
	answer, err := http.Get(server(t, s))
	require.NoError(t, err)
	require.NoError(t, answer.Body.Close())
	require.Equal(t, http.StatusTooManyRequests, answer.StatusCode)
	for _, release := range []func(){first, second, third, fourth} {
		release()
	}
	require.Empty(t, s.slots.byTenant)
	_, err = s.slots.take(acme)
	require.NoError(t, err)
}
