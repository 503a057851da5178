package filter

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
	"unicode/utf8"

	"daybook/pkg/event"
)

// Highlight is a place of an event where it satisfies a condition of a filter.
// All positions count characters, which are Unicode code points.
type Highlight struct {
	Field string `json:"field"` // of the event, as its JSON names it
	Range        // of the field's text; of payload: of its JSON as the event has it
	// Parts are the keys and values of the payload that the place reaches into, for
	// those who show it parsed. What stands between them, like a colon, is in none.
	Parts []Part `json:"parts,omitempty"`
}

// Range is from Start to before End.
type Range struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Part is a piece of one key or value of a payload.
type Part struct {
	Pointer string `json:"pointer"` // RFC 6901: to the value, or to the member whose key it is
	Of      string `json:"of"`      // OfKey or OfValue
	Range          // of the decoded string; of a number, true, false or null as it is written
}

// What a Part is a piece of.
const (
	OfKey   = "key"
	OfValue = "value"
)

// MaxHighlights bounds the places of one payload: the first are told.
const MaxHighlights = 100

// Highlights returns where an event satisfies the conditions for which the
// filter accepts it, never those that exclude, and no times. Places are sorted by field
// and position and don't overlap. They are empty, not nil, where the filter does not
// accept the event.
func (f *Filter) Highlights(e *event.Event) []Highlight {
	var s Subject
	s.Reset(e)
	if f.Root == nil || !f.MatchSubject(&s) {
		return []Highlight{}
	}
	m := marks{fields: map[string]markedText{}}
	f.Root.mark(&s, true, &m)
	return m.highlights(&s)
}

// span is from a byte to before another.
type span struct{ from, to int }

// marks collects the places of one event.
type marks struct {
	fields  map[string]markedText // by the field's name
	folded  []span                // of the text that searchText returns
	payload []span                // of the payload
}

type markedText struct {
	text  string
	spans []span
}

// field marks spans of a field's text.
func (m *marks) field(name, text string, spans ...span) {
	m.fields[name] = markedText{text, append(m.fields[name].spans, spans...)}
}

// markAny marks where those of the nodes hold, or fail, that do.
func markAny(nodes []Node, s *Subject, holds bool, m *marks) {
	for _, n := range nodes {
		if n.match(s) == holds {
			n.mark(s, holds, m)
		}
	}
}

// text marks where the needle stands in the search text.
func (m *marks) text(s *Subject, needle []byte) {
	text := s.searchText()
	at := 0
	for range MaxHighlights {
		found := bytes.Index(text[at:], needle)
		if found < 0 {
			return
		}
		at += found
		m.folded = append(m.folded, span{at, at + len(needle)})
		at += len(needle)
	}
}

// content marks spans of a JSON string's decoded text, whose content the payload
// has at raw.
func (m *marks) content(s *Subject, raw span, text string, spans []span) {
	for _, one := range spans {
		start := utf8.RuneCountInString(text[:one.from])
		end := start + utf8.RuneCountInString(text[one.from:one.to])
		place, n := span{raw.to, raw.to}, 0
		for at := range event.SearchRunes(s.event.Payload[raw.from:raw.to]) {
			if n == start {
				place.from = raw.from + at
			}
			if n == end {
				place.to = raw.from + at
				break
			}
			n++
		}
		m.payload = append(m.payload, place)
	}
}

// highlights returns what was marked.
func (m *marks) highlights(s *Subject) []Highlight {
	all := []Highlight{}
	for _, name := range slices.Sorted(maps.Keys(m.fields)) {
		marked := m.fields[name]
		for _, one := range merged(marked.spans) {
			start := utf8.RuneCountInString(marked.text[:one.from])
			all = append(all, Highlight{Field: name, Range: Range{start, start + utf8.RuneCountInString(marked.text[one.from:one.to])}})
		}
	}
	payload := merged(append(m.payload, unfolded(s.event.Payload, merged(m.folded))...))
	return append(all, payloadHighlights(s.event.Payload, payload[:min(len(payload), MaxHighlights)])...)
}

// merged returns the spans in their order, those that overlap as one.
func merged(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var apart []span
	for _, one := range spans {
		if last := len(apart) - 1; last >= 0 && one.from < apart[last].to {
			apart[last].to = max(apart[last].to, one.to)
		} else if one.from < one.to {
			apart = append(apart, one)
		}
	}
	return apart
}
