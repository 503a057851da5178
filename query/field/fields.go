package field

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"daybook/query/filter"
	"daybook/query/statement"
)

// Bounds of what is kept of a sample.
const (
	maxKept      = 10_000 // fields
	keptExamples = 20     // different values of a field
	examples     = 5      // of them, shown
	exampleBytes = 100
)

// kind is the type of a JSON value.
type kind uint8

const (
	stringKind kind = iota
	numberKind
	booleanKind
	objectKind
	arrayKind
	nullKind
	kinds // how many there are
)

var kindNames = [kinds]string{"string", "number", "boolean", "object", "array", "null"}

func kindOf(raw []byte) kind {
	switch raw[0] {
	case '"':
		return stringKind
	case '{':
		return objectKind
	case '[':
		return arrayKind
	case 't', 'f':
		return booleanKind
	case 'n':
		return nullKind
	}
	return numberKind
}

// found is what a sample says of a field.
type found struct {
	name, short string
	events      int            // that have it
	weight      float64        // of those
	kinds       [kinds]float64 // weights by the type of the value
	elements    [kinds]float64 // of arrays, by the types of their elements
	values      map[string]int
}

// example counts a value that a filter can name.
func (f *found) example(text string) {
	if len(text) > exampleBytes || f.values[text] == 0 && len(f.values) >= keptExamples {
		return
	}
	if f.values == nil {
		f.values = map[string]int{}
	}
	f.values[text]++
}

// examples returns the most frequent of the values.
func (f *found) examples() []string {
	values := slices.SortedFunc(maps.Keys(f.values), func(a, b string) int {
		return cmp.Or(cmp.Compare(f.values[b], f.values[a]), strings.Compare(a, b))
	})
	return values[:min(examples, len(values))]
}

// collection is what a sample has in it.
type collection struct {
	typed  typed
	fields []*found // those of events first, in their order
	byName map[string]*found
	weight float64 // of all events
	cut    bool    // there were more fields than are kept
}

// collect finds the fields of a sample whose names are accepted.
func collect(events []sampled, typed typed) *collection {
	c := &collection{typed: typed, byName: map[string]*found{}}
	header := make([]*found, len(filter.Fields)+1)
	for i, f := range filter.Fields {
		if typed.accepts(f.Name) || f.Short != "" && typed.accepts(f.Short) {
			header[i] = &found{name: f.Name, short: f.Short}
		}
	}
	if typed.accepts("severity") {
		header[len(filter.Fields)] = &found{name: "severity"}
	}
	for i := range events {
		e := &events[i]
		c.weight += e.weight
		for j, text := range e.fields {
			if f := header[j]; f != nil && text != "" {
				f.events, f.weight = f.events+1, f.weight+e.weight
				f.kinds[stringKind] += e.weight
				f.example(text)
			}
		}
		filter.EachValue(e.payload, func(name, raw []byte) { c.value(name, raw, e.weight) })
	}
	c.fields = slices.DeleteFunc(header, func(f *found) bool { return f == nil || f.events == 0 })
	inPayload := slices.SortedFunc(maps.Values(c.byName), func(a, b *found) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(b.events, a.events), strings.Compare(a.name, b.name))
	})
	c.fields = append(c.fields, inPayload...)
	return c
}

// value counts a value of a payload.
func (c *collection) value(name, raw []byte, weight float64) {
	f := c.byName[string(name)]
	if f == nil {
		if !c.typed.accepts(string(name)) {
			return
		}
		if len(c.byName) >= maxKept {
			c.cut = true
			return
		}
		f = &found{name: string(name)}
		c.byName[f.name] = f
	}
	k := kindOf(raw)
	f.kinds[k] += weight
	if k != nullKind {
		f.events, f.weight = f.events+1, f.weight+weight
	}
	if k != arrayKind {
		f.scalar(k, raw)
		return
	}
	var has [kinds]bool
	filter.EachElement(raw, func(element []byte) {
		k := kindOf(element)
		has[k] = true
		f.scalar(k, element)
	})
	for k := range has {
		if has[k] {
			f.elements[k] += weight
		}
	}
}

// scalar takes a value that a filter can name as an example.
func (f *found) scalar(k kind, raw []byte) {
	switch k {
	case numberKind, booleanKind:
		f.example(string(raw))
	case stringKind:
		if len(raw) > 6*exampleBytes+2 { // Every byte an escape.
			return
		}
		if content := raw[1 : len(raw)-1]; bytes.IndexByte(content, '\\') < 0 {
			f.example(string(content))
			return
		}
		var text string
		if json.Unmarshal(raw, &text) == nil {
			f.example(text)
		}
	}
}

// ServeFields answers GET /api/v1/events/fields.
func (s *Service) ServeFields(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	request, _, err := s.parse(r, defaultFields)
	if err != nil {
		return err
	}
	var usage statement.Usage
	taken, err := s.sample(r.Context(), s.scope(r), request.filter, &usage)
	if err != nil {
		return err
	}
	c := collect(taken.events, request.typed)
	out := append([]byte(nil), `{"fields":[`...)
	for i, f := range c.fields[:min(request.limit, len(c.fields))] {
		if i > 0 {
			out = append(out, ',')
		}
		out = f.appendJSON(out, c.weight)
	}
	out = strconv.AppendBool(append(out, `],"more":`...), c.cut || len(c.fields) > request.limit)
	out = appendSample(append(out, `,"sample":`...), uint64(len(taken.events)), taken.of, taken.whole)
	out = statement.AppendMeta(append(out, `,"meta":`...), began, usage, "raw", !taken.whole)
	return statement.WriteJSON(w, append(out, '}'))
}

// appendJSON writes a field. all is the weight of all events.
func (f *found) appendJSON(out []byte, all float64) []byte {
	out = appendText(append(out, `{"name":`...), f.name)
	if f.short != "" {
		out = appendText(append(out, `,"short":`...), f.short)
	}
	out = appendKinds(append(out, `,"types":`...), f.kinds, f.weight+f.kinds[nullKind])
	if f.kinds[arrayKind] > 0 {
		out = appendKinds(append(out, `,"elements":`...), f.elements, f.kinds[arrayKind])
	}
	out = strconv.AppendInt(append(out, `,"events":`...), int64(f.events), 10)
	out = appendShare(append(out, `,"share":`...), f.weight, all)
	out = append(out, `,"examples":[`...)
	for i, text := range f.examples() {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendText(out, text)
	}
	return append(out, "]}"...)
}

// appendKinds writes types with their shares of all, the most frequent first.
func appendKinds(out []byte, weights [kinds]float64, all float64) []byte {
	order := make([]kind, 0, kinds)
	for k, weight := range weights {
		if weight > 0 {
			order = append(order, kind(k))
		}
	}
	slices.SortStableFunc(order, func(a, b kind) int { return cmp.Compare(weights[b], weights[a]) })
	out = append(out, '[')
	for i, k := range order {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(append(out, `{"type":"`...), kindNames[k]...), '"')
		out = append(appendShare(append(out, `,"share":`...), weights[k], all), '}')
	}
	return append(out, ']')
}

// appendShare writes a part of a whole, with four digits. What is there is
// never nothing, and what is not everything never everything.
func appendShare(out []byte, part, all float64) []byte {
	share := 1.0
	if part < all {
		share = min(max(part/all, 0.0001), 0.9999)
	}
	if part == 0 {
		share = 0
	}
	return strconv.AppendFloat(out, float64(int(share*10_000+0.5))/10_000, 'f', -1, 64)
}

// appendSample writes how many events were looked at, of how many there are.
func appendSample(out []byte, events uint64, of *uint64, whole bool) []byte {
	out = strconv.AppendUint(append(out, `{"events":`...), events, 10)
	out = append(out, `,"of":`...)
	if of == nil {
		out = append(out, "null"...)
	} else {
		out = strconv.AppendUint(out, *of, 10)
	}
	return append(strconv.AppendBool(append(out, `,"whole":`...), whole), '}')
}

func appendText(out []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // A string always has a JSON form.
	return append(out, quoted...)
}
