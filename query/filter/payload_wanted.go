package filter

import (
	"bytes"
	"math"
	"strconv"
	"strings"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
)

// isNumberSQL and isStringSQL test the JSON text x.
const (
	isNumberSQL = "JSONType(x) IN ('Int64', 'UInt64', 'Double')"
	isStringSQL = "JSONType(x) = 'String'"
)

// reads asks for a string that matches a pattern, or a number or boolean that
// equals it.
type reads struct {
	pattern pattern
	number  float64 // NaN: the pattern is no number
}

func (w reads) needle() []byte {
	if !math.IsNaN(w.number) {
		return nil // 450 may stand there as 450.00.
	}
	return []byte(event.FoldText(w.pattern.longest()))
}

func (w reads) sql(b *Builder) {
	b.Write(isStringSQL, " AND ")
	w.pattern.sql(b, "JSONExtractString(x)")
	switch word, _ := w.pattern.exact(); {
	case !math.IsNaN(w.number):
		b.Write(" OR ", isNumberSQL, " AND JSONExtractFloat(x) = ")
		b.Float(w.number)
	case word == "true" || word == "false":
		b.Write(" OR x = '", word, "'")
	}
}

func (w reads) match(raw []byte) bool {
	switch kindOf(raw) {
	case stringKind:
		return w.pattern.match(stringContent(raw))
	case numberKind:
		number, err := strconv.ParseFloat(string(raw), 64)
		return err == nil && number == w.number
	default:
		word, ok := w.pattern.exact()
		return ok && (word == "true" || word == "false") && bytes.Equal(raw, []byte(word))
	}
}

func (w reads) places(content string) []span { return w.pattern.places(content) }

func (w reads) canonical(out []byte) []byte { return w.pattern.canonical(out) }

// comparison compares a number with numbers, and any other text with strings,
// byte by byte.
type comparison struct {
	operator operator
	bound    string
	number   float64 // NaN: the bound is no number
}

func newComparison(v value, o operator, bound string) (comparison, *apierror.Error) {
	if bound == "" {
		return comparison{}, v.invalid("%s must be followed by a number or a text", o)
	}
	return comparison{operator: o, bound: bound, number: jsonNumber(bound)}, nil
}

func (c comparison) isNumber() bool { return !math.IsNaN(c.number) }

// comparisons asks for a value that satisfies each of one or two comparisons.
type comparisons []comparison

func (w comparisons) needle() []byte { return nil }

func (w comparisons) sql(b *Builder) {
	if w[0].isNumber() {
		b.Write(isNumberSQL)
	} else {
		b.Write(isStringSQL)
	}
	for _, c := range w {
		if c.isNumber() {
			b.Write(" AND JSONExtractFloat(x) ", c.operator.String(), " ")
			b.Float(c.number)
		} else {
			b.Write(" AND JSONExtractString(x) ", c.operator.String(), " ")
			b.Text(c.bound)
		}
	}
}

func (w comparisons) match(raw []byte) bool {
	switch kindOf(raw) {
	case stringKind:
		content := stringContent(raw)
		for _, c := range w {
			if c.isNumber() || !c.operator.holds(strings.Compare(content, c.bound)) {
				return false
			}
		}
		return true
	case numberKind:
		number, err := strconv.ParseFloat(string(raw), 64)
		for _, c := range w {
			if err != nil || !c.isNumber() || !c.operator.holds(order(number, c.number)) {
				return false
			}
		}
		return true
	default:
		return false
	}
}

func (w comparisons) places(content string) []span { return []span{{0, len(content)}} }

func order(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (w comparisons) canonical(out []byte) []byte {
	if len(w) == 2 {
		out = appendEscaped(out, w[0].bound, true)
		return appendEscaped(append(out, ".."...), w[1].bound, true)
	}
	return appendValue(append(out, w[0].operator.String()...), w[0].bound)
}

// kind is the type of a JSON value.
type kind uint8

const (
	otherKind kind = iota
	stringKind
	numberKind
)

func kindOf(raw []byte) kind {
	switch c := raw[0]; {
	case c == '"':
		return stringKind
	case c == '-' || '0' <= c && c <= '9':
		return numberKind
	default:
		return otherKind
	}
}

// jsonNumber reads text as JSON spells numbers, and returns NaN for any other.
func jsonNumber(text string) float64 {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || strings.ContainsAny(digits, "xXpP_") ||
		len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' {
		return math.NaN()
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return math.NaN()
	}
	return number
}
