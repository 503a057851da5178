package filter

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/query/querytest"
)

func TestWholeWords(t *testing.T) {
	for needle, wants := range map[string][]string{
		"refund":             nil,
		"a refund b":         {"refund"},
		"refund now":         nil,
		"/orders/4521":       {"orders"},
		`"status":"failed"`:  {"status", "failed"},
		"jane@example.com":   {"example"},
		"-a--b-":             {"a", "b"},
		"x žluťoučký kůň y":  {"žluťoučký", "kůň"},
		"evt_abc-123-def_xy": {"abc", "123", "def"},
		"":                   nil,
	} {
		require.Equal(t, wants, wholeWords([]byte(needle)), needle)
	}
}

// Whatever text contains a needle has the needle's whole words: looking for
// those first loses nothing, as ClickHouse cuts words too.
func TestWholeWords_LoseNothing(t *testing.T) {
	conn := querytest.Open(t)
	r := rand.New(rand.NewPCG(9, 10))
	g := generator{r}
	var texts []string
	var words [][]string
	for len(texts) < 500 {
		payload := event.SearchText(nil, []byte(g.object(3)))
		from := r.IntN(len(payload))
		needle := event.FoldText(string(payload[from : from+r.IntN(len(payload)-from+1)]))
		if w := wholeWords([]byte(needle)); len(w) > 0 {
			texts, words = append(texts, string(payload)), append(words, w)
		}
	}
	for i, text := range texts {
		var b Builder
		b.Write("SELECT hasAllTokens(materialize(")
		b.Text(text)
		b.Write("), ")
		b.Texts(words[i])
		b.Write(")")
		statement, args := b.Statement()
		var found bool
		require.NoError(t, conn.QueryRow(t.Context(), statement, args...).Scan(&found))
		require.True(t, found, "%q lacks a word of %q", text, words[i])
	}
}
