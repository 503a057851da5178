package around

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDifference(t *testing.T) {
	for _, test := range []struct{ a, b, patch string }{
		{`{}`, `{}`, `[]`},
		{`{"a": 450.00, "b": 1e3}`, `{"b": 1000, "a": 450}`, `[]`},
		{`{"a": 1}`, `{"a": "1"}`, `[{"op":"replace","path":"/a","value":"1"}]`},
		{`{"a": 1}`, `{"a": null}`, `[{"op":"replace","path":"/a","value":null}]`},
		{`{"a": null}`, `{}`, `[{"op":"remove","path":"/a"}]`},
		{`{}`, `{"a": {"b": "<1>"}}`, `[{"op":"add","path":"/a","value":{"b":"<1>"}}]`},
		{`{"a": {"b": 1, "c": 2}}`, `{"a": {"b": 1, "d": 2}}`, `[{"op":"remove","path":"/a/c"},{"op":"add","path":"/a/d","value":2}]`},
		{`{"a/b": 1, "m~n": 2, "": 3, "~1": 4}`, `{"a/b": 2, "m~n": 3, "": 4, "~1": 5}`,
			`[{"op":"replace","path":"/","value":4},{"op":"replace","path":"/a~1b","value":2},{"op":"replace","path":"/m~0n","value":3},{"op":"replace","path":"/~01","value":5}]`},
		{`{"l": [1,2,3,4,5]}`, `{"l": [1,2,4,5]}`, `[{"op":"remove","path":"/l/2"}]`},
		{`{"l": [1,4,5]}`, `{"l": [1,2,3,4,5]}`, `[{"op":"add","path":"/l/1","value":2},{"op":"add","path":"/l/2","value":3}]`},
		{`{"l": [1,2,3,4,5,6]}`, `{"l": [0,2,3,5,6,7]}`, `[{"op":"replace","path":"/l/0","value":0},{"op":"remove","path":"/l/3"},{"op":"add","path":"/l/5","value":7}]`},
		{`{"l": [{"id":1,"n":1},{"id":2,"n":1}]}`, `{"l": [{"id":1,"n":1},{"id":2,"n":2}]}`, `[{"op":"replace","path":"/l/1/n","value":2}]`},
		{`{"l": []}`, `{"l": {}}`, `[{"op":"replace","path":"/l","value":{}}]`},
		{`{"n": 123456789012345678901234567890}`, `{"n": 123456789012345678901234567891}`, `[{"op":"replace","path":"/n","value":123456789012345678901234567891}]`},
		{`{"n": 1e400}`, `{"n": 10e399}`, `[]`},
		{`{"n": 1e999999999}`, `{"n": 2e999999999}`, `[{"op":"replace","path":"/n","value":2e999999999}]`},
	} {
		text, err := encode(difference(value(t, test.a), value(t, test.b)))
		require.NoError(t, err)
		require.Equal(t, test.patch, string(text), "%s → %s", test.a, test.b)
	}
}

func value(t *testing.T, text string) any {
	t.Helper()
	v, err := decode([]byte(text))
	require.NoError(t, err, text)
	return v
}

// A difference, applied to the one value, gives the other.
func TestDifference_Applies(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	for range 5000 {
		a, b := randomText(dice, 4), randomText(dice, 4)
		if dice.IntN(3) == 0 { // Alike but for one place.
			b = strings.Replace(a, "1", "2", 1)
		}
		text, err := encode(difference(value(t, a), value(t, b)))
		require.NoError(t, err)
		var patch []struct {
			Op, Path string
			Value    json.RawMessage
		}
		require.NoError(t, json.Unmarshal(text, &patch))
		got := value(t, a)
		for _, o := range patch {
			var v any
			if o.Op != "remove" {
				v = value(t, string(o.Value))
			}
			if o.Path == "" {
				require.Equal(t, "replace", o.Op)
				got = v
				continue
			}
			got = apply(t, got, strings.Split(o.Path[1:], "/"), o.Op, v)
		}
		require.True(t, equal(got, value(t, b)), "%s\n%s\n%s\n%v", a, b, text, got)
	}
}

// apply is RFC 6902, for what difference makes.
func apply(t *testing.T, to any, path []string, op string, v any) any {
	t.Helper()
	name := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch to := to.(type) {
	case map[string]any:
		_, there := to[name]
		switch {
		case len(path) > 1:
			require.True(t, there)
			to[name] = apply(t, to[name], path[1:], op, v)
		case op == "remove":
			require.True(t, there)
			delete(to, name)
		default:
			require.Equal(t, op == "replace", there)
			to[name] = v
		}
		return to
	case []any:
		i, err := strconv.Atoi(name)
		require.NoError(t, err)
		switch {
		case len(path) > 1:
			to[i] = apply(t, to[i], path[1:], op, v)
		case op == "remove":
			return append(to[:i:i], to[i+1:]...)
		case op == "add":
			return append(append(to[:i:i], v), to[i:]...)
		default:
			to[i] = v
		}
		return to
	}
	t.Fatalf("%s leads into %v", path, to)
	return nil
}

func randomText(dice *rand.Rand, depth int) string {
	n := dice.IntN(10)
	if depth == 4 {
		n = 0
	}
	switch {
	case depth > 0 && n < 3:
		var members []string
		for _, name := range []string{"a", "b/c", "~", ""} {
			if dice.IntN(2) == 0 {
				members = append(members, fmt.Sprintf("%q: %s", name, randomText(dice, depth-1)))
			}
		}
		return "{" + strings.Join(members, ",") + "}"
	case depth > 0 && n < 6:
		elements := make([]string, dice.IntN(6))
		for i := range elements {
			elements[i] = randomText(dice, depth-1)
		}
		return "[" + strings.Join(elements, ",") + "]"
	default:
		return []string{"1", "1.0", "2", "10e-1", `"1"`, "null", "true", "[]", "{}"}[dice.IntN(9)]
	}
}

// Arrays beyond what is aligned are still told apart.
func TestDifference_LongArrays(t *testing.T) {
	a, b := make([]any, 100_000), make([]any, 100_000)
	for i := range a {
		a[i], b[i] = json.Number("1"), json.Number("1")
	}
	b[500], b[99_000] = json.Number("2"), json.Number("2")
	require.Len(t, difference(a, b), 2)
}
