package hold

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// desk is a service with what it published.
type desk struct {
	*Service
	told  []map[string]any
	fault error
}

func open(t *testing.T, conn driver.Conn) *desk {
	t.Helper()
	d := &desk{}
	d.Service = New(conn, statement.NewReader(conn, statement.DefaultConfig()), func() time.Time { return now }, func(_ context.Context, id tenant.ID, text []byte) error {
		if d.fault != nil {
			return d.fault
		}
		e := map[string]any{"tenant": string(id)}
		require.NoError(t, json.Unmarshal(text, &e))
		d.told = append(d.told, e)
		return nil
	})
	return d
}

// call makes a request of a tenant's admin.
func call(t *testing.T, serve func(http.ResponseWriter, *http.Request) error, id tenant.ID, hold, body string, into any) error {
	t.Helper()
	ctx := auth.NewContext(tenant.NewContext(t.Context(), id), auth.Principal{KeyID: "key_1", Name: "legal", Tenant: id, Scopes: []auth.Scope{auth.ScopeAdmin}})
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/api/v1/holds", strings.NewReader(body))
	r.SetPathValue("id", hold)
	w := httptest.NewRecorder()
	if err := serve(w, r); err != nil {
		return err
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), into))
	return nil
}

func TestHolds_PlacedAndLifted(t *testing.T) {
	d := open(t, querytest.Open(t))
	var placed, lifted Hold
	require.NoError(t, call(t, d.ServePlace, "acme", "", `{"reason": " Case  17 ", "filter": {"from": "2025-01-01", "actorId": "jane"}}`, &placed))
	require.Equal(t, "Case 17", placed.Reason)
	require.JSONEq(t, `{"actorId": "jane", "from": "2025-01-01"}`, string(placed.Filter))
	require.Equal(t, []any{"acme", "hold.placed", placed.ID, "key_1", "legal"},
		[]any{d.told[0]["tenant"], d.told[0]["eventType"], d.told[0]["targetId"], d.told[0]["actorId"], d.told[0]["actorName"]})

	var listed struct{ Holds []Hold }
	require.NoError(t, call(t, d.ServeList, "acme", "", "", &listed))
	require.Len(t, listed.Holds, 1)
	require.Nil(t, listed.Holds[0].LiftedAt)
	require.NoError(t, call(t, d.ServeList, "other", "", "", &listed))
	require.Empty(t, listed.Holds)

	// Another tenant's admin can't lift it, nobody without a reason, and not without the record.
	require.Equal(t, apierror.KindNotFound, apierror.From(call(t, d.ServeLift, "other", placed.ID, `{"reason": "x"}`, &lifted)).Kind)
	require.Equal(t, apierror.KindInvalid, apierror.From(call(t, d.ServeLift, "acme", placed.ID, `{"reason": " "}`, &lifted)).Kind)
	d.fault = errors.New("Kafka is away")
	require.Equal(t, apierror.KindUnavailable, apierror.From(call(t, d.ServeLift, "acme", placed.ID, `{"reason": "x"}`, &lifted)).Kind)
	held, err := d.Condition(t.Context())
	require.NoError(t, err)
	require.Equal(t, []tenant.ID{"acme"}, held.Tenants)
	d.fault = nil
	require.NoError(t, call(t, d.ServeLift, "acme", placed.ID, `{"reason": "closed"}`, &lifted))
	require.Equal(t, "closed", *lifted.LiftReason)
	require.Equal(t, now, *lifted.LiftedAt)
	require.Len(t, d.told, 2)
	require.Equal(t, "hold.lifted", d.told[1]["eventType"])
	require.Equal(t, apierror.KindConflict, apierror.From(call(t, d.ServeLift, "acme", placed.ID, `{"reason": "again"}`, &lifted)).Kind)
	held, err = d.Condition(t.Context())
	require.NoError(t, err)
	require.Equal(t, Condition{}, held)
	require.NoError(t, call(t, d.ServeList, "acme", "", "", &listed))
	require.Equal(t, "key_1", *listed.Holds[0].LiftedBy)
}

func TestHolds_Refused(t *testing.T) {
	d := open(t, querytest.Open(t))
	for body, field := range map[string]string{
		`{"filter": {}}`: "reason",
		`{"reason": "x", "filter": {"from": "now-30d"}}`:           "filter",
		`{"reason": "x", "filter": {"q": "createdAt:>now/d"}}`:     "filter",
		`{"reason": "x", "filter": {"actorId": "@me"}}`:            "filter.actorId",
		`{"reason": "x", "filter": {"preset": "my-key-activity"}}`: "filter.preset",
		`{"reason": "x", "filter": {"actorID": "jane"}}`:           "filter.actorID",
		`{"reason": "x", "filter": []}`:                            "filter",
		`{"reason": "x\u0000", "filter": {}}`:                      "reason",
		`{"reason": "` + strings.Repeat("x", 1001) + `"}`:          "reason",
	} {
		fault := apierror.From(call(t, d.ServePlace, "acme", "", body, nil))
		require.Equal(t, apierror.KindInvalid, fault.Kind, body)
		require.Equal(t, field, fault.Fields[0].Field, body)
	}
	require.Empty(t, d.told)
	holds, err := d.List(t.Context(), "acme")
	require.NoError(t, err)
	require.Empty(t, holds)
}

// What the condition holds is what the filters accept, of each tenant its own.
func TestCondition(t *testing.T) {
	conn := querytest.Open(t)
	d := open(t, conn)
	var events []event.Event
	for _, id := range []string{"acme", "other", "whole", "free"} {
		for n := range 4 {
			events = append(events, event.Event{
				TenantID: id, EventID: fmt.Sprintf("%s%d", id, n), EventType: []string{"login.failed", "order.paid"}[n%2], ActorID: []string{"jane", "joe"}[n/2],
				CreatedAt: now.Add(-time.Duration(n) * 24 * time.Hour), Payload: json.RawMessage(fmt.Sprintf(`{"n": %d, "it's": "Ünï"}`, n)),
			})
		}
	}
	querytest.Insert(t, conn, querytest.Rows(events...))
	found := func() []string {
		t.Helper()
		held, err := d.Condition(t.Context())
		require.NoError(t, err)
		if held.SQL == "" {
			return nil
		}
		rows, err := conn.Query(t.Context(), "SELECT event_id FROM events WHERE "+held.SQL, held.Args...)
		require.NoError(t, err)
		defer func() { _ = rows.Close() }()
		var ids []string
		for rows.Next() {
			var id string
			require.NoError(t, rows.Scan(&id))
			ids = append(ids, id)
		}
		require.NoError(t, rows.Err())
		slices.Sort(ids)
		return ids
	}
	require.Empty(t, found())
	for _, place := range []struct {
		tenant tenant.ID
		filter string
		adds   []string
	}{
		{"acme", `{"eventType": "login.*", "attr.n": ">1"}`, []string{"acme2"}},
		{"other", `{"from": "2026-11-26T00:00:00Z", "to": "2026-11-28T00:00:00Z"}`, []string{"other1", "other2"}},
		{"acme", `{"actorId": "jane", "q": "ünï -\"x'\""}`, []string{"acme0", "acme1"}},
		{"whole", `null`, []string{"whole0", "whole1", "whole2", "whole3"}},
	} {
		before := found()
		var placed Hold
		require.NoError(t, call(t, d.ServePlace, place.tenant, "", `{"reason": "x", "filter": `+place.filter+`}`, &placed))
		want := append(before, place.adds...)
		slices.Sort(want)
		require.Equal(t, want, found())
	}
	// A hold that this program can't read stops every purge.
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO legal_holds (tenant_id, id, filter, reason, version) VALUES ('free', 'h', '{"newer": "x"}', 'x', 1)`))
	_, err := d.Condition(t.Context())
	require.ErrorContains(t, err, "read the filter of hold h of tenant free")
}
