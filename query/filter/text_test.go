package filter

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/querytest"
)

// Every part of a text is found in it, whatever LIKE makes of its characters,
// and nothing else is.
func TestContains_IsTheMatchers(t *testing.T) {
	conn := querytest.Open(t)
	r := rand.New(rand.NewPCG(9, 10))
	g := generator{r}
	texts := []string{`50% of a_b`, `c:\\dir\\%temp%`, "line\nbreak", `\%`, `\_`, `žluťoučký kůň`, `_`, `%`, ``}
	for len(texts) < 300 {
		texts = append(texts, string(event.SearchText(nil, []byte(g.object(3)))))
	}
	for i, text := range texts {
		from := r.IntN(len(text) + 1)
		for _, needle := range []string{
			event.FoldText(text[from : from+r.IntN(len(text)-from+1)]),
			event.FoldText(texts[r.IntN(len(texts))]), "%", "_", `\`, "a_b", "axb", `\\d`,
		} {
			var b Builder
			b.Write("SELECT materialize(")
			b.Text(text)
			b.Write(") AS payload_text, ")
			containsSQL(&b, []byte(needle))
			statement, args := b.Statement()
			var stored string
			var found bool
			require.NoError(t, conn.QueryRow(t.Context(), statement, args...).Scan(&stored, &found))
			require.Equal(t, strings.Contains(text, needle), found, "%d: %q in %q", i, needle, text)
		}
	}
}

// The index of 4-grams decides which granules are read, and loses none.
func TestContains_UsesTheIndex(t *testing.T) {
	conn := querytest.Open(t)
	require.NoError(t, conn.Exec(t.Context(), `INSERT INTO events (tenant_id, created_at, event_id, payload_text, kafka_topic)
		SELECT 't', toDateTime64('2026-04-01 00:00:00', 6, 'UTC') + number, toString(number),
			if(number = 77777, '{"note":"xylograph"}', '{"note":"something else"}'), 'events' FROM numbers(200000)`))
	var b Builder
	b.Write("SELECT count() FROM events WHERE tenant_id = 't' AND ")
	containsSQL(&b, []byte("ylograp"))
	statement, args := b.Statement()
	var with, without uint64
	require.NoError(t, conn.QueryRow(t.Context(), statement, args...).Scan(&with))
	require.NoError(t, conn.QueryRow(t.Context(), statement+" SETTINGS use_skip_indexes = 0", args...).Scan(&without))
	require.Equal(t, uint64(1), with)
	require.Equal(t, uint64(1), without)

	rows, err := conn.Query(t.Context(), "EXPLAIN indexes = 1 "+statement, args...)
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	var plan strings.Builder
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		plan.WriteString(line + "\n")
	}
	require.NoError(t, rows.Err())
	require.Regexp(t, `(?s)Name: ix_text.*Granules: [1-4]/9\d`, plan.String())
}
