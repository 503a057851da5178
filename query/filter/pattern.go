package filter

import (
	"strings"
)

// maxStars bounds the wildcards of one pattern.
const maxStars = 8

// A pattern is a text to be equal to, in which * stands for anything. It is
// matched in one pass however many wildcards it has.
type pattern struct {
	parts []string // between the wildcards; one part: no wildcard
}

func literal(text string) pattern { return pattern{parts: []string{text}} }

func (p pattern) exact() (string, bool) {
	if len(p.parts) == 1 {
		return p.parts[0], true
	}
	return "", false
}

// anything reports whether the pattern is *, which stands for "present".
func (p pattern) anything() bool { return len(p.parts) == 2 && p.parts[0] == "" && p.parts[1] == "" }

// prefix returns the text of a pattern like login.*.
func (p pattern) prefix() (string, bool) {
	if len(p.parts) == 2 && p.parts[1] == "" {
		return p.parts[0], true
	}
	return "", false
}

// longest returns the longest text that whatever matches must contain.
func (p pattern) longest() string {
	var longest string
	for _, part := range p.parts {
		if len(part) > len(longest) {
			longest = part
		}
	}
	return longest
}

func (p pattern) match(text string) bool {
	if p.anything() {
		return text != ""
	}
	if len(p.parts) == 1 {
		return text == p.parts[0]
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

// sql writes the condition on an expression that is never NULL.
func (p pattern) sql(b *Builder, expression string) {
	if text, ok := p.exact(); ok {
		b.Write(expression, " = ")
		b.Text(text)
		return
	}
	if p.anything() {
		b.Write(expression, " != ''")
		return
	}
	if text, ok := p.prefix(); ok {
		b.Write("startsWith(", expression, ", ")
		b.Text(text)
		b.Write(")")
		return
	}
	like := make([]string, len(p.parts))
	for i, part := range p.parts {
		like[i] = likeEscaper.Replace(part)
	}
	b.Write(expression, " LIKE ")
	b.Text(strings.Join(like, "%"))
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// canonical appends the pattern as a value of q.
func (p pattern) canonical(out []byte) []byte {
	if text, ok := p.exact(); ok {
		return appendValue(out, text)
	}
	for i, part := range p.parts {
		if i > 0 {
			out = append(out, '*')
		}
		out = appendEscaped(out, part, false)
	}
	return out
}

// places returns what of a text that matches the pattern spells: all of it, or
// where there are wildcards, what stands between them.
func (p pattern) places(text string) []span {
	if len(p.parts) == 1 || p.anything() {
		return []span{{0, len(text)}}
	}
	first, last := p.parts[0], p.parts[len(p.parts)-1]
	spans := []span{{0, len(first)}}
	at := len(first)
	for _, part := range p.parts[1 : len(p.parts)-1] {
		at += strings.Index(text[at:], part)
		spans = append(spans, span{at, at + len(part)})
		at += len(part)
	}
	return append(spans, span{len(text) - len(last), len(text)})
}
