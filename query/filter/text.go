package filter

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"daybook/pkg/event"
)

// text holds where the payload contains a string, in any case, with JSON's
// escapes decoded.
type text struct {
	needle []byte // as payload_text would hold it
}

// Has returns the filter for events whose payload has the text in it, as a
// quoted string of q finds it.
func Has(written string) *Filter { return &Filter{Root: newText(written)} }

func newText(written string) text { return text{needle: []byte(event.FoldText(written))} }

func (n text) match(s *Subject) bool { return bytes.Contains(s.searchText(), n.needle) }

func (n text) sql(b *Builder) { containsSQL(b, n.needle) }

// containsSQL finds a needle anywhere in payload_text. Of the forms that do,
// LIKE is the one that the index of 4-grams narrows (schema's ix_text); the
// server searches with the same algorithm as position() once it looks at texts.
func containsSQL(b *Builder, needle []byte) {
	b.Write("payload_text LIKE ")
	b.Text("%" + likeEscape.Replace(string(needle)) + "%")
}

var likeEscape = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

func (n text) canonical(out []byte, _ bool) []byte { return appendQuoted(out, string(n.needle)) }

func (n text) visit(f func(Node)) { f(n) }

func (n text) narrowedBy(holds bool) indexes {
	if holds && utf8.RuneCount(n.needle) >= textIndexRunes {
		return onText
	}
	return 0
}

func (n text) mark(s *Subject, holds bool, m *marks) {
	if holds {
		m.text(s, n.needle)
	}
}
