package filter

import (
	"daybook/pkg/apierror"
)

// maxValueBytes bounds one value, which is longer than any id may be.
const maxValueBytes = 1024

// value is what a request wrote for a field, still with its escapes.
type value struct {
	raw      string
	quoted   bool // raw is the content of a quoted string, without escapes
	operator operator
	field    string // of the request, for errors
	position int    // in that field, -1: the whole of it
}

// text returns the value as a literal.
func (v value) text() string {
	if v.quoted {
		return v.raw
	}
	return unescape(v.raw)
}

// pattern returns the value with its wildcards.
func (v value) pattern() (pattern, *apierror.Error) {
	if v.quoted {
		return literal(v.raw), nil
	}
	parts := splitUnescaped(v.raw, "*")
	if len(parts)-1 > maxStars {
		return pattern{}, v.invalid("a value has at most %d wildcards", maxStars)
	}
	// Two wildcards in a row are one.
	compact := parts[:1]
	for i, part := range parts[1:] {
		if part != "" || i == len(parts)-2 {
			compact = append(compact, part)
		}
	}
	return pattern{parts: compact}, nil
}

// bounds splits from..to, of which one may be missing or *.
func (v value) bounds() (from, to string, ok bool) {
	at := indexUnescaped(v.raw, "..")
	if v.quoted || at < 0 {
		return "", "", false
	}
	from, to = unescape(v.raw[:at]), unescape(v.raw[at+2:])
	if from == "*" {
		from = ""
	}
	if to == "*" {
		to = ""
	}
	return from, to, true
}

// bothBounds builds the conditions of a range, both ends included.
func bothBounds(v value, from, to string, bound func(text string, o operator) (Node, *apierror.Error)) (Node, *apierror.Error) {
	if from == "" && to == "" {
		return nil, v.invalid("a range needs a bound: 1..10, 1.. or ..10")
	}
	var nodes []Node
	for _, end := range []struct {
		text     string
		operator operator
	}{{from, atLeast}, {to, atMost}} {
		if end.text == "" {
			continue
		}
		node, err := bound(end.text, end.operator)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	return all(nodes...), nil
}

func (v value) invalid(format string, args ...any) *apierror.Error {
	if v.position < 0 {
		return apierror.Invalid(v.field, format, args...)
	}
	return apierror.InvalidAt(v.field, v.position, format, args...)
}
