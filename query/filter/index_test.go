package filter

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/querytest"
)

// schemaIndexes are the indexes of the schema by the names that answers give them.
var schemaIndexes = map[string]string{
	"eventId": "ix_event", "correlationId": "ix_correlation", "actorId": "ix_actor", "targetId": "ix_target", "text": "ix_text",
}

// plan is what EXPLAIN tells of a read.
type plan struct {
	indexes  []string // of the schema, that were looked at
	byKey    int      // granules that the key leaves
	read     int      // granules that are read
	text     string
	constant bool // nothing is read: the condition is false by itself
}

var (
	planIndex    = regexp.MustCompile(`Name: (ix_\w+)`)
	planByKey    = regexp.MustCompile(`(?s)PrimaryKey.*?Granules: (\d+)/\d+`)
	planGranules = regexp.MustCompile(`Granules: (\d+)(?:\n|$)`)
)

func explain(t testing.TB, conn driver.Conn, f *Filter) plan {
	t.Helper()
	statement, args := f.selectIDs()
	rows, err := conn.Query(t.Context(), "EXPLAIN indexes = 1 "+statement, args...)
	require.NoError(t, err, statement)
	defer func() { require.NoError(t, rows.Close()) }()
	var text strings.Builder
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		text.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	p := plan{text: text.String(), constant: !strings.Contains(text.String(), "ReadFromMergeTree")}
	for _, name := range planIndex.FindAllStringSubmatch(p.text, -1) {
		p.indexes = append(p.indexes, name[1])
	}
	number := func(pattern *regexp.Regexp) int {
		found := pattern.FindStringSubmatch(p.text)
		if found == nil {
			return 0
		}
		n, err := strconv.Atoi(found[1])
		require.NoError(t, err)
		return n
	}
	p.byKey, p.read = number(planByKey), number(planGranules)
	return p
}

// mergedParts stores rows in blocks and merges these, and then two blocks more: as a
// store has them that is at work.
func mergedParts(t testing.TB, conn driver.Conn, rows []querytest.Row) {
	t.Helper()
	const blocks = 6
	size := (len(rows) + blocks - 1) / blocks
	i := 0
	for block := range slices.Chunk(rows, size) {
		querytest.Insert(t, conn, block)
		if i++; i == blocks-2 {
			require.NoError(t, conn.Exec(t.Context(), "OPTIMIZE TABLE events FINAL"))
		}
	}
	var merged uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM system.parts WHERE database = currentDatabase() AND table = 'events' AND active AND level > 0").Scan(&merged))
	require.Positive(t, merged)
}

// Each way to ask for a text or an id reads the few granules that have it, and
// finds what it finds without indexes.
func TestIndexes_EveryTextFilter(t *testing.T) {
	conn := querytest.Open(t)
	const events = 60_000
	rows := make([]querytest.Row, events)
	for i := range rows {
		rows[i] = querytest.Row{Event: event.Event{
			TenantID: string(testScope.Tenant), EventID: fmt.Sprintf("evt-%d", i), CorrelationID: fmt.Sprintf("req-%d", i), ActorID: fmt.Sprintf("user-%d", i%5000),
			TargetID: fmt.Sprintf("inv-%d", i), EventType: "a.b", CreatedAt: now.Add(-time.Duration(i) * time.Second),
			Payload: fmt.Appendf(nil, `{"note": "nothing to see", "n": %d}`, i),
		}, Position: event.Position{Offset: int64(i)}}
	}
	rows[31_000].Event = event.Event{
		TenantID: string(testScope.Tenant), EventID: "evt_abc123", CorrelationID: "req_jkl012", ActorID: "jane@example.com", TargetID: "inv_def456", EventType: "x.y",
		CreatedAt: rows[31_000].CreatedAt,
		Payload: []byte(`{"note": "The xylophone card was DECLINED", "by": "Jane.Doe+test@example.co.uk", "order": "3F2504E0-4F89-41D3-9A0C-0305E82C3301",
			"path": "\/var\/log\/Daybook\/query.log", "url": "https://example.com/a?b=1#c", "name": "\u017dlu\u0165ou\u010dk\u00fd k\u016f\u0148", "greeting": "ПРИВЕТ, мир",
			"place": "東京都千代田区", "street": "Königstraße 5", "emoji": "ok 👩‍🚀🚀🚀🚀", "percent": "50%_off", "back": "C:\\Temp\\x", "amount": 123456.78}`),
	}
	mergedParts(t, conn, rows)
	for query, index := range map[string]string{
		"q=xylophone":                            "text",
		"q=XYLOPHONE":                            "text",
		"q=ylopho":                               "text",
		`q="card was declined"`:                  "text",
		`q="CARD was Declined" OR q_q_q_q`:       "text",
		"q=jane.doe%2Btest@example.co.uk":        "text",
		"q=doe%2BTEST@exam":                      "text",
		"q=3f2504e0-4f89-41d3-9a0c-0305e82c3301": "text",
		"q=E0-4F89-41":                           "text",
		"q=/var/log/daybook":                     "text",
		"q=log/Daybook/quer":                     "text",
		"q=https://example.com/a?b":              "text",
		"q=žluťoučký":                            "text",
		"q=ŽLUŤOUČKÝ":                            "text",
		"q=LUŤOU":                                "text",
		"q=привет":                               "text",
		"q=РИВЕ":                                 "text",
		"q=東京都千代":                                "text",
		"q=京都千代":                                 "text",
		"q=königstraẞe":                          "text",
		"q=🚀🚀🚀🚀":                                 "text",
		"q=50%25_off":                            "text",
		`q="c:\temp\x"`:                          "text",
		`q="\"amount\": 123456.78"`:              "text",
		"q=123456.78 -nothing":                   "text",
		"q=-(-xylophone)":                        "text",
		"attr.note=*xylophone*":                  "text",
		"attr.by=Jane.Doe%2Btest@example.co.uk":  "text",
		"q=payload.place:東京都千代田区":                "text",
		"eventId=evt_abc123":                     "eventId",
		"q=id:(evt_abc123 OR evt_nosuch)":        "eventId",
		"correlationId=req_jkl012":               "correlationId",
		"actorId=jane@example.com":               "actorId",
		"actorId=jane@example.com&actorId=x":     "actorId",
		"targetId=inv_def456&severity=INFO":      "targetId",
		"q=xylophone OR actor:jane@example.com":  "actorId text",
		"q=target:inv_def456 OR id:evt_abc123":   "eventId targetId",
	} {
		f, err := Parse(parameters(t, query), now.Add(time.Hour))
		require.NoError(t, err, query)
		require.Equal(t, index, strings.Join(f.Indexes(), " "), query)
		p := explain(t, conn, f)
		for _, name := range f.Indexes() {
			require.Contains(t, p.indexes, schemaIndexes[name], "%s\n%s", query, p.text)
		}
		require.Greater(t, p.byKey, 25, "%s\n%s", query, p.text)
		if index == "actorId text" {
			// Of four granules that the index on texts leaves out together, ClickHouse
			// counts one where another index is an alternative.
			require.Less(t, p.read, p.byKey, "%s reads too much\n%s", query, p.text)
		} else {
			require.LessOrEqual(t, p.read, 8, "%s reads too much\n%s", query, p.text)
		}
		statement, args := f.selectIDs()
		require.Equal(t, []string{"evt_abc123"}, queryIDs(t, conn, statement, args), query)
		require.Equal(t, []string{"evt_abc123"}, queryIDs(t, conn, statement+withoutIndexes, args), query)
	}
}

const withoutIndexes = " SETTINGS use_skip_indexes = 0, use_query_condition_cache = 0"

// What Indexes says of any filter is what ClickHouse does with it: where all
// texts and ids are unknown, a filter that an index narrows reads next to nothing,
// and every other filter all that its times allow.
func TestIndexes_AreClickHouses(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 4))}
	conn := querytest.Open(t)
	rows := make([]querytest.Row, 24_000)
	for i := range rows {
		rows[i] = querytest.Row{Event: event.Event{
			TenantID: string(testScope.Tenant), EventID: fmt.Sprintf("~%d", i), CorrelationID: "~", ActorID: "~", TargetID: "~", CreatedAt: now.Add(-time.Duration(i) * time.Second), Payload: []byte(`{"~":"~~~~~~"}`),
		}, Position: event.Position{Offset: int64(i)}}
	}
	mergedParts(t, conn, rows)
	narrowed, wide := 0, 0
	for range *agreeCases / 4 {
		query := g.filter()
		for _, name := range []string{"from", "to"} {
			query.Del(name)
		}
		f, err := ParseRequest(g.asking(t.Context()), query, now)
		require.NoError(t, err)
		p := explain(t, conn, f)
		about := fmt.Sprintf("%v\n%v\n%s", query, f.Indexes(), p.text)
		if p.constant || p.byKey == 0 {
			continue
		}
		if f.Indexes() == nil {
			require.Equal(t, p.byKey, p.read, about)
			wide++
			continue
		}
		narrowed++
		require.Less(t, p.read, p.byKey, about)
		for _, name := range f.Indexes() {
			require.Contains(t, p.indexes, schemaIndexes[name], about)
		}
	}
	require.Greater(t, narrowed, *agreeCases/40)
	require.Greater(t, wide, *agreeCases/40)
}

func BenchmarkIndexes(b *testing.B) {
	f, err := Parse(url.Values{"q": {"refund jane@example.com -test (actor:x OR target:y)"}, "severity": {"WARN+"}}, now)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		f.Indexes()
	}
}
