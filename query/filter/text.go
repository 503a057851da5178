package filter

import (
	"bytes"

	"daybook/pkg/event"
)

// wordIndex says that the events table has a text index of words
// (splitByNonAlpha) on payload_text. Then whole words of a needle narrow the
// search before its text is looked at.
const wordIndex = false

// text holds where the payload contains a string, in any case, with JSON's
// escapes decoded.
type text struct {
	needle []byte // as payload_text would hold it
}

func newText(written string) text { return text{needle: []byte(event.FoldText(written))} }

func (n text) match(s *Subject) bool { return bytes.Contains(s.searchText(), n.needle) }

func (n text) sql(b *Builder) {
	words := wholeWords(n.needle)
	if !wordIndex || len(words) == 0 {
		containsSQL(b, n.needle)
		return
	}
	b.Write("(hasAllTokens(payload_text, ")
	b.Texts(words)
	b.Write(") AND ")
	containsSQL(b, n.needle)
	b.Write(")")
}

func containsSQL(b *Builder, needle []byte) {
	b.Write("position(payload_text, ")
	b.Text(string(needle))
	b.Write(") > 0")
}

// wholeWords returns the words of a needle that whatever contains the needle
// has as whole words too: those with a separator on both sides.
func wholeWords(needle []byte) []string {
	var words []string
	start := -1 // before the first separator everything may be the end of a longer word
	for i, c := range needle {
		if c >= 0x80 || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			continue
		}
		if start >= 0 && start < i {
			words = append(words, string(needle[start:i]))
		}
		start = i + 1
	}
	return words
}

func (n text) canonical(out []byte, _ bool) []byte { return appendQuoted(out, string(n.needle)) }

func (n text) visit(f func(Node)) { f(n) }
