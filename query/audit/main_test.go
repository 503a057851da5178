package audit

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/openapi/openapitest"
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

const acme = tenant.ID("acme")

// log is a store with its audit log, and what was recorded of reads.
type log struct {
	*Service
	conn  driver.Conn
	clock time.Time

	mu     sync.Mutex // guards what follows
	reads  []event.Event
	refuse error
}

func open(t *testing.T) *log {
	t.Helper()
	l := &log{conn: querytest.Open(t), clock: now}
	decoder, err := event.NewDecoder(event.DefaultConfig())
	require.NoError(t, err)
	l.Service = New(statement.NewReader(l.conn, statement.DefaultConfig()), retention.Days(365), func() time.Time { return l.clock },
		func(_ context.Context, id tenant.ID, raw []byte) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if l.refuse != nil {
				return l.refuse
			}
			_, e, err := decoder.Prepare(raw, string(id), l.clock, func() string { return "read_" + l.clock.Format("150405.000000") })
			if err == nil {
				l.reads = append(l.reads, e)
			}
			return err
		})
	return l
}

// store puts events into the store, as ingest does.
func (l *log) store(t *testing.T, events ...event.Event) {
	t.Helper()
	for i := range events {
		if events[i].TenantID == "" {
			events[i].TenantID = string(acme)
		}
		if events[i].Category == "" {
			events[i].Category = event.CategoryAuth
		}
	}
	querytest.Insert(t, l.conn, querytest.Rows(events...))
}

// get makes a call with the key k1 of acme.
func (l *log) get(t *testing.T, path string) (answer map[string]any, err error) {
	t.Helper()
	target, err := url.Parse(path)
	require.NoError(t, err)
	ctx := auth.NewContext(tenant.NewContext(t.Context(), acme), auth.Principal{KeyID: "k1", Name: "support", Tenant: acme})
	request := httptest.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	request.Header.Set("Authorization", "Bearer k1")
	recorder := httptest.NewRecorder()
	recorder.Header().Set("X-Request-Id", "req-1")
	mux := map[string]func(http.ResponseWriter, *http.Request) error{
		"/api/audit": l.ServeList, "/api/audit/events": l.ServeEventTypes, "/api/audit/{id}": l.ServeEvent, "/api/users/{id}/audit": l.ServeUser,
	}
	routes := http.NewServeMux()
	for pattern, serve := range mux {
		routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { err = serve(w, r) })
	}
	routes.ServeHTTP(recorder, request)
	if err == nil {
		openapitest.Check(t, request, nil, recorder.Result(), recorder.Body.Bytes())
		require.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
		require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &answer), recorder.Body)
	}
	return answer, err
}

func problemOf(t *testing.T, err error) *apierror.Error {
	t.Helper()
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	return problem
}

var errAway = errors.New("no broker")
