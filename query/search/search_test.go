package search

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/apierror"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

const acme = tenant.ID("acme")

func clock() time.Time { return now }

func service(conn driver.Conn, stored Stored) *Service {
	return New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(365), clock, stored)
}

func parse(t testing.TB, query string) *filter.Filter {
	t.Helper()
	values, err := url.ParseQuery(query)
	require.NoError(t, err)
	f, err := filter.Parse(values, now)
	require.NoError(t, err)
	return f
}

// follow pages through a search to its end.
func follow(t testing.TB, s *Service, r Request) (ids []string, pages int) {
	t.Helper()
	for {
		page, err := s.Search(t.Context(), r)
		require.NoError(t, err)
		require.LessOrEqual(t, len(page.Events), r.Limit)
		for _, e := range page.Events {
			ids = append(ids, e.EventID+e.Source)
		}
		pages++
		if r.Cursor = page.NextCursor; r.Cursor == "" {
			return ids, pages
		}
		require.Len(t, page.Events, r.Limit, "a page before the last is full")
	}
}

// randomEvents are spread unevenly over a year: bursts, gaps, equal times.
func randomEvents(r *rand.Rand, n int) []event.Event {
	events := make([]event.Event, n)
	at := now
	for i := range events {
		switch r.IntN(10) {
		case 0:
			at = at.Add(-time.Duration(r.IntN(100)) * time.Hour)
		case 1, 2, 3, 4:
			at = at.Add(-time.Duration(r.IntN(1000)) * time.Microsecond)
		}
		events[i] = event.Event{
			TenantID: string(acme), EventID: fmt.Sprintf("evt_%d", r.IntN(1<<40)), EventType: []string{"a", "b"}[r.IntN(2)], CreatedAt: at,
			Payload: fmt.Appendf(nil, `{"n": "word%d"}`, i%7),
		}
		if i > 0 && r.IntN(10) == 0 { // Two producers chose the same id.
			events[i] = events[i-1]
			events[i].Source += "x"
		}
	}
	return events
}

func ids(events []event.Event, order Order, keep func(event.Event) bool) []string {
	sorted := slices.Clone(events)
	slices.SortFunc(sorted, func(a, b event.Event) int {
		c := cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.Source, b.Source))
		if order == Newest {
			return -c
		}
		return c
	})
	var out []string
	for _, e := range sorted {
		if keep == nil || keep(e) {
			out = append(out, e.EventID+e.Source)
		}
	}
	return out
}

func TestSearch_PagesShowEachEventOnce(t *testing.T) {
	conn := querytest.Open(t)
	r := rand.New(rand.NewPCG(1, 2))
	events := randomEvents(r, 150)
	querytest.Insert(t, conn, querytest.Rows(events...))
	// Copies, as a replay of dead letters makes them, in parts of their own.
	for range 3 {
		again := slices.Clone(events)
		r.Shuffle(len(again), func(i, j int) { again[i], again[j] = again[j], again[i] })
		querytest.Insert(t, conn, querytest.Rows(again[:100]...))
	}
	other := randomEvents(r, 50)
	for i := range other {
		other[i].TenantID = "other"
	}
	querytest.Insert(t, conn, querytest.Rows(other...))

	s := service(conn, nil)
	for _, order := range []Order{Newest, Oldest} {
		for _, limit := range []int{1, 7, 50, 150, 1000} {
			found, pages := follow(t, s, Request{Tenant: acme, Filter: &filter.Filter{}, Order: order, Limit: limit})
			require.Equal(t, ids(events, order, nil), found, "%s by %d", order, limit)
			require.Equal(t, (len(events)+limit-1)/limit, pages, "%s by %d: no empty last page", order, limit)
		}
		from, to := now.Add(-40*24*time.Hour), now.Add(-time.Hour)
		for query, keep := range map[string]func(event.Event) bool{
			"eventType=a": func(e event.Event) bool { return e.EventType == "a" },
			"q=WORD3":     func(e event.Event) bool { return string(e.Payload) == `{"n": "word3"}` },
			"from=now-40d&to=now-1h": func(e event.Event) bool {
				return !e.CreatedAt.Before(from) && e.CreatedAt.Before(to)
			},
			"q=nothing": func(event.Event) bool { return false },
		} {
			found, _ := follow(t, s, Request{Tenant: acme, Filter: parse(t, query), Order: order, Limit: 13})
			require.Equal(t, ids(events, order, keep), found, "%s %s", query, order)
		}
	}
}

func TestSearch_WholeEvent(t *testing.T) {
	conn := querytest.Open(t)
	full := event.Event{
		TenantID: string(acme), EventID: "evt_abc123", EventType: "payment.received", Category: "billing", Source: "billing", Severity: event.Critical,
		ActorType: "SYSTEM", ActorID: "billing-pipeline", ActorName: "Pipeline", ActorEmail: "p@example.com", TargetType: "INVOICE",
		TargetID: "inv_def456", CorrelationID: "req_jkl012", IPAddress: "203.0.113.1", UserAgent: "curl", Payload: []byte(`{"amount": 450.00}`),
		Extra: []byte(`{"more":[1]}`), CreatedAt: now.Add(-time.Microsecond), IngestedAt: now.Add(time.Millisecond),
	}
	querytest.Insert(t, conn, querytest.Rows(full))
	page, err := service(conn, nil).Search(t.Context(), Request{Tenant: acme, Filter: &filter.Filter{}, Order: Newest, Limit: 1})
	require.NoError(t, err)
	require.Equal(t, []event.Event{full}, page.Events)
	require.Positive(t, page.Usage.RowsRead)

	var usage statement.Usage
	one, err := service(conn, nil).Event(t.Context(), acme, "evt_abc123", false, &usage)
	require.NoError(t, err)
	require.Equal(t, full, *one)
}

func TestEvent_NotFound(t *testing.T) {
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(
		event.Event{TenantID: string(acme), EventID: "old", CreatedAt: now.Add(-366 * 24 * time.Hour)},
		event.Event{TenantID: "other", EventID: "theirs", CreatedAt: now},
	))
	for _, id := range []string{"old", "theirs", "missing", "", "' OR 1=1 --"} {
		var usage statement.Usage
		_, err := service(conn, nil).Event(t.Context(), acme, id, false, &usage)
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem, id)
		require.Equal(t, apierror.KindNotFound, problem.Kind)
	}
}

func TestSearch_RetentionHolds(t *testing.T) {
	conn := querytest.Open(t)
	edge := now.Add(-365 * 24 * time.Hour)
	querytest.Insert(t, conn, querytest.Rows(
		event.Event{TenantID: string(acme), EventID: "expired", CreatedAt: edge.Add(-time.Microsecond)},
		event.Event{TenantID: string(acme), EventID: "last", CreatedAt: edge},
	))
	for _, query := range []string{"", "from=2001-01-01", "q=createdAt:<now"} {
		for _, order := range []Order{Newest, Oldest} {
			found, _ := follow(t, service(conn, nil), Request{Tenant: acme, Filter: parse(t, query), Order: order, Limit: 10})
			require.Equal(t, []string{"last"}, found)
		}
	}
}

// The profile of where a tenant's events are is a minute old at most. An event
// stored since is found all the same.
func TestSearch_ProfileOutOfDate(t *testing.T) {
	conn := querytest.Open(t)
	s := service(conn, nil)
	request := Request{Tenant: acme, Filter: &filter.Filter{}, Order: Newest, Limit: 2}
	found, _ := follow(t, s, request)
	require.Empty(t, found)
	r := rand.New(rand.NewPCG(3, 4))
	first, late := randomEvents(r, 100), randomEvents(r, 100)
	querytest.Insert(t, conn, querytest.Rows(first...))
	s = service(conn, nil)
	found, _ = follow(t, s, request)
	require.Equal(t, ids(first, Newest, nil), found)
	querytest.Insert(t, conn, querytest.Rows(late...))
	for _, order := range []Order{Newest, Oldest} {
		request.Order = order
		found, _ = follow(t, s, request)
		require.Equal(t, ids(append(first, late...), order, nil), found)
	}
}

func TestSearch_CallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := service(querytest.Open(t), nil).Search(ctx, Request{Tenant: acme, Filter: &filter.Filter{}, Order: Newest, Limit: 1})
	require.ErrorIs(t, err, context.Canceled)
}
