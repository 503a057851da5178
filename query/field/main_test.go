package field

import (
	"encoding/json"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/openapi/openapitest"
	"daybook/query/querytest"
	"daybook/query/rollup"
	"daybook/query/search"
	"daybook/query/statement"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC)

const acme = tenant.ID("acme")

var scope = filter.Scope{Tenant: acme, Oldest: now.Add(-50 * 24 * time.Hour)}

func newService(conn driver.Conn) *Service {
	reader := statement.NewReader(conn, statement.DefaultConfig())
	clock := func() time.Time { return now }
	return New(reader, retention.Days(50), clock, search.New(reader, retention.Days(50), clock, nil))
}

type shares []struct {
	Type  string  `json:"type"`
	Share float64 `json:"share"`
}

func (s shares) of(name string) float64 {
	for _, t := range s {
		if t.Type == name {
			return t.Share
		}
	}
	return 0
}

type answeredField struct {
	Name     string   `json:"name"`
	Short    string   `json:"short"`
	Types    shares   `json:"types"`
	Elements shares   `json:"elements"`
	Events   int      `json:"events"`
	Share    float64  `json:"share"`
	Examples []string `json:"examples"`
}

// answer is what either call answers, as its reader sees it.
type answer struct {
	Fields []answeredField `json:"fields"`
	Field  string          `json:"field"`
	Values []struct {
		Value string `json:"value"`
		Count int    `json:"count"`
	} `json:"values"`
	More   bool `json:"more"`
	Sample struct {
		Events int  `json:"events"`
		Of     *int `json:"of"`
		Whole  bool `json:"whole"`
	} `json:"sample"`
	Meta struct {
		Source  string `json:"source"`
		Partial bool   `json:"partial"`
	} `json:"meta"`
}

func (a *answer) field(name string) answeredField {
	for _, f := range a.Fields {
		if f.Name == name {
			return f
		}
	}
	return answeredField{}
}

func (a *answer) names() []string {
	names := make([]string, len(a.Fields))
	for i, f := range a.Fields {
		names[i] = f.Name
	}
	return names
}

func get(t testing.TB, s *Service, call, query string) (*answer, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(tenant.NewContext(t.Context(), acme), "GET", "/api/v1/events/"+call+"?"+query, nil)
	r.Header.Set("Authorization", "Bearer key")
	w := httptest.NewRecorder()
	serve := s.ServeFields
	if call == "values" {
		serve = s.ServeValues
	}
	if err := serve(w, r); err != nil {
		return nil, err
	}
	openapitest.Check(t, r, nil, w.Result(), w.Body.Bytes())
	var a answer
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a), w.Body.String())
	require.Equal(t, !a.Sample.Whole, a.Meta.Partial)
	return &a, nil
}

func TestGolden(t *testing.T) {
	var out querytest.Golden
	f := &filter.Filter{}
	critical := filter.Is("source", "billing").And(&filter.Filter{From: filter.Moment{Time: now.Add(-72 * time.Hour)}, To: filter.Moment{Time: now}})
	_, b := densityStatement(scope, f, true)
	out.Add("density by type", b)
	_, b = densityStatement(scope, critical, false)
	out.Add("density of a filter", b)
	windows := []window{{now.Add(-2 * time.Hour), now.Add(-time.Hour)}, {from: now.Add(-time.Minute)}}
	out.Add("sample", sampleStatement(scope, f, windows, nil, 250))
	out.Add("sample of types", sampleStatement(scope, critical, windows[:1], []string{"a", "b"}, rareEvents))
	subject := func(name string) filter.Valued {
		s, ok := filter.ParseValued(name)
		require.True(t, ok)
		return s
	}
	r := &request{filter: f, typed: typed{prefix: "log", within: "é"}, limit: 20}
	out.Add("values of a rollup", rollupStatement(scope, subject("eventType"), r, rollup.Choose(scope, f, []string{"event_type"}, nil)))
	out.Add("values of a column", eventsStatement(scope, subject("actorId"), r, windows[0]))
	out.Add("values of a path", eventsStatement(scope, subject(`payload.a\.b.c`), r, windows[1]))
	r = &request{filter: critical, typed: typed{prefix: "cust"}, limit: 20}
	out.Add("values of a path by the text index", eventsStatement(scope, subject("payload.customer"), r, windows[0]))
	out.Check(t, "fields.golden")
}
