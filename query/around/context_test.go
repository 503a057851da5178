package around

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/apierror"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/querytest"
	"daybook/query/search"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

func newService(t *testing.T, events ...event.Event) *Service {
	t.Helper()
	conn := querytest.Open(t)
	querytest.Insert(t, conn, querytest.Rows(events...))
	return New(search.New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(365), func() time.Time { return now }, nil))
}

type answer struct {
	Event       shown `json:"event"`
	Correlation *struct {
		CorrelationID string `json:"correlationId"`
		Timeline      []struct {
			OffsetMs float64 `json:"offsetMs"`
			Event    shown   `json:"event"`
		} `json:"timeline"`
		Services []struct {
			Source          string  `json:"source"`
			Events          int     `json:"events"`
			FirstMs, LastMs float64 `json:",omitempty"`
		} `json:"services"`
		DurationMs            float64 `json:"durationMs"`
		MoreBefore, MoreAfter bool
	} `json:"correlation"`
	Actor *struct {
		ActorType, ActorID    string
		Before, After         []shown
		MoreBefore, MoreAfter bool
	} `json:"actor"`
	Meta struct{ RowsRead int } `json:"meta"`
}

type shown struct {
	EventID string `json:"eventId"`
}

func get(t *testing.T, s *Service, id, query string) (*answer, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), "acme"), "GET", "/?"+query, nil)
	r.SetPathValue("eventId", id)
	w := httptest.NewRecorder()
	if err := s.ServeContext(w, r); err != nil {
		return nil, err
	}
	var a answer
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a), w.Body.String())
	return &a, nil
}

func ids(events []shown) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = e.EventID
	}
	return out
}

func (a *answer) timeline() []string {
	var events []shown
	for _, e := range a.Correlation.Timeline {
		events = append(events, e.Event)
	}
	return ids(events)
}

func TestServeContext(t *testing.T) {
	at := func(ms int) time.Time { return now.Add(-time.Hour + time.Duration(ms)*time.Millisecond) }
	s := newService(t,
		event.Event{TenantID: "acme", EventID: "a", Source: "gateway", CorrelationID: "req_1", CreatedAt: at(0)},
		event.Event{TenantID: "acme", EventID: "b", Source: "billing", CorrelationID: "req_1", ActorType: "USER", ActorID: "jane", CreatedAt: at(20)},
		event.Event{TenantID: "acme", EventID: "c", Source: "billing", CorrelationID: "req_1", CreatedAt: at(20)}, // At once.
		event.Event{TenantID: "acme", EventID: "d", Source: "mail", CorrelationID: "req_1", CreatedAt: at(1500)},
		event.Event{TenantID: "acme", EventID: "long ago", ActorType: "USER", ActorID: "jane", CreatedAt: at(0).AddDate(0, -9, 0)},
		event.Event{TenantID: "acme", EventID: "later", ActorType: "USER", ActorID: "jane", CreatedAt: at(9000)},
		event.Event{TenantID: "acme", EventID: "a key of that name", ActorType: "API_KEY", ActorID: "jane", CreatedAt: at(9000)},
		event.Event{TenantID: "acme", EventID: "alone", CreatedAt: at(9000)},
		event.Event{TenantID: "acme", EventID: "expired", CorrelationID: "req_1", ActorType: "USER", ActorID: "jane", CreatedAt: now.AddDate(-2, 0, 0)},
		event.Event{TenantID: "other", EventID: "theirs", CorrelationID: "req_1", ActorType: "USER", ActorID: "jane", CreatedAt: at(10)},
	)
	a, err := get(t, s, "b", "")
	require.NoError(t, err)
	require.Equal(t, "b", a.Event.EventID)
	require.Equal(t, []string{"a", "b", "c", "d"}, a.timeline())
	require.Equal(t, 1500.0, a.Correlation.Timeline[3].OffsetMs)
	require.Equal(t, 1500.0, a.Correlation.DurationMs)
	require.False(t, a.Correlation.MoreBefore || a.Correlation.MoreAfter)
	require.Len(t, a.Correlation.Services, 3)
	require.Equal(t, "billing", a.Correlation.Services[1].Source)
	require.Equal(t, 2, a.Correlation.Services[1].Events)
	require.Equal(t, 20.0, a.Correlation.Services[1].FirstMs)
	require.Equal(t, []string{"long ago"}, ids(a.Actor.Before))
	require.Equal(t, []string{"later"}, ids(a.Actor.After))
	require.NotZero(t, a.Meta.RowsRead)

	a, err = get(t, s, "c", "chain=1")
	require.NoError(t, err)
	require.Equal(t, []string{"b", "c", "d"}, a.timeline())
	require.True(t, a.Correlation.MoreBefore)
	require.False(t, a.Correlation.MoreAfter)
	require.Nil(t, a.Actor)

	a, err = get(t, s, "b", "chain=0&before=0&after=1")
	require.NoError(t, err)
	require.Equal(t, []string{"b"}, a.timeline())
	require.True(t, a.Correlation.MoreBefore && a.Correlation.MoreAfter)
	require.Empty(t, a.Actor.Before)
	require.True(t, a.Actor.MoreBefore)
	require.Equal(t, []string{"later"}, ids(a.Actor.After))

	a, err = get(t, s, "alone", "")
	require.NoError(t, err)
	require.Nil(t, a.Correlation)

	for _, test := range []struct{ id, query, field string }{
		{"b", "chain=501", "chain"}, {"b", "before=-1", "before"}, {"b", "after=x", "after"}, {"b", "after=1&after=2", "after"}, {"b", "q=x", "q"},
	} {
		_, err := get(t, s, test.id, test.query)
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem)
		require.Equal(t, test.field, problem.Fields[0].Field)
	}
	for _, id := range []string{"theirs", "expired", "nosuch"} {
		_, err := get(t, s, id, "")
		require.Equal(t, apierror.KindNotFound, apierror.From(err).Kind, id)
	}
}

// Of a thousand events at the same microsecond, each event's neighbours are
// those beside it.
func TestServeContext_ManyAtOnce(t *testing.T) {
	events := make([]event.Event, 1000)
	for i := range events {
		events[i] = event.Event{TenantID: "acme", EventID: fmt.Sprintf("%04d", i), ActorID: "jane", CreatedAt: now.Add(-time.Minute)}
	}
	a, err := get(t, newService(t, events...), "0500", "before=3&after=2")
	require.NoError(t, err)
	require.Equal(t, []string{"0497", "0498", "0499"}, ids(a.Actor.Before))
	require.Equal(t, []string{"0501", "0502"}, ids(a.Actor.After))
}

func TestServeDiff(t *testing.T) {
	s := newService(t,
		event.Event{TenantID: "acme", EventID: "a", CreatedAt: now.Add(-time.Hour), Payload: []byte(`{"amount": 450.00, "tags": ["x", "<y>"]}`)},
		event.Event{TenantID: "acme", EventID: "b", CreatedAt: now.Add(-time.Minute), Payload: []byte(`{"amount": 451, "tags": ["<y>"], "note": null}`)},
		event.Event{TenantID: "other", EventID: "theirs", CreatedAt: now.Add(-time.Minute)},
	)
	call := func(id, query string) (string, error) {
		r := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), "acme"), "GET", "/?"+query, nil)
		r.SetPathValue("eventId", id)
		w := httptest.NewRecorder()
		err := s.ServeDiff(w, r)
		return w.Body.String(), err
	}
	body, err := call("a", "with=b")
	require.NoError(t, err)
	var answer struct {
		From, To string
		Patch    json.RawMessage
		Meta     struct{ RowsRead int }
	}
	require.NoError(t, json.Unmarshal([]byte(body), &answer))
	require.Equal(t, "a", answer.From)
	require.Equal(t, "b", answer.To)
	require.JSONEq(t, `[{"op":"replace","path":"/amount","value":451},{"op":"add","path":"/note","value":null},{"op":"remove","path":"/tags/0"}]`, string(answer.Patch))
	body, err = call("a", "with=a")
	require.NoError(t, err)
	require.Contains(t, body, `"patch":[],`)

	for _, test := range []struct {
		id, query string
		kind      apierror.Kind
	}{
		{"a", "", apierror.KindInvalid}, {"a", "with=", apierror.KindInvalid}, {"a", "with=a&with=b", apierror.KindInvalid}, {"a", "with=b&q=x", apierror.KindInvalid},
		{"a", "with=theirs", apierror.KindInvalid}, {"theirs", "with=a", apierror.KindNotFound},
	} {
		_, err := call(test.id, test.query)
		require.Equal(t, test.kind, apierror.From(err).Kind, test.query)
	}
}
