package filter

import (
	"math"
	"slices"

	"daybook/pkg/apierror"
	"daybook/schema"
)

// maxPathKeys bounds how deep a path may reach.
const maxPathKeys = 16

// PayloadPrefix begins the name of a field inside the payload.
const PayloadPrefix = "payload."

// Path leads to a value inside the payload: the keys of nested objects.
type Path []string

// ParsePath reads user.name; a dot inside a key is written \. there.
func ParsePath(raw string) (Path, bool) {
	path := Path(splitUnescaped(raw, "."))
	if len(path) > maxPathKeys {
		return nil, false
	}
	return path, !slices.Contains(path, "")
}

// String returns the path as ParsePath reads it.
func (p Path) String() string {
	var out []byte
	for i, key := range p {
		if i > 0 {
			out = append(out, '.')
		}
		out = appendEscaped(out, key, true)
	}
	return string(out)
}

// Everything below that knows how a payload's values are reached in SQL is in
// this file. Payloads are read with JSONExtractRaw once for a condition; its
// answer is short, and what is asked of that costs little.

// RawSQL writes the JSON text of the value at the path, empty where there is none.
func (p Path) RawSQL(b *Builder) {
	b.Write("JSONExtractRaw(payload")
	for _, key := range p {
		b.Write(", ")
		b.Text(key)
	}
	b.Write(")")
}

// NumberSQL writes an expression of the number at the path, NULL where there
// is none, of the events that a scope reads. Strings that look like numbers are no
// numbers. The payload's own members are read from a column of their own, which
// only the table has, and not from the payload.
func (p Path) NumberSQL(b *Builder, scope Scope) {
	if len(p) == 1 && scope.Archive == nil {
		place := func() {
			b.Write("indexOf(", schema.Numbers, ".keys, ")
			b.Text(p[0])
			b.Write(")") // The first of two members of one name, as in the payload.
		}
		b.Write("if(")
		place()
		b.Write(" > 0, ", schema.Numbers, ".values[")
		place()
		b.Write("], NULL)")
		return
	}
	b.Write("if(match(")
	p.RawSQL(b)
	b.Write(", '^[-0-9]'), JSONExtractFloat(")
	p.RawSQL(b)
	b.Write("), NULL)")
}

// TextSQL writes an expression of the value at the path as a text: a string's
// content, and JSON otherwise; NULL where there is none, or null.
func (p Path) TextSQL(b *Builder) {
	b.Write("JSONExtract(payload")
	for _, key := range p {
		b.Write(", ")
		b.Text(key)
	}
	b.Write(", 'Nullable(String)')")
}

// elementsSQL writes an expression of the JSON texts to examine: the value's,
// or those of its elements where it is an array.
func (p Path) elementsSQL(b *Builder) {
	b.Write("JSONExtractArrayRaw(if(startsWith(")
	p.RawSQL(b)
	b.Write(", '['), ")
	p.RawSQL(b)
	b.Write(", concat('[', ")
	p.RawSQL(b)
	b.Write(", ']')))")
}

// MaxValueBytes bounds a value that a filter can name.
const MaxValueBytes = maxValueBytes

// Keys of values that can't be named by a filter, in what KeysSQL computes.
const (
	KeyMissing = ""  // no value, null, or only objects and arrays
	KeyLong    = "~" // longer than MaxValueBytes
	KeyPrefix  = "=" // before every other value
)

// KeysSQL writes an expression of what the filter PATH:VALUE can be to find
// an event whose value at the path has the JSON text that RawSQL gives, which is
// read from the column raw: an array with a key for each different text, number
// and boolean there, or in the array there; KeyMissing alone where there is none.
func KeysSQL(b *Builder) {
	b.Write("emptyArrayToSingle(arrayDistinct(arrayMap(x -> multiIf(JSONType(x) = 'String', if(length(JSONExtractString(x)) > ")
	b.Int(MaxValueBytes)
	b.Write(", '", KeyLong, "', concat('", KeyPrefix, "', JSONExtractString(x))), JSONType(x) = 'Double', concat('", KeyPrefix,
		"', toString(JSONExtractFloat(x) + 0)), JSONType(x) = 'Int64', concat('", KeyPrefix, "', toString(JSONExtractInt(x))), concat('", KeyPrefix,
		"', x)), arrayFilter(x -> JSONType(x) NOT IN ('Object', 'Array', 'Null'), JSONExtractArrayRaw(if(startsWith(raw, '['), raw, concat('[', raw, ']')))))))")
}

// payload holds where the value at a path, or an element of the array there,
// is what the filter asks for.
type payload struct {
	path  Path
	wants wanted
}

// wanted is what a payload leaf asks of a value.
type wanted interface {
	// needle returns a text that every payload with a match contains, nil
	// where there is none; looking for it is cheaper than reading JSON.
	needle() []byte
	sql(b *Builder)          // of the JSON text x
	match(raw []byte) bool   // of a JSON text
	canonical([]byte) []byte // as a value of q
	// places returns what of the content of a string that matches was asked for.
	places(content string) []span
}

func parsePayload(path Path, v value) (Node, *apierror.Error) {
	if v.operator != equal {
		c, err := newComparison(v, v.operator, v.text())
		return payload{path, comparisons{c}}, err
	}
	if from, to, ok := v.bounds(); ok {
		var both comparisons
		for _, end := range []comparison{{operator: atLeast, bound: from}, {operator: atMost, bound: to}} {
			if end.bound == "" {
				continue
			}
			c, err := newComparison(v, end.operator, end.bound)
			if err != nil {
				return nil, err
			}
			both = append(both, c)
		}
		switch {
		case both == nil:
			return nil, v.invalid("a range needs a bound: 1..10, 1.. or ..10")
		case len(both) == 2 && both[0].isNumber() != both[1].isNumber():
			return nil, v.invalid("both ends of a range must be numbers, or neither")
		}
		return payload{path, both}, nil
	}
	p, err := v.pattern()
	if err != nil {
		return nil, err
	}
	if p.anything() {
		return present{path}, nil
	}
	n := reads{pattern: p, number: math.NaN()}
	if text, ok := p.exact(); ok {
		n.number = jsonNumber(text)
	}
	return payload{path, n}, nil
}

func (n payload) sql(b *Builder) {
	b.Write("(")
	if needle := n.wants.needle(); len(needle) > 0 {
		text{needle}.sql(b)
		b.Write(" AND ")
	}
	b.Write("arrayExists(x -> ")
	n.wants.sql(b)
	b.Write(", ")
	n.path.elementsSQL(b)
	b.Write("))")
}

func (n payload) match(s *Subject) bool {
	raw := s.lookup(n.path)
	if raw == nil || raw[0] != '[' {
		return raw != nil && n.wants.match(raw)
	}
	found := false
	eachElement(raw, func(element []byte) bool {
		found = n.wants.match(element)
		return !found
	})
	return found
}

func (n payload) canonical(out []byte, _ bool) []byte {
	return n.wants.canonical(append(append(append(out, PayloadPrefix...), n.path.String()...), ':'))
}

func (n payload) visit(f func(Node)) { f(n) }

// present holds where there is a value other than null at a path.
type present struct{ path Path }

func (n present) sql(b *Builder) {
	n.path.RawSQL(b)
	b.Write(" NOT IN ('', 'null')")
}

func (n present) match(s *Subject) bool {
	raw := s.lookup(n.path)
	return raw != nil && string(raw) != "null"
}

func (n present) canonical(out []byte, _ bool) []byte {
	return append(append(append(out, PayloadPrefix...), n.path.String()...), ":*"...)
}

func (n present) visit(f func(Node)) { f(n) }

func (n payload) narrowedBy(holds bool) indexes { return text{n.wants.needle()}.narrowedBy(holds) }

func (n payload) mark(s *Subject, holds bool, m *marks) {
	if !holds {
		return
	}
	_, value := s.locate(n.path)
	for _, element := range elements(s.event.Payload, value) {
		if raw := s.event.Payload[element.from:element.to]; n.wants.match(raw) {
			if kindOf(raw) != stringKind {
				m.payload = append(m.payload, element)
				continue
			}
			content := stringContent(raw)
			m.content(s, span{element.from + 1, element.to - 1}, content, n.wants.places(content))
		}
	}
}

func (n present) narrowedBy(bool) indexes { return 0 }

// mark marks the key: that it is there is what was asked.
func (n present) mark(s *Subject, holds bool, m *marks) {
	if holds {
		key, _ := s.locate(n.path)
		m.payload = append(m.payload, key)
	}
}
