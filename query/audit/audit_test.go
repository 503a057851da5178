package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/query/statement"
)

// jane is the event that spec/audit-log.txt shows.
var jane = event.Event{
	EventID: "audit-uuid", EventType: "user_login", ActorID: "user-uuid", ActorName: "Jane Doe", ActorEmail: "jane@example.com",
	IPAddress: "203.0.113.1", UserAgent: "Mozilla/5.0...", Payload: []byte(`{"idp": "github"}`), CreatedAt: time.Date(2026, 2, 1, 10, 0, 0, 0, time.UTC),
}

// The answers are those of the document, member for member.
func TestShapes(t *testing.T) {
	l := open(t)
	l.store(t, jane)
	for path, want := range map[string]string{
		"/api/audit": `{"audit_logs":[{"id":"audit-uuid","user_id":"user-uuid","user_email":"jane@example.com","event_type":"user_login",
			"event_data":{"idp":"github"},"ip_address":"203.0.113.1","user_agent":"Mozilla/5.0...","created_at":"2026-02-01T10:00:00Z"}],
			"pagination":{"page":1,"limit":50,"total":1,"total_pages":1}}`,
		"/api/audit/audit-uuid": `{"id":"audit-uuid","user_id":"user-uuid","user_email":"jane@example.com","user_name":"Jane Doe","event_type":"user_login",
			"event_data":{"idp":"github"},"ip_address":"203.0.113.1","user_agent":"Mozilla/5.0...","created_at":"2026-02-01T10:00:00Z"}`,
		"/api/audit/events": `{"event_types":[{"event_type":"user_login","count":1}]}`,
		"/api/users/user-uuid/audit": `{"user":{"id":"user-uuid","email":"jane@example.com"},"audit_logs":[{"id":"audit-uuid","event_type":"user_login",
			"event_data":{"idp":"github"},"ip_address":"203.0.113.1","user_agent":"Mozilla/5.0...","created_at":"2026-02-01T10:00:00Z"}],
			"pagination":{"page":1,"limit":50,"total":1,"total_pages":1}}`,
	} {
		answer, err := l.get(t, path)
		require.NoError(t, err, path)
		got, err := json.Marshal(answer)
		require.NoError(t, err)
		require.JSONEq(t, want, string(got), path)
	}
}

// What an event doesn't have is null, and an empty log is empty arrays.
func TestShapes_Absent(t *testing.T) {
	l := open(t)
	answer, err := l.get(t, "/api/audit")
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"audit_logs": []any{}, "pagination": map[string]any{"page": 1.0, "limit": 50.0, "total": 0.0, "total_pages": 0.0},
	}, answer)
	answer, err = l.get(t, "/api/audit/events")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"event_types": []any{}}, answer)
	l.store(t, event.Event{EventID: "e", EventType: "user_login_failed", CreatedAt: now.Add(-1500 * time.Millisecond)})
	answer, err = l.get(t, "/api/audit/e")
	require.NoError(t, err)
	require.Equal(t, map[string]any{
		"id": "e", "user_id": nil, "user_email": nil, "user_name": nil, "event_type": "user_login_failed", "event_data": map[string]any{},
		"ip_address": nil, "user_agent": nil, "created_at": "2026-04-17T14:31:59.5Z",
	}, answer)
}

// ids returns those of a page.
func ids(answer map[string]any) (out []string) {
	for _, e := range answer["audit_logs"].([]any) {
		out = append(out, e.(map[string]any)["id"].(string))
	}
	return out
}

func total(answer map[string]any) int {
	return int(answer["pagination"].(map[string]any)["total"].(float64))
}

// random fills a log with events of three types and users, with equal times,
// ids that two producers chose, copies that are not merged, and what doesn't
// belong there. It returns the events of the log, newest first.
func random(t *testing.T, l *log, n int) (want []event.Event) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	for i := range n {
		at := now.Add(-time.Duration(i/3) * time.Hour)
		want = append(want, event.Event{
			EventID: fmt.Sprintf("evt_%03d", n-i), CreatedAt: at, EventType: []string{"user_login", "role_assigned", "idp_created"}[r.IntN(3)],
			ActorID: fmt.Sprintf("u%d", r.IntN(3)), ActorEmail: fmt.Sprintf("mail%d@example.com", i),
		})
	}
	twin := want[n/2]
	twin.Source = "other"
	want = append(want[:n/2], append([]event.Event{twin}, want[n/2:]...)...)
	l.store(t, want...)
	l.store(t, want[:n/2]...)
	l.store(t,
		event.Event{EventID: "evt_theirs", TenantID: "other", EventType: "user_login", ActorID: "u1", CreatedAt: now},
		event.Event{EventID: "evt_api", Category: event.CategoryAPI, EventType: "request.success", ActorID: "u1", CreatedAt: now},
		event.Event{EventID: "evt_expired", EventType: "user_login", ActorID: "u1", CreatedAt: now.Add(-366 * 24 * time.Hour)},
	)
	return want
}

// merging is a store that folds its copies between the statements of a call.
type merging struct {
	driver.Conn
	t       *testing.T
	queries int
}

func (m *merging) Query(ctx context.Context, text string, args ...any) (driver.Rows, error) {
	if m.queries++; m.queries == 2 {
		require.NoError(m.t, m.Exec(m.t.Context(), "OPTIMIZE TABLE events FINAL")) // The read may not write.
	}
	return m.Conn.Query(ctx, text, args...)
}

func TestList_TotalWhileCopiesMerge(t *testing.T) {
	l := open(t)
	require.NoError(t, l.conn.Exec(t.Context(), "SYSTEM STOP MERGES events"))
	want := random(t, l, 30)
	require.NoError(t, l.conn.Exec(t.Context(), "SYSTEM START MERGES events"))
	conn := &merging{Conn: l.conn, t: t}
	l.reader = statement.NewReader(conn, statement.DefaultConfig())
	answer, err := l.get(t, "/api/audit?limit=100")
	require.NoError(t, err)
	require.Equal(t, 4, conn.queries, "times, ties, positions, events")
	require.Equal(t, len(want), total(answer))
	require.Len(t, ids(answer), len(want))
}

func TestList_PagesAndTotals(t *testing.T) {
	l := open(t)
	all := random(t, l, 120)
	from, to := now.Add(-30*time.Hour), now.Add(-10*time.Hour)
	for _, test := range []struct {
		path, query string
		keep        func(event.Event) bool
	}{
		{"/api/audit", "", func(event.Event) bool { return true }},
		{"/api/audit", "event_type=user_login", func(e event.Event) bool { return e.EventType == "user_login" }},
		{"/api/audit", "user_id=u1", func(e event.Event) bool { return e.ActorID == "u1" }},
		{"/api/audit", "start_date=2026-04-16T08:32:01Z&end_date=2026-04-17T04:32:01Z", func(e event.Event) bool {
			return !e.CreatedAt.Before(from) && e.CreatedAt.Before(to)
		}},
		{"/api/audit", "event_type=idp_created&user_id=u2&end_date=2026-04-17", func(e event.Event) bool {
			return e.EventType == "idp_created" && e.ActorID == "u2" && e.CreatedAt.Before(now.Truncate(24*time.Hour))
		}},
		{"/api/audit", "event_type=user_*", func(event.Event) bool { return false }},
		{"/api/audit", "event_type=&user_id=", func(event.Event) bool { return true }},
		{"/api/users/u1/audit", "", func(e event.Event) bool { return e.ActorID == "u1" }},
	} {
		var want []string
		for _, e := range all {
			if test.keep(e) {
				want = append(want, e.EventID)
			}
		}
		for _, limit := range []int{1, 7, 50, 100} {
			if limit == 1 && len(want) > 60 {
				continue
			}
			pages := (len(want) + limit - 1) / limit
			var found []string
			for page := 1; page <= pages+2; page++ {
				answer, err := l.get(t, fmt.Sprintf("%s?%s&page=%d&limit=%d", test.path, test.query, page, limit))
				require.NoError(t, err)
				found = append(found, ids(answer)...)
				require.Equal(t, map[string]any{
					"page": float64(page), "limit": float64(limit), "total": float64(len(want)), "total_pages": float64(pages),
				}, answer["pagination"], "%v", test)
			}
			require.Equal(t, want, found, "%v by %d", test, limit)
		}
	}
	answer, err := l.get(t, "/api/audit?page=9223372036854775807&limit=100")
	require.NoError(t, err)
	require.Empty(t, answer["audit_logs"])
	require.Equal(t, len(all), total(answer))
}

func TestEventTypes(t *testing.T) {
	l := open(t)
	edge := now.Add(-365 * 24 * time.Hour)
	for i, count := range []int{3, 12, 5} {
		for n := range count {
			l.store(t, event.Event{EventID: fmt.Sprint(i, n), EventType: []string{"client_created", "user_login", "session_revoked"}[i], CreatedAt: now.Add(-time.Duration(n) * 500 * time.Hour)})
		}
	}
	l.store(t,
		// The retention begins within a bucket of the rollup.
		event.Event{EventID: "last", EventType: "user_login", CreatedAt: edge},
		event.Event{EventID: "expired", EventType: "user_login", CreatedAt: edge.Add(-time.Microsecond)},
		event.Event{EventID: "tie", EventType: "a_tie", CreatedAt: now}, event.Event{EventID: "tie2", EventType: "a_tie", CreatedAt: now},
		event.Event{EventID: "tie3", EventType: "a_tie", CreatedAt: now},
		event.Event{EventID: "theirs", TenantID: "other", EventType: "theirs", CreatedAt: now},
		event.Event{EventID: "api", Category: event.CategoryAPI, EventType: "request.success", CreatedAt: now},
	)
	answer, err := l.get(t, "/api/audit/events")
	require.NoError(t, err)
	got, _ := json.Marshal(answer)
	require.JSONEq(t, `{"event_types":[{"event_type":"user_login","count":13},{"event_type":"session_revoked","count":5},
		{"event_type":"a_tie","count":3},{"event_type":"client_created","count":3}]}`, string(got))
}

func TestUser(t *testing.T) {
	l := open(t)
	l.store(t,
		event.Event{EventID: "1", EventType: "user_login", ActorID: "ü/1", ActorEmail: "old@example.com", CreatedAt: now.Add(-3 * time.Hour)},
		event.Event{EventID: "2", EventType: "request.success", Category: event.CategoryAPI, ActorID: "ü/1", ActorEmail: "new@example.com", CreatedAt: now.Add(-2 * time.Hour)},
		event.Event{EventID: "3", EventType: "user_logout", ActorID: "ü/1", CreatedAt: now.Add(-time.Hour)},
		event.Event{EventID: "4", EventType: "request.success", Category: event.CategoryAPI, ActorID: "quiet", CreatedAt: now},
		event.Event{EventID: "5", EventType: "user_login", ActorID: "theirs", TenantID: "other", CreatedAt: now},
		event.Event{EventID: "6", EventType: "user_login", ActorID: "gone", CreatedAt: now.Add(-366 * 24 * time.Hour)},
	)
	answer, err := l.get(t, "/api/users/%C3%BC%2F1/audit")
	require.NoError(t, err)
	require.Equal(t, map[string]any{"id": "ü/1", "email": "new@example.com"}, answer["user"])
	require.Equal(t, []string{"3", "1"}, ids(answer))
	answer, err = l.get(t, "/api/users/quiet/audit")
	require.NoError(t, err, "known by other events")
	require.Equal(t, map[string]any{"id": "quiet", "email": nil}, answer["user"])
	require.Zero(t, total(answer))
	for _, id := range []string{"theirs", "gone", "nobody", "%27%20OR%201=1%20--"} {
		_, err := l.get(t, "/api/users/"+id+"/audit")
		require.Equal(t, apierror.KindNotFound, problemOf(t, err).Kind, id)
	}
}

func TestEvent_NotFound(t *testing.T) {
	l := open(t)
	random(t, l, 3)
	for _, id := range []string{"nosuch", "evt_theirs", "evt_api", "evt_expired"} {
		_, err := l.get(t, "/api/audit/"+id)
		require.Equal(t, apierror.KindNotFound, problemOf(t, err).Kind, id)
	}
}

func TestFaults(t *testing.T) {
	l := open(t)
	for query, field := range map[string]string{
		"page=0": "page", "page=-1": "page", "page=x": "page", "page=1.5": "page", "page=1&page=2": "page", "page=9223372036854775808": "page",
		"limit=0": "limit", "limit=101": "limit", "limit=1000000000": "limit", "limit=%20": "limit",
		"start_date=yesterday": "start_date", "end_date=2026-02-30": "end_date", "start_date=2026-02-02&end_date=2026-02-01": "start_date",
		"event_type=a&event_type=b": "event_type", "user_id=%ff": "user_id", "eventType=a": "eventType", "%ff=a": "\uFFFD", "q=x": "q",
	} {
		_, err := l.get(t, "/api/audit?"+query)
		problem := problemOf(t, err)
		require.Equal(t, apierror.KindInvalid, problem.Kind, query)
		require.Equal(t, field, problem.Fields[0].Field, query)
	}
	_, err := l.get(t, "/api/audit?page=0&limit=0")
	require.Len(t, problemOf(t, err).Fields, 2)
	for _, path := range []string{"/api/audit/events?page=1", "/api/audit/x?page=1", "/api/users/x/audit?user_id=y", "/api/users/x/audit?event_type=y"} {
		_, err := l.get(t, path)
		require.Equal(t, apierror.KindInvalid, problemOf(t, err).Kind, path)
	}
	require.Empty(t, l.reads, "nothing was read")
}
