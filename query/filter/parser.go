package filter

import (
	"fmt"
	"strings"

	"daybook/pkg/apierror"
)

// Bounds of q and of a filter as a whole: nothing a request says makes a query
// that hangs.
const (
	maxQueryBytes = 8192
	maxDepth      = 32
	maxLeaves     = 1000
	maxScans      = 64 // leaves that read the payload
)

// parser reads q by recursive descent. Positions are byte offsets in q.
type parser struct {
	in    string
	at    int
	depth int
	now   reading
}

// parseQuery reads q. Its answer is nil where q is empty.
func parseQuery(q string, now reading) (Node, *apierror.Error) {
	if len(q) > maxQueryBytes {
		return nil, apierror.Invalid("q", "has %d bytes, at most %d are read", len(q), maxQueryBytes)
	}
	p := &parser{in: q, now: now}
	if p.space(); p.end() {
		return nil, nil
	}
	node, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.end() {
		return nil, p.fault(p.at, "this parenthesis closes nothing")
	}
	return node, nil
}

func (p *parser) fault(at int, format string, args ...any) *apierror.Error {
	return apierror.InvalidAt("q", at, format, args...)
}

func (p *parser) end() bool { return p.at >= len(p.in) }

func (p *parser) space() {
	for !p.end() && isSpace(p.in[p.at]) {
		p.at++
	}
}

// keyword takes a word like OR that stands alone.
func (p *parser) keyword(word string) bool {
	rest, ok := strings.CutPrefix(p.in[p.at:], word)
	if !ok || rest != "" && !isSpace(rest[0]) && !strings.ContainsRune(`()"`, rune(rest[0])) {
		return false
	}
	p.at += len(word)
	p.space()
	return true
}

func (p *parser) or() (Node, *apierror.Error) {
	if p.depth++; p.depth > maxDepth {
		return nil, p.fault(p.at, "is nested deeper than %d levels", maxDepth)
	}
	defer func() { p.depth-- }()
	var alternatives []Node
	for {
		node, err := p.and()
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, node)
		if !p.keyword("OR") {
			return either(alternatives...), nil
		}
	}
}

func (p *parser) and() (Node, *apierror.Error) {
	var nodes []Node
	for {
		p.space()
		if p.end() || p.in[p.at] == ')' {
			break
		}
		start := p.at
		if strings.HasPrefix(p.in[p.at:], "OR") && p.keyword("OR") {
			p.at = start
			break
		}
		if p.keyword("AND") {
			if nodes == nil || p.end() || p.in[p.at] == ')' {
				return nil, p.fault(start, `AND stands between two conditions; write "AND" to search for the word`)
			}
			continue
		}
		node, err := p.not()
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, node)
	}
	if nodes == nil {
		if !p.end() && p.in[p.at] == 'O' {
			return nil, p.fault(p.at, `OR stands between two conditions; write "OR" to search for the word`)
		}
		return nil, p.fault(p.at, "a condition is missing here")
	}
	return all(nodes...), nil
}

func (p *parser) not() (Node, *apierror.Error) {
	start := p.at
	if p.in[p.at] == '-' {
		p.at++
	} else if !p.keyword("NOT") {
		return p.atom()
	}
	if p.end() || isSpace(p.in[p.at]) || p.in[p.at] == ')' {
		return nil, p.fault(start, `there is nothing to exclude here; write "-" to search for the sign`)
	}
	if p.in[p.at] == '-' {
		return nil, p.fault(start, `one - excludes; to search for a text that begins with -- write it in quotes`)
	}
	node, err := p.atom()
	if err != nil {
		return nil, err
	}
	return Not{node}, nil
}

func (p *parser) atom() (Node, *apierror.Error) {
	start := p.at
	switch p.in[p.at] {
	case '(':
		p.at++
		node, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.end() {
			return nil, p.fault(start, "this parenthesis is never closed")
		}
		p.at++
		return node, nil
	case '"':
		quoted, err := p.quoted()
		if err != nil {
			return nil, err
		}
		return p.text(start, quoted)
	}
	raw := p.word()
	if colon := fieldEnd(raw); colon >= 0 {
		p.at = start + colon + 1
		return p.field(start, raw[:colon])
	}
	return p.text(start, unescape(raw))
}

// text returns the leaf of a word or a quoted string.
func (p *parser) text(at int, written string) (Node, *apierror.Error) {
	switch {
	case written == "":
		return nil, p.fault(at, "there is no text to search for")
	case len(written) > maxValueBytes:
		return nil, p.fault(at, "a text has at most %d bytes, this one has %d", maxValueBytes, len(written))
	}
	return newText(written), nil
}

// word takes everything up to a space, a parenthesis or a quote. It is empty
// only where one of those, or the end, stands.
func (p *parser) word() string {
	start := p.at
	for !p.end() && !isSpace(p.in[p.at]) && !strings.ContainsRune(`()"`, rune(p.in[p.at])) {
		if escapes(p.in, p.at) {
			p.at++
		}
		p.at++
	}
	return p.in[start:p.at]
}

// quoted takes a quoted string. Inside it \" and \\ are escapes, any other
// backslash is itself.
func (p *parser) quoted() (string, *apierror.Error) {
	start := p.at
	var out []byte
	for p.at++; !p.end(); p.at++ {
		c := p.in[p.at]
		if c == '"' {
			p.at++
			return string(out), nil
		}
		if c == '\\' && p.at+1 < len(p.in) && (p.in[p.at+1] == '"' || p.in[p.at+1] == '\\') {
			p.at++
			c = p.in[p.at]
		}
		out = append(out, c)
	}
	return "", p.fault(start, "this quote is never closed")
}

// fieldEnd returns where the colon stands that ends a field's name, or -1
// where a word is just text: 10:30, https://example.com.
func fieldEnd(raw string) int {
	colon := indexUnescaped(raw, ":")
	if colon <= 0 || strings.HasPrefix(raw[colon:], "://") {
		return -1
	}
	if c := raw[0] | 0x20; c < 'a' || c > 'z' {
		return -1
	}
	return colon
}

// field reads what follows a field's colon.
func (p *parser) field(start int, name string) (Node, *apierror.Error) {
	build, ok := leafOf(name)
	if !ok {
		return nil, p.fault(start, "%q is not a field: fields are %s; to search for the text, write it in quotes", name, fieldNames())
	}
	if p.end() || p.in[p.at] != '(' {
		v, err := p.value(name)
		if err != nil {
			return nil, err
		}
		return build([]value{v}, p.now)
	}
	opened := p.at
	p.at++
	var values []value
	for {
		p.space()
		if p.end() {
			return nil, p.fault(opened, "this parenthesis is never closed")
		}
		if p.in[p.at] == ')' {
			p.at++
			break
		}
		if len(values) > 0 && p.keyword("OR") && (p.end() || p.in[p.at] == ')') {
			return nil, p.fault(p.at, "a value is missing here")
		}
		v, err := p.value(name)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	if values == nil {
		return nil, p.fault(opened, "%s needs a value", name)
	}
	return build(values, p.now)
}

func (p *parser) value(name string) (value, *apierror.Error) {
	v := value{field: "q", position: p.at}
	v.operator, _ = cutOperator(p.in[p.at:])
	p.at += len(v.operator.String())
	if !p.end() && p.in[p.at] == '"' {
		quoted, err := p.quoted()
		if err != nil {
			return v, err
		}
		v.raw, v.quoted = quoted, true
	} else if v.raw = p.word(); v.raw == "" {
		return v, p.fault(p.at, `%s needs a value: %s:x, %s:* where it is present, or %s:"" where it is empty`, name, name, name, name)
	}
	if len(v.raw) > maxValueBytes {
		return v, v.invalid("a value has at most %d bytes, this one has %d", maxValueBytes, len(v.raw))
	}
	return v, nil
}

// bounded holds a filter to its bounds.
func bounded(root Node) *apierror.Error {
	leaves, scans := 0, 0
	if root != nil {
		root.visit(func(leaf Node) {
			leaves++
			switch leaf := leaf.(type) {
			case text, payload, present:
				scans++
			case header:
				leaves += len(leaf.exact) + len(leaf.patterns) - 1
				scans += len(leaf.patterns) / 8
			}
		})
	}
	field, what := "", ""
	switch {
	case leaves > maxLeaves:
		field, what = "q", fmt.Sprintf("a filter has at most %d values, this one has %d", maxLeaves, leaves)
	case scans > maxScans:
		field, what = "q", fmt.Sprintf("a filter has at most %d texts, patterns and payload fields, this one has %d", maxScans, scans)
	default:
		return nil
	}
	return apierror.Invalid(field, "%s", what)
}
