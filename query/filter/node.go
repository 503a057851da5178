package filter

import (
	"bytes"
	"slices"
)

// Node is a condition on an event: a combination of others or one of the
// leaves, of which each has its own file.
type Node interface {
	// match reports whether the event satisfies the condition.
	match(s *Subject) bool
	// sql writes the condition. It is never NULL.
	sql(b *Builder)
	// canonical appends the condition in the grammar of q, such that equal
	// conditions have equal texts. Relative times stay as they were written
	// unless resolved.
	canonical(out []byte, resolved bool) []byte
	// visit calls f for each leaf.
	visit(f func(leaf Node))
	// narrowedBy returns the indexes that find the events for which the condition
	// holds, or doesn't.
	narrowedBy(holds bool) indexes
	// mark collects the places that make the condition hold, or not hold, as it
	// does for the event. Only what must be there has a place.
	mark(s *Subject, holds bool, m *marks)
}

// And holds where each of its nodes holds.
type And []Node

// Or holds where one of its nodes holds.
type Or []Node

// Not holds where its node doesn't.
type Not struct{ Node Node }

// all returns the conjunction of the nodes, nil where there are none.
func all(nodes ...Node) Node {
	var flat And
	for _, n := range nodes {
		switch n := n.(type) {
		case nil:
		case And:
			flat = append(flat, n...)
		default:
			flat = append(flat, n)
		}
	}
	switch len(flat) {
	case 0:
		return nil
	case 1:
		return flat[0]
	}
	return flat
}

// either returns the disjunction of one or more nodes.
func either(nodes ...Node) Node {
	var flat Or
	for _, n := range nodes {
		if or, ok := n.(Or); ok {
			flat = append(flat, or...)
		} else {
			flat = append(flat, n)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return flat
}

func (n And) match(s *Subject) bool {
	for _, c := range n {
		if !c.match(s) {
			return false
		}
	}
	return true
}

func (n Or) match(s *Subject) bool {
	for _, c := range n {
		if c.match(s) {
			return true
		}
	}
	return false
}

func (n Not) match(s *Subject) bool { return !n.Node.match(s) }

func (n And) sql(b *Builder) { joined(b, n, " AND ") }
func (n Or) sql(b *Builder)  { joined(b, n, " OR ") }

func (n Not) sql(b *Builder) {
	b.Write("NOT (")
	n.Node.sql(b)
	b.Write(")")
}

func joined(b *Builder, nodes []Node, operator string) {
	b.Write("(")
	for i, c := range nodes {
		if i > 0 {
			b.Write(operator)
		}
		c.sql(b)
	}
	b.Write(")")
}

func (n And) canonical(out []byte, resolved bool) []byte { return sorted(out, n, " ", resolved) }
func (n Or) canonical(out []byte, resolved bool) []byte  { return sorted(out, n, " OR ", resolved) }

func (n Not) canonical(out []byte, resolved bool) []byte {
	excluded := n.Node.canonical(nil, resolved)
	if excluded[0] == '-' {
		return append(append(append(out, "-("...), excluded...), ')')
	}
	return append(append(out, '-'), excluded...)
}

// sorted appends the nodes' texts.
func sorted(out []byte, nodes []Node, operator string, resolved bool) []byte {
	texts := make([][]byte, len(nodes))
	for i, c := range nodes {
		texts[i] = c.canonical(nil, resolved)
	}
	return appendSorted(out, texts, operator)
}

// appendSorted appends the texts in their own order and each of them once: the
// order in which conditions were given doesn't matter.
func appendSorted(out []byte, texts [][]byte, operator string) []byte {
	slices.SortFunc(texts, bytes.Compare)
	texts = slices.CompactFunc(texts, bytes.Equal)
	if len(texts) == 1 {
		return append(out, texts[0]...)
	}
	out = append(out, '(')
	out = append(out, bytes.Join(texts, []byte(operator))...)
	return append(out, ')')
}

func (n And) visit(f func(Node)) {
	for _, c := range n {
		c.visit(f)
	}
}

func (n Or) visit(f func(Node)) {
	for _, c := range n {
		c.visit(f)
	}
}

func (n Not) visit(f func(Node)) { n.Node.visit(f) }

func (n And) narrowedBy(holds bool) indexes {
	if holds {
		return narrowedByAll(n, holds)
	}
	return narrowedByAny(n, holds)
}

func (n Or) narrowedBy(holds bool) indexes {
	if holds {
		return narrowedByAny(n, holds)
	}
	return narrowedByAll(n, holds)
}

func (n Not) narrowedBy(holds bool) indexes { return n.Node.narrowedBy(!holds) }

func (n And) mark(s *Subject, holds bool, m *marks) { markAny(n, s, holds, m) }
func (n Or) mark(s *Subject, holds bool, m *marks)  { markAny(n, s, holds, m) }
func (n Not) mark(s *Subject, holds bool, m *marks) { n.Node.mark(s, !holds, m) }
