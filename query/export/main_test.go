package export

import (
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	"daybook/query/querytest"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

const acme = tenant.ID("acme")

func service(conn driver.Conn, clock *time.Time) *Service {
	return New(statement.NewReader(conn, statement.DefaultConfig()), retention.Days(365), func() time.Time { return *clock })
}

// export is an answer as a client has it.
type export struct {
	body   []byte
	header http.Header
	view   string
	next   string
	rows   int
}

// server serves the exports of acme, or of the tenant that a call names.
func server(t testing.TB, s *Service) string {
	t.Helper()
	base := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := cmp.Or(tenant.ID(r.Header.Get("X-Tenant-Id")), acme)
		err := s.ServeExport(w, r.WithContext(tenant.NewContext(r.Context(), id)))
		problem, ok := errors.AsType[*apierror.Error](err)
		switch {
		case err == nil:
		case ok && w.Header().Get("Trailer") == "":
			http.Error(w, problem.Error(), problem.Status())
		default:
			panic(http.ErrAbortHandler) // As the API's server does.
		}
	}))
	t.Cleanup(base.Close)
	return base.URL
}

// get makes an export, and checks what its end says.
func get(t *testing.T, base string, parameters url.Values) export {
	t.Helper()
	answer, err := http.Get(base + "?" + parameters.Encode())
	require.NoError(t, err)
	defer func() { require.NoError(t, answer.Body.Close()) }()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, answer.StatusCode, string(body))
	sum := sha256.Sum256(body)
	require.Equal(t, hex.EncodeToString(sum[:]), answer.Trailer.Get(SumTrailer))
	rows, err := strconv.Atoi(answer.Trailer.Get(RowsTrailer))
	require.NoError(t, err)
	return export{body: body, header: answer.Header, view: answer.Header.Get(ViewHeader), next: answer.Trailer.Get(CursorTrailer), rows: rows}
}

func (e export) lines() []string {
	if len(e.body) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(e.body), "\n"), "\n")
}

// randomEvents are spread unevenly over five months: bursts, gaps, equal times,
// ids that two producers chose.
func randomEvents(n int) []event.Event {
	r := rand.New(rand.NewPCG(1, 2))
	events := make([]event.Event, n)
	at := now
	for i := range events {
		if r.IntN(3) == 0 {
			at = at.Add(-time.Duration(r.IntN(150*24*60*60*2/n)) * time.Second * 3 / 2)
		}
		events[i] = event.Event{
			TenantID: string(acme), EventID: fmt.Sprintf("evt/%d", r.IntN(1<<40)), EventType: []string{"a", "b"}[r.IntN(2)], Category: "other",
			CreatedAt: at, Payload: fmt.Appendf(nil, `{"n": "word%d"}`, i%7), IngestedAt: at.Add(time.Millisecond).Truncate(time.Millisecond), Severity: event.Info,
		}
		if i > 0 && r.IntN(10) == 0 {
			events[i] = events[i-1]
			events[i].Source += "ü"
		}
	}
	return events
}

func sorted(events []event.Event) []event.Event {
	events = slices.Clone(events)
	slices.SortFunc(events, func(a, b event.Event) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.EventID, b.EventID), cmp.Compare(a.Source, b.Source))
	})
	return events
}

func lines(events []event.Event) (out []string) {
	for i := range events {
		out = append(out, string(event.AppendJSON(nil, &events[i])))
	}
	return out
}

// rowsFrom gives events the offsets from first on, in turn in three partitions.
func rowsFrom(first int, events ...event.Event) []querytest.Row {
	rows := querytest.Rows(events...)
	for i := range rows {
		rows[i].Position = event.Position{Partition: int32((first + i) % 3), Offset: int64((first + i) / 3)}
	}
	return rows
}

func unzip(t *testing.T, body []byte) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(string(body)))
	require.NoError(t, err)
	plain, err := io.ReadAll(reader)
	require.NoError(t, err)
	return string(plain)
}
