package filter

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"

	"daybook/pkg/event"
)

// unfolded turns spans of the search text, in their order and apart, into those
// of the payload that they stand for.
func unfolded(payload []byte, folded []span) []span {
	spans := make([]span, 0, len(folded))
	at, begun := 0, false // In the search text; the span has begun.
	for from, r := range event.SearchRunes(payload) {
		if begun && at == folded[0].to {
			spans[len(spans)-1].to = from
			folded, begun = folded[1:], false
		}
		if len(folded) == 0 {
			return spans
		}
		if at == folded[0].from {
			spans, begun = append(spans, span{from, len(payload)}), true
		}
		at += utf8.RuneLen(r)
	}
	return spans
}

// payloadHighlights returns what to tell of spans of the payload, which are in
// their order and apart.
func payloadHighlights(payload []byte, spans []span) []Highlight {
	if len(spans) == 0 {
		return nil
	}
	all := make([]Highlight, len(spans))
	at, runes := 0, 0
	position := func(to int) int {
		runes += utf8.RuneCount(payload[at:to])
		at = to
		return runes
	}
	for i, s := range spans {
		all[i] = Highlight{Field: "payload", Range: Range{position(s.from), position(s.to)}}
	}
	first := 0 // The first span that has not ended before the token.
	eachToken(payload, func(t token) bool {
		for first < len(spans) && spans[first].to <= t.from {
			first++
		}
		at, runes := t.from, 0
		position := func(to int) int {
			for range event.SearchRunes(payload[at:to]) {
				runes++
			}
			at = to
			return runes
		}
		for i := first; i < len(spans) && spans[i].from < t.to; i++ {
			from, to := max(spans[i].from, t.from), min(spans[i].to, t.to)
			if from < to { // Not of an empty string.
				all[i].Parts = append(all[i].Parts, Part{Pointer: t.pointer(), Of: t.of, Range: Range{position(from), position(to)}})
			}
		}
		return first < len(spans)
	})
	return all
}

// token is a key, string, number, true, false or null of a payload; a string is
// without its quotes.
type token struct {
	span
	of    string // OfKey or OfValue
	doc   []byte
	stack []container // that it is in, the outermost first
}

// container is an object or an array, as far as it has been read.
type container struct {
	array bool
	index int  // of the element, or of the member
	key   span // of the member
}

// eachToken calls f for the tokens of JSON that is sound, in their order, until it
// returns false.
func eachToken(doc []byte, f func(token) bool) {
	var stack []container
	key := false // A string is a key.
	for i := 0; i < len(doc); {
		switch c := doc[i]; c {
		case '{', '[':
			stack, key = append(stack, container{array: c == '['}), c == '{'
			i++
		case '}', ']':
			stack, key = stack[:len(stack)-1], false
			i++
		case ',':
			top := &stack[len(stack)-1]
			top.index++
			key = !top.array
			i++
		case ':':
			key = false
			i++
		case ' ', '\t', '\n', '\r':
			i++
		default:
			t := token{span: span{i, 0}, of: OfValue, doc: doc, stack: stack}
			if c == '"' {
				t.from = i + 1
				t.to = stringEnd(doc, t.from)
				i = t.to + 1
			} else {
				t.to = skipLiteral(doc, i)
				i = t.to
			}
			if key {
				t.of = OfKey
				stack[len(stack)-1].key = t.span
			}
			if !f(t) {
				return
			}
		}
	}
}

// pointer returns the JSON pointer of the token.
func (t token) pointer() string {
	var out strings.Builder
	for _, c := range t.stack {
		out.WriteByte('/')
		if c.array {
			out.WriteString(strconv.Itoa(c.index))
		} else {
			var key string
			_ = json.Unmarshal(t.doc[c.key.from-1:c.key.to+1], &key) // It is sound.
			out.WriteString(pointerEscape.Replace(key))
		}
	}
	return out.String()
}

var pointerEscape = strings.NewReplacer("~", "~0", "/", "~1")
