package audit

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/record"
)

// Every call that answers with something of the log, or says that there is
// nothing, is recorded.
func TestRead_IsRecorded(t *testing.T) {
	l := open(t)
	l.store(t, jane)
	for _, test := range []struct{ path, target, payload string }{
		{"/api/audit?limit=10&user_id=a+b&page=2&event_type=user_login", "/api/audit?event_type=user_login&user_id=a+b", `"page":2,"limit":10`},
		{"/api/audit", "/api/audit", `"page":1,"limit":50`},
		{"/api/audit/events", "/api/audit/events", ""},
		{"/api/audit/audit-uuid", "/api/audit/audit-uuid", ""},
		{"/api/audit/nosuch", "/api/audit/nosuch", ""},
		{"/api/users/user-uuid/audit", "/api/users/user-uuid/audit", `"page":1,"limit":50`},
	} {
		l.reads = nil
		_, _ = l.get(t, test.path)
		require.Len(t, l.reads, 1, test.path)
		e := l.reads[0]
		require.Equal(t, ReadType, e.EventType)
		require.Equal(t, event.CategoryAuth, e.Category, "it is in the audit log itself")
		require.Equal(t, string(acme), e.TenantID)
		require.Equal(t, []string{"API_KEY", "k1", "support"}, []string{e.ActorType, e.ActorID, e.ActorName})
		require.Equal(t, []string{"AUDIT_LOG", test.target}, []string{e.TargetType, e.TargetID})
		require.Equal(t, "req-1", e.CorrelationID)
		require.Equal(t, "192.0.2.1", e.IPAddress)
		require.Contains(t, string(e.Payload), test.payload)
	}
}

// However long the query, its record is an event that can be stored.
func TestRead_LongQuery(t *testing.T) {
	l := open(t)
	for _, id := range []string{strings.Repeat("x", 5000), strings.Repeat("ü", 300)} {
		l.reads = nil
		_, err := l.get(t, "/api/audit?user_id="+id)
		require.NoError(t, err)
		require.Len(t, l.reads, 1)
		require.LessOrEqual(t, len(l.reads[0].TargetID), 256)
	}
	require.NotEqual(t, target(strings.Repeat("x", 300)+"a"), target(strings.Repeat("x", 300)+"b"))
}

func TestRead_NotAnsweredUnrecorded(t *testing.T) {
	l := open(t)
	l.store(t, jane)
	l.refuse = errAway
	for _, path := range []string{"/api/audit", "/api/audit/events", "/api/audit/audit-uuid", "/api/users/user-uuid/audit"} {
		answer, err := l.get(t, path)
		require.Empty(t, answer)
		problem := problemOf(t, err)
		require.Equal(t, apierror.KindUnavailable, problem.Kind)
		require.ErrorIs(t, problem, errAway)
	}
}

// A broker that takes its time ends the wait at the bound.
func TestRead_BoundedWait(t *testing.T) {
	l := open(t)
	l.publish = func(ctx context.Context, _ tenant.ID, _ []byte) error {
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		require.LessOrEqual(t, time.Until(deadline), record.Timeout)
		return context.DeadlineExceeded
	}
	_, err := l.get(t, "/api/audit")
	require.Equal(t, apierror.KindUnavailable, problemOf(t, err).Kind)
}

// Each page adds a record to the log, which must move none of the next pages.
func TestList_OwnReadsMoveNoPage(t *testing.T) {
	l := open(t)
	all := random(t, l, 30)
	page := func(path string, n int) map[string]any {
		t.Helper()
		l.clock = l.clock.Add(time.Second)
		answer, err := l.get(t, fmt.Sprintf("%spage=%d&limit=7", path, n))
		require.NoError(t, err)
		l.store(t, l.reads...) // As ingest does.
		l.reads = nil
		return answer
	}
	follow := func(path string, want int) {
		t.Helper()
		seen := map[string]bool{}
		for n := 1; n <= (want+6)/7; n++ {
			answer := page(path, n)
			require.Equal(t, want, total(answer), "page %d", n)
			for i, id := range ids(answer) {
				key := id
				if all[15].EventID == id && seen[id] {
					key += "'" // Two producers chose it.
				}
				require.False(t, seen[key], "%s of page %d, at %d, was on a page before", id, n, i)
				seen[key] = true
			}
		}
		require.Len(t, seen, want)
	}
	n := len(all)
	follow("/api/audit?", n)
	// The five reads of that are in the log for everything that comes after.
	follow("/api/audit?", n+5)
	follow("/api/audit?event_type=audit.read&", 5+6)
	follow("/api/audit?user_id=k1&", 5+6+2)
	follow("/api/audit?user_id=u1&", total(page("/api/audit?user_id=u1&", 1)))

	l.clock = l.clock.Add(2 * listingAge)
	answer := page("/api/audit?", 2)
	l.clock = l.clock.Add(time.Second)
	require.Equal(t, total(answer)+1, total(page("/api/audit?", 2)), "without a first page, everything counts")
}
