package filter

import (
	"bytes"
	"strings"

	"daybook/pkg/event"
)

// text holds where the payload contains a string, in any case, with JSON's
// escapes decoded.
type text struct {
	needle []byte // as payload_text would hold it
}

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
