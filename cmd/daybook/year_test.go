package main

import (
	"bufio"
	"context"
	"encoding/json"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/ingest/archive"
	"daybook/ingest/purge"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/auth"
	"daybook/pkg/event"
	"daybook/pkg/generate"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query"
	"daybook/query/querytest"
	"daybook/query/statement"
	"daybook/schema"

	layout "daybook/pkg/archive"
)

// yearSize is how much TestYear has: YEAR_EVENTS=5000000 makes it 20 tenants and 365 days.
func yearSize(t *testing.T) (events, tenants, days int) {
	t.Helper()
	text := os.Getenv("YEAR_EVENTS")
	if text == "" {
		return 20_000, 4, 20
	}
	events, err := strconv.Atoi(text)
	require.NoError(t, err)
	return events, 20, 365
}

// contents is what there is of a tenant, whatever the order: how many events, and
// sums over hashes of ids and of payloads' bytes.
type contents struct{ events, ids, payloads uint64 }

func (c *contents) add(id string, payload []byte) {
	sum := func(b []byte) uint64 {
		h := fnv.New64a()
		_, _ = h.Write(b)
		return h.Sum64()
	}
	c.events++
	c.ids += sum([]byte(id))
	c.payloads += sum(append([]byte(id), payload...))
}

// A year of events is archived, verified, purged by moving the clock, searched in the
// archive, restored, and equal.
func TestYear_ArchivedPurgedSearchedRestored(t *testing.T) {
	n, tenants, days := yearSize(t)
	gateway := archivetest.Start(t)
	places := layout.Places{All: gateway.Place("the-year")}
	conn := querytest.Open(t)
	const shown = 365
	written := time.Now().UTC().Truncate(24 * time.Hour)
	began := time.Now()
	lap := func(what string) {
		t.Logf("%s: %s", what, time.Since(began).Round(time.Millisecond))
		began = time.Now()
	}

	was := generateInto(t, conn, generate.Config{Seed: 1, Events: n, Tenants: tenants, Days: days, End: written})
	require.Len(t, was, tenants)
	lap("stored")

	var mu sync.Mutex
	clock := written.Add(12 * time.Hour)
	now := func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		return clock
	}
	later := func(by time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		clock = clock.Add(by)
	}
	runner := archive.New(archive.Config{Places: places, Delay: 6 * time.Hour, Restored: 30 * 24 * time.Hour, Writer: "daybook test"},
		archive.Deps{Conn: conn, Retention: retention.Days(shown), Log: zaptest.NewLogger(t), Now: now})
	t.Cleanup(runner.Close)
	var told struct {
		Rows     uint64 `json:"rows"`
		Archived uint64 `json:"archived"`
	}
	purger := purge.New(purge.Deps{
		Conn: conn, Settings: retention.Days(shown), Archive: purge.Archive{Enabled: true, Required: true}, Now: now,
		Holds: func(context.Context) (purge.Held, error) { return purge.Held{}, nil },
		Publish: func(_ context.Context, _ tenant.ID, raw []byte) error {
			var e struct {
				Payload struct {
					Table    string `json:"table"`
					Rows     uint64 `json:"rows"`
					Archived uint64 `json:"archived"`
				} `json:"payload"`
			}
			require.NoError(t, json.Unmarshal(raw, &e))
			told.Rows, told.Archived = told.Rows+e.Payload.Rows, told.Archived+e.Payload.Archived
			return nil
		},
		Registry: prometheus.NewRegistry(), Log: zaptest.NewLogger(t),
	})

	report, err := runner.Archive(t.Context(), archive.Range{}, nil)
	require.NoError(t, err)
	require.EqualValues(t, n, report.Events)
	lap("archived")
	verified, err := runner.Verify(t.Context(), archive.Range{}, nil)
	require.NoError(t, err)
	require.Empty(t, verified.Faults)
	require.EqualValues(t, n, verified.Events)
	lap("verified")

	require.NoError(t, purger.Purge(t.Context()))
	require.EqualValues(t, n, count(t, conn, schema.Events), "nothing has expired yet")
	later((shown + 2) * 24 * time.Hour)
	require.NoError(t, purger.Purge(t.Context()))
	for _, table := range []string{schema.Events, schema.Events1m, schema.Events15m} {
		require.Zero(t, count(t, conn, table), table)
	}
	require.EqualValues(t, n, told.Rows)
	require.EqualValues(t, n, told.Archived)
	lap("purged")

	base := serveYear(t, conn, places, now)
	check := func(what string) {
		t.Helper()
		for id, want := range was {
			require.Zero(t, exported(t, base, id, ""), "%s: expired events are shown without include=archive", what)
			require.Equal(t, want, exported(t, base, id, "archive"), "%s: %s", what, id)
			require.EqualValues(t, want.events, total(t, base, id), "%s: the histogram of %s", what, id)
		}
	}
	check("from the files")
	lap("exported and counted from the files")
	back, err := runner.Restore(t.Context(), archive.Range{}, 0, nil)
	require.NoError(t, err)
	require.EqualValues(t, n, back.Events)
	lap("restored")
	gateway.Stop() // What is restored needs no bucket.
	check("restored")
	lap("exported and counted from the store")
}

func count(t *testing.T, conn driver.Conn, table string) (n uint64) {
	t.Helper()
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM "+table).Scan(&n))
	return n
}

// generateInto stores generated events as ingest does, and returns what each tenant has.
func generateInto(t *testing.T, conn driver.Conn, c generate.Config) map[tenant.ID]contents {
	t.Helper()
	decoder, err := event.NewDecoder(event.Config{MaxEventBytes: event.DefaultConfig().MaxEventBytes, RetentionDays: 1000})
	require.NoError(t, err)
	g := generate.New(c)
	was := map[tenant.ID]contents{}
	var rows []querytest.Row
	for offset := int64(0); ; offset++ {
		value, _, _, ok := g.Next(nil)
		if ok {
			var e event.Event
			require.NoError(t, decoder.Decode(&event.Message{Value: value, Time: c.End, Topic: querytest.Topic, Position: event.Position{Offset: offset}}, &e))
			id := tenant.ID(e.TenantID)
			of := was[id]
			of.add(e.EventID, e.Payload)
			was[id] = of
			rows = append(rows, querytest.Row{Event: e, Position: event.Position{Offset: offset}})
		}
		if len(rows) == 50_000 || !ok && len(rows) > 0 {
			querytest.Insert(t, conn, rows)
			rows = rows[:0]
		}
		if !ok {
			return was
		}
	}
}

// yearKeys knows a key by the tenant that it names.
type yearKeys struct{}

func (yearKeys) Verify(_ context.Context, key string) (auth.Principal, error) {
	return auth.Principal{KeyID: key, Tenant: tenant.ID(key), Scopes: []auth.Scope{auth.ScopeEventsRead}}, nil
}

// serveYear serves the API on a store, with a clock.
func serveYear(t *testing.T, conn driver.Conn, places layout.Places, now func() time.Time) string {
	t.Helper()
	none := func(c echo.Context) error { return c.NoContent(http.StatusTeapot) }
	limits := statement.DefaultConfig()
	limits.MaxDuration = 2 * time.Minute // On machines that do other work.
	return querytest.Serve(t, yearKeys{}, query.Routes(query.Deps{
		Conn: conn, Limits: limits, Kept: retention.Days(365), Now: now, Intake: none, Stream: none, Archive: true, Places: places,
	}))
}

// askYear calls the API for a tenant, and reads the answer.
func askYear(t *testing.T, base, path string, id tenant.ID, query url.Values, read func(io.Reader)) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, base+path+"?"+query.Encode(), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+string(id))
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	read(response.Body)
}

// exported returns what an export has of a tenant.
func exported(t *testing.T, base string, id tenant.ID, include string) (c contents) {
	t.Helper()
	query := url.Values{"format": {"ndjson"}}
	if include != "" {
		query.Set("include", include)
	}
	askYear(t, base, "/api/v1/events/export", id, query, func(body io.Reader) {
		lines := bufio.NewScanner(body)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			var e struct {
				EventID  string          `json:"eventId"`
				Payload  json.RawMessage `json:"payload"`
				Archived bool            `json:"archived"`
			}
			require.NoError(t, json.Unmarshal(lines.Bytes(), &e))
			if e.EventID == "" {
				continue // The summary at the end.
			}
			require.True(t, e.Archived, lines.Text())
			c.add(e.EventID, e.Payload)
		}
		require.NoError(t, lines.Err())
	})
	return c
}

// total returns how many events the histogram of all times has.
func total(t *testing.T, base string, id tenant.ID) (n uint64) {
	t.Helper()
	var answer struct {
		Total uint64 `json:"total"`
	}
	askYear(t, base, "/api/v1/events/histogram", id, url.Values{"include": {"archive"}, "from": {"now-1000d"}}, func(body io.Reader) {
		require.NoError(t, json.NewDecoder(body).Decode(&answer))
	})
	return answer.Total
}
