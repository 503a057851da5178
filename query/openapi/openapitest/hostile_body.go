package openapitest

import (
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
)

// placeholder stands in a body for what is put there as it is.
const placeholder = "placeholder-6f1c"

func (m *maker) ofBody() iter.Seq[Hostile] {
	schema := m.resolve(m.resolve(m.resolve(m.described["requestBody"])["content"].(map[string]any)["application/json"])["schema"])
	strict := schema["additionalProperties"] == false
	return func(yield func(Hostile) bool) {
		for _, place := range m.places(schema) {
			text, err := json.Marshal(place.body)
			require.NoError(m.t, err)
			for _, literal := range literals(m.token) {
				h := m.make(m.plain(), place.member, literal, 0)
				h.Body = strings.Replace(string(text), `"`+placeholder+`"`, literal, 1)
				if !yield(h) {
					return
				}
			}
			h := m.make(m.plain(), place.member, "invalid UTF-8", http.StatusBadRequest)
			h.Body = strings.Replace(string(text), placeholder, "\xff\xc3"+m.token, 1)
			if !yield(h) {
				return
			}
		}
		whole := func(value, body string, status int) bool {
			h := m.make(m.plain(), "body", value, status)
			h.Body = body
			return yield(h)
		}
		example := m.make(m.plain(), "", "", 0).Body
		bad := http.StatusBadRequest
		sent := whole("nothing", "", bad) && whole("space", " \n", bad) && whole("null", "null", bad) && whole("a number", "1e999", bad) && whole("a text", `"x"`, bad) &&
			whole("cut off", example[:len(example)-1], bad) && whole("no JSON", "eventType=x", bad) && whole("a byte order mark", "\ufeff"+example, bad) &&
			whole("a NUL", "\x00", bad) && whole("deep", strings.Repeat("[", 200_000), bad) && whole("deep objects", strings.Repeat(`{"a":`, 100_000), bad)
		if !sent || strict && (!whole("two values", example+example, bad) || !whole("an array", "["+example+"]", bad) || !whole("too large", `{"name":"`+strings.Repeat("x", 1<<20)+`"}`, http.StatusRequestEntityTooLarge)) {
			return
		}
		for _, media := range []string{"text/html", "multipart/form-data; boundary=x", "application/json; charset", ";", m.token} {
			h := m.make(m.plain(), "Content-Type", media, http.StatusUnsupportedMediaType)
			h.Header.Set("Content-Type", media)
			if !yield(h) {
				return
			}
		}
		if strict {
			unknown := m.make(m.plain(), "nosuch", m.token, bad)
			unknown.Body = `{"nosuch":1,` + example[1:]
			yield(unknown)
		}
	}
}

// place is a body with the placeholder at one of its members.
type place struct {
	member string // of the body itself
	body   any
}

// places returns the body's example with the placeholder at each of its
// members, and at each that the schema has beside them.
func (m *maker) places(schema map[string]any) []place {
	var all []place
	var inside func(value any, member string, set func(any) any)
	inside = func(value any, member string, set func(any) any) {
		all = append(all, place{member, set(placeholder)})
		switch value := value.(type) {
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(value)) {
				inside(value[name], member, func(v any) any { return set(with(value, name, v)) })
			}
		case []any:
			for i := range value {
				inside(value[i], member, func(v any) any {
					changed := slices.Clone(value)
					changed[i] = v
					return set(changed)
				})
			}
		}
	}
	example := m.plain().body.(map[string]any)
	names := maps.Clone(example)
	if one, ok := schema["oneOf"].([]any); ok { // An event, or an array of them.
		schema = m.resolve(one[0])
	}
	for name := range schema["properties"].(map[string]any) {
		if _, ok := names[name]; !ok {
			names[name] = nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		inside(names[name], name, func(v any) any { return with(example, name, v) })
	}
	return all
}

func with(object map[string]any, name string, value any) map[string]any {
	changed := maps.Clone(object)
	changed[name] = value
	return changed
}
