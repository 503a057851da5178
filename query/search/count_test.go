package search

import (
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// manyEvents stores n events of acme, one a second before now: every third is of
// the type b, of the others a few are rare, and every one has its number in its payload.
func manyEvents(t testing.TB, n int) *Service {
	t.Helper()
	return service(manyRows(t, n), &confirmed{Log{Topic: querytest.Topic, Epoch: 1, Next: []int64{int64(n) / 2, 0, -1}}})
}

func manyRows(t testing.TB, n int) driver.Conn {
	t.Helper()
	conn := querytest.Open(t)
	require.NoError(t, conn.Exec(t.Context(), fmt.Sprintf(`INSERT INTO events (tenant_id, created_at, event_id, event_type, category, severity, payload, payload_text, kafka_topic, kafka_partition, kafka_offset)
		SELECT 'acme', toDateTime64('2026-04-17 14:32:00', 6, 'UTC') - number, toString(number), multiIf(number %% 3 = 0, 'b', number %% 7001 = 5, 'rare', 'a'), 'other', 'INFO',
			concat('{"n":"', toString(number), 'x"}') AS p, p, 'events', number %% 2, intDiv(number, 2) FROM numbers(%d)`, n)))
	return conn
}

func TestSearch_Counts(t *testing.T) {
	s := manyEvents(t, 60_000)
	s.countTime = time.Minute // However busy the machine is.
	type want = Count
	for _, test := range []struct {
		query         string
		order         Order
		exact, capped Count
	}{
		{"", Newest, want{60_000, Equal, "rollup"}, want{60_000, Equal, "rollup"}},
		{"eventType=b", Oldest, want{20_000, Equal, "rollup"}, want{20_000, Equal, "rollup"}},
		{"eventType=b&from=now-1h&to=now", Newest, want{1200, Equal, "raw"}, want{1200, Equal, "raw"}},
		{"eventType=b&from=2026-04-17T00:00:30Z&to=2026-04-17T10:00:15Z", Newest, want{11_995, Equal, "rollup"}, want{11_995, Equal, "rollup"}},
		{"q=x", Newest, want{60_000, Equal, "raw"}, want{10_000, AtLeast, "raw"}},
		{"q=7x", Oldest, want{6000, Equal, "raw"}, want{6000, Equal, "raw"}},
		{"q=59999x", Newest, want{1, Equal, "raw"}, want{1, Equal, "raw"}},
		{"q=nothing", Newest, want{0, Equal, "raw"}, want{0, Equal, "raw"}},
		// In the order of ingest, what is confirmed: that of partition 0.
		{"", Ingest, want{30_000, Equal, "raw"}, want{10_000, AtLeast, "raw"}},
		{"q=8x", Ingest, want{6000, Equal, "raw"}, want{6000, Equal, "raw"}},
		{"q=9x", Ingest, want{0, Equal, "raw"}, want{0, Equal, "raw"}},
	} {
		for counting, wants := range map[Counting]Count{Exact: test.exact, Capped: test.capped} {
			about := fmt.Sprintf("%s %s %s", test.query, test.order, counting)
			r := Request{Tenant: acme, Filter: parse(t, test.query), Order: test.order, Limit: 20, Counting: counting}
			page, err := s.Search(t.Context(), r)
			require.NoError(t, err, about)
			require.Equal(t, &wants, page.Count, about)
			r.Cursor = page.NextCursor
			page, err = s.Search(t.Context(), r)
			require.NoError(t, err, about)
			require.Equal(t, &wants, page.Count, "%s, on the second page", about)
			r.Counting = NoCount
			page, err = s.Search(t.Context(), r)
			require.NoError(t, err)
			require.Nil(t, page.Count)
		}
	}
}

// A first page that has everything is its own count.
func TestSearch_CountOfOnePageReadsNothing(t *testing.T) {
	s := manyEvents(t, 5000)
	r := Request{Tenant: acme, Filter: parse(t, "q=77x"), Order: Newest, Limit: 50}
	_, err := s.Search(t.Context(), r) // It reads the profile too.
	require.NoError(t, err)
	plain, err := s.Search(t.Context(), r)
	require.NoError(t, err)
	r.Counting = Exact
	counted, err := s.Search(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, &Count{50, Equal, "raw"}, counted.Count)
	require.Len(t, counted.Events, 50)
	require.Equal(t, plain.Usage.RowsRead, counted.Usage.RowsRead)
}

// A capped count whose time is up is a lower bound, never an error and never
// said to be exact.
func TestSearch_CappedCountStops(t *testing.T) {
	s := manyEvents(t, 200_000)
	s.countTime = time.Millisecond
	for query, matches := range map[string]uint64{"q=99x": 2000, "q=x": 200_000, "q=199998x": 1} {
		page, err := s.Search(t.Context(), Request{Tenant: acme, Filter: parse(t, query), Order: Oldest, Limit: 2, Counting: Capped})
		require.NoError(t, err)
		if page.NextCursor == "" {
			require.Equal(t, &Count{matches, Equal, "raw"}, page.Count)
			continue
		}
		require.Equal(t, AtLeast, page.Count.Relation, query)
		require.LessOrEqual(t, page.Count.Value, matches)
		require.GreaterOrEqual(t, page.Count.Value, uint64(len(page.Events)))
	}
}

// A request whose time is used up counts no further: exact says so, capped says
// what it knows.
func TestSearch_CountAfterTheTime(t *testing.T) {
	s := manyEvents(t, 100)
	page := &Page{Events: make([]event.Event, 3), NextCursor: "more"}
	limits := statement.DefaultConfig()
	limits.MaxDuration = 0
	s.reader = statement.NewReader(nil, limits)
	r := Request{Tenant: acme, Filter: parse(t, "q=x"), Counting: Capped}
	require.NoError(t, s.count(t.Context(), s.Scope(acme), r, page, false, nil))
	require.Equal(t, &Count{3, AtLeast, "raw"}, page.Count)
	r.Counting = Exact
	require.ErrorContains(t, s.count(t.Context(), s.Scope(acme), r, page, false, nil), "query.max_duration")
}

// Counting and marking are for those who ask: neither changes a page.
func TestSearch_CountsChangeNoPage(t *testing.T) {
	s := manyEvents(t, 300)
	for _, order := range []Order{Newest, Oldest} {
		want, _ := follow(t, s, Request{Tenant: acme, Filter: &filter.Filter{}, Order: order, Limit: 70})
		got, _ := follow(t, s, Request{Tenant: acme, Filter: &filter.Filter{}, Order: order, Limit: 70, Counting: Exact})
		require.Equal(t, want, got)
		require.Len(t, got, 300)
	}
}

// BenchmarkCount compares the ways to count 1 M events. "distinct" is what leaving
// out copies that wait for their merge would take.
func BenchmarkCount(b *testing.B) {
	const events = 1_000_000
	conn := manyRows(b, events)
	s := service(conn, nil)
	for name, r := range map[string]Request{
		"rollup":      {Filter: parse(b, ""), Counting: Exact},
		"exact_text":  {Filter: parse(b, "q=x"), Counting: Exact},
		"capped_text": {Filter: parse(b, "q=x"), Counting: Capped},
		"exact_raw":   {Filter: parse(b, "from=now-300d&q=createdAt:*"), Counting: Exact},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				var page Page
				require.NoError(b, s.count(b.Context(), s.Scope(acme), r, &page, false, nil))
			}
		})
	}
	b.Run("distinct", func(b *testing.B) {
		for b.Loop() {
			var n uint64
			require.NoError(b, conn.QueryRow(b.Context(), "SELECT count() FROM (SELECT DISTINCT tenant_id, created_at, event_id, source FROM events WHERE tenant_id = 'acme')").Scan(&n))
			require.EqualValues(b, events, n)
		}
	})
}
