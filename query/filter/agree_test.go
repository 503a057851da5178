package filter

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/query/querytest"
	"daybook/schema"
)

var agreeCases = flag.Int("agree-cases", 500, "random filters that the matcher and ClickHouse are asked")

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

// TestAgree asks ClickHouse with its indexes and without, the matcher, and an
// evaluation that is as plain as can be, the same random filters about the same random events.
func TestAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	conn := querytest.Open(t)

	// In blocks, so that the indexes have something to leave out; some are merged meanwhile.
	events := make([]*event.Event, 400)
	plain := make([]naiveEvent, len(events))
	for i := range events {
		events[i] = g.event(i)
		plain[i] = newNaiveEvent(events[i])
	}
	for block := range slices.Chunk(events, 100) {
		rows := make([]querytest.Row, len(block))
		for i, e := range block {
			rows[i] = querytest.Row{Event: *e}
		}
		querytest.Insert(t, conn, rows)
	}

	matched := 0
	for range *agreeCases {
		query := g.filter()
		f, err := ParseRequest(g.asking(t.Context()), query, now)
		require.NoError(t, err, "%v", query)
		statement, args := f.selectIDs()
		finds := set(queryIDs(t, conn, statement, args))
		scans := set(queryIDs(t, conn, statement+withoutIndexes, args))
		for i, e := range events {
			matches, plainly, found, scanned := f.Match(e), naive(f, plain[i]), finds[e.EventID], scans[e.EventID]
			if matches != plainly || matches != found || matches != scanned {
				require.Fail(t, "the answers differ", "in memory %t, plainly %t, in SQL %t, without indexes %t\n%v\n%s\n%v\n%+v\n%s",
					matches, plainly, found, scanned, query, statement, args, e, e.Payload)
			}
			if matches {
				matched++
			}
		}
	}
	t.Logf("%d filters, each over %d events: %d matches", *agreeCases, len(events), matched)
	require.Greater(t, matched, *agreeCases, "random filters hardly ever match: they test nothing")
}

// TestNumbersAgree holds what ClickHouse makes of payloads that come without their
// numbers against what ingest writes beside them.
func TestNumbersAgree(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	conn := querytest.Open(t)
	payloads := map[string][]byte{}
	var rows []querytest.Row
	for i := range 2000 {
		e := g.event(i)
		payloads[e.EventID] = e.Payload
		rows = append(rows, querytest.Row{Event: *e})
	}
	querytest.Insert(t, conn, rows)

	stored, err := conn.Query(t.Context(), "SELECT event_id, CAST("+schema.Numbers+".keys, 'Array(String)'), "+schema.Numbers+".values FROM events")
	require.NoError(t, err)
	defer func() { require.NoError(t, stored.Close()) }()
	numbers, without := 0, 0
	for stored.Next() {
		var id string
		var names []string
		var values []float64
		require.NoError(t, stored.Scan(&id, &names, &values))
		ours := event.AppendNumbers(nil, payloads[id])
		require.Len(t, names, len(ours), "%s", payloads[id])
		for i, n := range ours {
			require.Equal(t, names[i], string(n.Name), "%s", payloads[id])
			require.Equal(t, math.Float64bits(values[i]), math.Float64bits(n.Value), "%s of %s: %v and %v", n.Name, payloads[id], values[i], n.Value)
		}
		if numbers += len(ours); !event.Addressable(payloads[id]) {
			without++
		}
		delete(payloads, id)
	}
	require.NoError(t, stored.Err())
	require.Empty(t, payloads)
	require.Greater(t, numbers, 500, "random payloads hardly ever have numbers: they test nothing")
	require.Greater(t, without, 20, "and some have to be beyond ClickHouse")
}

func set(ids []string) map[string]bool {
	in := map[string]bool{}
	for _, id := range ids {
		in[id] = true
	}
	return in
}

func (f *Filter) selectIDs() (string, []any) {
	var b Builder
	b.Write("SELECT event_id FROM events WHERE ")
	f.Where(&b, testScope)
	return b.Statement()
}

func queryIDs(t *testing.T, conn driver.Conn, statement string, args []any) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), statement, args...)
	require.NoError(t, err, "%s\n%v", statement, args)
	defer func() { require.NoError(t, rows.Close()) }()
	var ids []string
	for rows.Next() {
		var id string
		require.NoError(t, rows.Scan(&id))
		ids = append(ids, id)
	}
	require.NoError(t, rows.Err())
	return ids
}

// generator makes events and filters from the same small stock of values, so
// that they meet.
type generator struct{ *rand.Rand }

var stock = []string{
	"a", "b", "login.failed", "login.success", "payment.received", "USD", "usd", "450", "450.00", "-3", "0.1", "1e3", "true", "false", "null",
	`a*b`, `a%b_c`, `back\slash`, `DOMAIN\user`, `"quoted"`, `it's`, `{p1:String}`, `?`, `$1`, `--`, "tab\there", "nul\x00byte", "line\nbreak",
	"Žluťoučký kůň", "ПРИВЕТ", "straße", "STRASSE", "İstanbul", "日本語", "👩‍🚀", "jane@example.com", "203.0.113.9", "https://example.com/x?y=1#z",
	"a b", "  ", "(x)", "x:y", ">1", "..", "AND", "OR", "2026-01-01", "18446744073709551615", "9007199254740993", "é", "\u00e9", "\ufffd", "\u2028",
	"", "evt_1", "%", "_", `\`, `\\`, `\%`, "ſ", "K", "ς",
}

var keys = []string{"a", "b", "a.b", "amount", "currency", "", "Ž", `"`, `\`, "x y", "a*"}

func (g generator) pick(from []string) string { return from[g.IntN(len(from))] }

func (g generator) event(i int) *event.Event {
	created := now.Add(-time.Duration(g.IntN(400)) * 24 * time.Hour).Add(-time.Duration(g.IntN(5)) * time.Microsecond)
	if created.Before(testScope.Oldest) {
		created = testScope.Oldest // The matcher leaves the retention to others.
	}
	return &event.Event{
		TenantID: string(testScope.Tenant), EventID: fmt.Sprintf("evt_%d", i), EventType: g.pick(stock), Category: g.pick([]string{"auth", "billing"}),
		Source: g.pick(stock), Severity: event.Severities[g.IntN(4)], ActorType: g.pick(stock), ActorID: g.pick(stock), ActorName: g.pick(stock),
		ActorEmail: g.pick(stock), TargetType: g.pick(stock), TargetID: g.pick(stock), CorrelationID: g.pick(stock), IPAddress: g.pick(stock),
		UserAgent: g.pick(stock), CreatedAt: created, IngestedAt: now, Payload: []byte(g.object(3)),
	}
}

func (g generator) object(depth int) string {
	var out strings.Builder
	out.WriteString("{")
	for i := range g.IntN(5) {
		if i > 0 {
			out.WriteString(g.pick([]string{",", " ,\n"}))
		}
		fmt.Fprintf(&out, "%s:%s%s", g.quote(g.pick(keys)), g.pick([]string{"", " "}), g.json(depth-1))
	}
	return out.String() + "}"
}

func (g generator) json(depth int) string {
	switch g.IntN(12) {
	case 0, 1:
		if depth > 0 {
			return g.object(depth)
		}
		return "{}"
	case 2:
		elements := make([]string, g.IntN(4))
		for i := range elements {
			elements[i] = g.json(depth - 1)
		}
		return "[" + strings.Join(elements, ", ") + "]"
	case 3, 4, 5:
		return g.pick([]string{
			"0", "-0", "-0.0", "1", "450", "450.00", "4.5e2", "-3", "0.1", "0.30000000000000004", "1e308", "5e-324", "9007199254740993", "123.456e-7",
			"18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "1e400", "12345678901234567890.5",
		})
	case 6:
		return g.pick([]string{"true", "false", "null"})
	default:
		return g.quote(g.pick(stock))
	}
}

// quote writes a JSON string in one of the ways it can be written.
func (g generator) quote(s string) string {
	out := []byte{'"'}
	for _, r := range s {
		switch {
		case r == '"' || r == '\\' || r == '/' && g.IntN(2) == 0:
			out = append(out, '\\', byte(r))
		case r < ' ' || r < 0x10000 && g.IntN(6) == 0:
			out = fmt.Appendf(out, `\u%04x`, r)
		case r >= 0x10000 && g.IntN(2) == 0:
			r -= 0x10000
			out = fmt.Appendf(out, `\u%04X\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			out = append(out, string(r)...)
		}
	}
	if g.IntN(60) == 0 {
		out = append(out, g.pick([]string{`\ud800`, `\udc00x`, `\ud800\u0041`})...)
	}
	return string(append(out, '"'))
}

// asking lets random filters name presets, which are random filters, and a key.
func (g generator) asking(ctx context.Context) context.Context {
	return NewContext(ctx, Asker{KeyID: "a", Preset: func(context.Context, string) (json.RawMessage, error) {
		saved := g.filter()
		saved.Del("preset")
		return json.Marshal(saved)
	}})
}

// filter returns random parameters, q among them.
func (g generator) filter() url.Values {
	values := url.Values{}
	for range 1 + g.IntN(2) {
		switch g.IntN(11) {
		case 0, 1, 2:
			values.Set("q", g.or(3))
		case 3:
			field := Fields[g.IntN(len(Fields))]
			for range 1 + g.IntN(3) {
				values.Add(field.Name, g.param())
			}
		case 4:
			values.Set("severity", g.severity())
		case 5:
			values.Set("from", fmt.Sprintf("now-%dd", g.IntN(400)))
			values.Set("to", fmt.Sprintf("2026-04-%02dT14:32:01Z", 17+g.IntN(3)))
		case 6:
			values.Set("from", fmt.Sprintf("now/%s-%d%s", g.pick([]string{"d", "w", "M", "y"}), g.IntN(20), g.pick([]string{"d", "w", "M"})))
			values.Set("tz", g.pick([]string{"Europe/Prague", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"}))
		case 7:
			values.Set("attr."+g.path()+g.pick([]string{">", "<"}), g.pick([]string{"usd", "0.1", "450"}))
			if name := "attr." + g.path() + g.pick([]string{">", ">=", "<", "<="}) + g.pick([]string{"450", "0.1", "a", "usd"}); g.IntN(2) == 0 {
				values = url.Values{name: {""}}
			}
		case 8:
			values.Set("attr."+g.path(), g.pick([]string{"1..450", "..450", "a..z", "0.1..", "<usd", ">=a", "*"}))
		case 9:
			if values.Set(g.pick([]string{"actorId", "targetId"}), Me); g.IntN(3) == 0 {
				values.Set("preset", "random")
			}
		default:
			values.Set("attr."+g.path(), g.param())
		}
	}
	return values
}

func (g generator) severity() string {
	name := g.pick([]string{"INFO", "warn", "WARNING", "Error", "CRITICAL"})
	if g.IntN(3) == 0 {
		return name + "+"
	}
	return g.pick([]string{"", ">", ">=", "<", "<="}) + name
}

// param returns a value as a parameter has it, with wildcards sometimes.
func (g generator) param() string {
	text := string(appendEscaped(nil, g.pick(stock), true))
	switch g.IntN(6) {
	case 0:
		return text + "*"
	case 1:
		return "*" + text + "*" + string(appendEscaped(nil, g.pick(stock), true))
	}
	return text
}

func (g generator) path() string {
	path := Path{g.pick(slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == "" }))}
	for g.IntN(3) == 0 {
		path = append(path, g.pick([]string{"a", "b", "amount"}))
	}
	return path.String()
}

func (g generator) or(depth int) string {
	parts := make([]string, 1+g.IntN(2))
	for i := range parts {
		terms := make([]string, 1+g.IntN(2))
		for j := range terms {
			terms[j] = g.pick([]string{"", "", "", "-", "NOT "}) + g.atom(depth)
		}
		parts[i] = strings.Join(terms, g.pick([]string{" ", " AND "}))
	}
	return strings.Join(parts, " OR ")
}

func (g generator) atom(depth int) string {
	switch n := g.IntN(10); {
	case n == 0 && depth > 0:
		return "(" + g.or(depth-1) + ")"
	case n <= 3:
		text := g.pick(stock)
		if runes := []rune(text); len(runes) > 2 && g.IntN(2) == 0 {
			text = string(runes[1 : len(runes)-1])
		}
		if text == "" {
			text = "a"
		}
		return string(appendQuoted(nil, text))
	case n == 4:
		field := Fields[g.IntN(len(Fields))]
		if field.Short != "" && g.IntN(2) == 0 {
			return field.Short + ":" + g.value()
		}
		return field.Name + ":" + g.value()
	case n == 5:
		return "severity:" + g.severity()
	case n == 6:
		return "createdAt:" + g.pick([]string{
			"2026-04-17T14:32:01Z", ">2026-03-17T14:32:01Z", ">=now-30d", "<now/M", "<=2026-01-17", "now-99d..now-9d", "2026-02-01..", "..2026-02-01", "*",
		})
	case n == 7:
		return fmt.Sprintf("payload.%s:%s%s", g.path(), g.pick([]string{">", ">=", "<", "<="}), g.bound())
	case n == 8:
		return fmt.Sprintf("payload.%s:%s", g.path(), g.pick([]string{"*", "1..450", "0.1..", "..450.5", "a..z", "2026-01-01.."}))
	default:
		return fmt.Sprintf("payload.%s:%s", g.path(), g.value())
	}
}

func (g generator) bound() string {
	text := g.pick(stock)
	if text == "" {
		text = "0"
	}
	return string(appendQuoted(nil, text))
}

func (g generator) value() string {
	text := g.pick(stock)
	switch g.IntN(6) {
	case 0:
		return string(appendEscaped(nil, text, true)) + "*"
	case 5:
		return "*" + string(appendEscaped(nil, text, true)) + "*"
	case 1:
		return "(" + string(appendQuoted(nil, text)) + " OR " + string(appendQuoted(nil, g.pick(stock))) + ")"
	}
	return string(appendQuoted(nil, text))
}
