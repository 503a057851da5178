package filter

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/query/querytest"
)

func TestEachValue(t *testing.T) {
	deep := strings.Repeat(`{"k":`, maxPathKeys+2) + "1" + strings.Repeat("}", maxPathKeys+2)
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`"k%d":%d`, i%25, i)
	}
	for _, test := range []struct{ payload, want string }{
		{`{}`, ``},
		{`{"a": 1, "b" : {"c": [ {"d": 1} ], "e": null} }`, `payload.a=1 payload.b={"c": [ {"d": 1} ], "e": null} payload.b.c=[ {"d": 1} ] payload.b.e=null`},
		{`{"a.b": {"\"": "x"}, "x y": 1, "\u017d\\": 2}`, `payload.a\.b={"\"": "x"} payload.a\.b.\"="x" payload.x\ y=1 payload.Ž\\=2`},
		{`{"a": {"x": 1}, "a": {"y": 2}, "\u0061": 3}`, `payload.a={"x": 1} payload.a.x=1`},
		{`{"": {"x": 1}, "b": {"": 2}}`, `payload.b={"": 2}`},
		{`{"` + strings.Repeat("k", maxNameBytes) + `": 1, "a": 2}`, `payload.a=2`},
		{`{"a": 1, "n": 1e400}`, ``},
		{`{"a": 1, "s": "\ud800"}`, ``},
	} {
		var got []string
		EachValue([]byte(test.payload), func(name, raw []byte) { got = append(got, string(name)+"="+string(raw)) })
		require.Equal(t, test.want, strings.Join(got, " "), test.payload)
	}
	levels, members := 0, map[string]string{}
	EachValue([]byte(deep), func([]byte, []byte) { levels++ })
	require.Equal(t, maxPathKeys, levels)
	EachValue([]byte("{"+strings.Join(many, ",")+"}"), func(name, raw []byte) {
		require.Empty(t, members[string(name)], "%s is told of twice", name)
		members[string(name)] = string(raw)
	})
	require.Len(t, members, 25)
	require.Equal(t, "7", members["payload.k7"], "the first of equal keys counts")
}

// What EachValue names, a filter finds under that name, in SQL and in memory,
// and what it doesn't name is not there.
func TestEachValue_Agrees(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 1))}
	conn := querytest.Open(t)
	rows := make([]querytest.Row, 600)
	with := map[string][]string{} // the events that have a value other than null, by name
	for i := range rows {
		e := g.event(i)
		rows[i].Event, rows[i].Offset = *e, int64(i)
		EachValue(e.Payload, func(name, raw []byte) {
			ids := with[string(name)]
			if string(raw) != "null" {
				ids = append(ids, e.EventID)
			}
			with[string(name)] = ids
		})
	}
	querytest.Insert(t, conn, rows)
	require.Greater(t, len(with), 40)
	checked := 0
	for name, want := range with {
		if checked++; checked > 80 { // Each is a statement.
			break
		}
		f, err := Parse(url.Values{"q": {name + ":*"}}, now)
		require.NoError(t, err, name)
		statement, args := f.selectIDs()
		require.ElementsMatch(t, want, queryIDs(t, conn, statement, args), name)
		matched := 0
		for i := range rows {
			if f.Match(&rows[i].Event) {
				matched++
			}
		}
		require.Equal(t, len(want), matched, name)
		viaParameter, err := Parse(url.Values{"attr." + strings.TrimPrefix(name, PayloadPrefix): {"*"}}, now)
		require.NoError(t, err, name)
		require.Equal(t, f.Canonical(), viaParameter.Canonical())
	}
}
