package query

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"daybook/pkg/event"
	"daybook/query/openapi/openapitest"
	"daybook/query/querytest"
	"daybook/query/statement"
)

// token is in what hostile requests send, and in nothing else.
const token = "zq7x0kfw"

// canary is in what another tenant has stored, and in nothing else.
const canary = "canary5d1e"

// listening is connections that notice what the server reads as a statement.
type listening struct {
	driver.Conn

	mu    sync.Mutex // guards said
	said  map[string]bool
	count int
}

// parameterised is what clickhouse-go itself looks for: a statement with
// parameters goes to the server as it is, and they go beside it.
var parameterised = regexp.MustCompile(`{.+:.+}`)

func (l *listening) hear(text string, args []any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(args) > 0 && !parameterised.MatchString(text) {
		text = fmt.Sprint("clickhouse-go would write the values into it: ", text, args)
	}
	l.said[text] = true
	l.count++
}

func (l *listening) Query(ctx context.Context, text string, args ...any) (driver.Rows, error) {
	l.hear(text, args)
	return l.Conn.Query(ctx, text, args...)
}

func (l *listening) QueryRow(ctx context.Context, text string, args ...any) driver.Row {
	l.hear(text, args)
	return l.Conn.QueryRow(ctx, text, args...)
}

func (l *listening) Select(ctx context.Context, into any, text string, args ...any) error {
	l.hear(text, args)
	return l.Conn.Select(ctx, into, text, args...)
}

func (l *listening) Exec(ctx context.Context, text string, args ...any) error {
	l.hear(text, args)
	return l.Conn.Exec(ctx, text, args...)
}

func (l *listening) PrepareBatch(ctx context.Context, text string, options ...driver.PrepareBatchOption) (driver.Batch, error) {
	l.hear(text, nil)
	return l.Conn.PrepareBatch(ctx, text, options...)
}

// tables describes the database: what is there, how it is made, and how many
// events the other tenant has.
func tables(t *testing.T, conn driver.Conn) string {
	t.Helper()
	var described string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT arrayStringConcat(arraySort(groupArray(concat(name, ' ', create_table_query))), '\n') FROM system.tables WHERE database = currentDatabase()").Scan(&described))
	var events uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM events WHERE tenant_id = 'other'").Scan(&events))
	return fmt.Sprint(described, "\n", events)
}

// Every part of every call is sent what does not belong there. The answer is
// an answer or a problem that names the part; the store never sees a value in the text of a statement;
// and nobody sees what is another tenant's.
func TestRoutes_HostileRequests(t *testing.T) {
	limits := statement.DefaultConfig()
	limits.MaxExports = 100 // None of these is to be refused for others that run.
	var events []event.Event
	for i := range 50 {
		mine := event.Event{
			TenantID: "acme", EventID: fmt.Sprint("mine-", i), EventType: "user_login", Category: event.CategoryAuth, Source: "web", ActorType: "USER", ActorID: openapitest.Known,
			CorrelationID: "chain", CreatedAt: now.Add(-time.Duration(i) * time.Minute), Payload: []byte(`{"amount":1.5,"currency":"USD"}`),
		}
		if i == 0 {
			mine.EventID = openapitest.Known
		}
		theirs := mine
		theirs.TenantID, theirs.EventID, theirs.ActorName, theirs.Payload = "other", canary+mine.EventID, canary, []byte(`{"amount":1.5,"word":"`+canary+`"}`)
		theirs.EventType, theirs.TargetID, theirs.UserAgent = "user_login."+canary, canary, canary
		events = append(events, mine, theirs)
	}
	conn := &listening{Conn: querytest.Open(t), said: map[string]bool{}}
	base := serveOn(t, conn, limits, events...)
	_, _, made := send(t, "other/admin", "POST", base+"/api/v1/presets", "", `{"name": "`+canary+`", "filter": {"q": "`+canary+`"}, "shared": true}`)
	require.Equal(t, canary, made["name"])
	before := tables(t, conn)
	conn.said = map[string]bool{}

	patience := &http.Client{Timeout: limits.MaxDuration + 5*time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 4}}
	defer patience.CloseIdleConnections()
	var group errgroup.Group
	group.SetLimit(4)
	statuses, sent := map[int]int{}, 0
	var faults []string
	var mu sync.Mutex // guards statuses and faults
	for h := range openapitest.Hostiles(t, token) {
		if strings.HasPrefix(h.Operation.Path, "/api/v1/keys") || strings.HasPrefix(h.Operation.Path, "/api/v1/deadletters") || h.Operation.Method+h.Operation.Path == "POST/api/v1/events" {
			continue // They are not the real ones here: see TestServe_HostileRequests.
		}
		sent++
		group.Go(func() error {
			status, err := attempt(t.Context(), t, patience, base, h)
			mu.Lock()
			defer mu.Unlock()
			if statuses[status]++; err != nil {
				faults = append(faults, err.Error())
			}
			return nil
		})
	}
	require.NoError(t, group.Wait())
	t.Logf("%d requests, %d statements of %d forms, answers by status: %v", sent, conn.count, len(conn.said), statuses)

	require.Empty(t, faults)
	require.Greater(t, conn.count, 1000, "most requests must get as far as the store")
	for text := range conn.said {
		require.NotContains(t, text, token)
		require.NotContains(t, text, "the values into it")
		require.NotContains(t, text, "DROP")
	}
	require.Equal(t, before, tables(t, conn))
}

// attempt sends a hostile request and returns what is wrong with its answer.
func attempt(ctx context.Context, t *testing.T, client *http.Client, base string, h openapitest.Hostile) (int, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, h.Operation.Method, base+h.Target, strings.NewReader(h.Body))
	if err != nil {
		return 0, fmt.Errorf("%s %.300s: %w", h.Operation.Method, h.Target, err)
	}
	maps.Copy(request.Header, h.Header)
	request.Header.Set("Authorization", "Bearer acme/admin")
	answer, err := client.Do(request)
	if err != nil {
		return 0, fmt.Errorf("%s %.300s: %w", h.Operation.Method, h.Target, err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusTeapot { // Which stands for the live stream.
		err = openapitest.CheckHostile(t, h, request, answer, body)
	}
	if err == nil && strings.Contains(string(body), canary) {
		err = fmt.Errorf("shows what is another tenant's: %.500s", body)
	}
	if err != nil {
		return 0, fmt.Errorf("%s %.300s, %s = %.100q, body %.300q: answered %d: %w", h.Operation.Method, h.Target, h.Part, h.Value, h.Body, answer.StatusCode, err)
	}
	return answer.StatusCode, nil
}

// What is no request is answered before any call, and does no harm.
func TestRoutes_NoRequests(t *testing.T) {
	base := serve(t, statement.DefaultConfig())
	const end = "Host: x\r\nAuthorization: Bearer acme/admin\r\n\r\n"
	for _, test := range []struct {
		name, sent string
		status     int
	}{
		{"a NUL in a header", "GET /api/v1/events HTTP/1.1\r\nX-Tenant-Id: a\x00\r\n" + end, 400},
		{"a line feed in the path", "GET /api/v1/ev\nents HTTP/1.1\r\n" + end, 400},
		{"a broken escape in the path", "GET /api/v1/events/%zz HTTP/1.1\r\n" + end, 400},
		{"no host", "GET /api/v1/events HTTP/1.1\r\n\r\n", 400},
		{"more headers than are read", "GET /api/v1/events?q=" + strings.Repeat("x", 100_000) + " HTTP/1.1\r\n" + end, 431},
		{"two lengths", "POST /api/v1/presets HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n" + end, 400},
		{"a length and chunks", "POST /api/v1/presets HTTP/1.1\r\nContent-Length: x\r\nTransfer-Encoding: chunked\r\n" + end, 400},
		{"raw bytes in the path", "GET /api/v1/events/\xff\xfe HTTP/1.1\r\n" + end, 404},
		{"raw bytes in a parameter", "GET /api/v1/events?q=\xff HTTP/1.1\r\n" + end, 400},
		{"another protocol", "\x16\x03\x01\x02\x00\x01\r\n\r\n", 400},
	} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(base, "http://"))
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
		_, err = io.WriteString(conn, test.sent)
		require.NoError(t, err, test.name)
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err, test.name)
		require.Equal(t, test.status, answer.StatusCode, test.name)
		require.NoError(t, answer.Body.Close())
		require.NoError(t, conn.Close())
	}
	status, _ := call(t, "acme/admin", "GET", base+"/api/v1/events", "")
	require.Equal(t, http.StatusOK, status)
}
