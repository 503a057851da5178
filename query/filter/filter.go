package filter

import (
	"slices"
	"time"

	"daybook/pkg/event"
)

// Filter says which events. The zero Filter is every event of the tenant that
// is retained.
type Filter struct {
	Root Node // nil: no condition but the times
	// From is the first instant of the range, To the first instant after it.
	From, To Moment
	Zone     *time.Location // in which its days are meant; nil: none was named
}

// Moment is one end of a time range. The zero Moment is no bound.
type Moment struct {
	Time    time.Time // whole microseconds
	Written string    // as the request said it: now-15m
	zone    string    // in which that was meant
}

// IsZero reports whether the moment bounds nothing.
func (m Moment) IsZero() bool { return m.Written == "" && m.Time.IsZero() }

// Match reports whether the filter accepts the event. It doesn't look at the
// tenant: who may see the event is decided before.
func (f *Filter) Match(e *event.Event) bool {
	var s Subject
	s.Reset(e)
	return f.MatchSubject(&s)
}

// MatchSubject is Match for an event that many filters look at.
func (f *Filter) MatchSubject(s *Subject) bool {
	if !f.From.IsZero() && s.event.CreatedAt.Before(f.From.Time) {
		return false
	}
	if !f.To.IsZero() && !s.event.CreatedAt.Before(f.To.Time) {
		return false
	}
	return f.Root == nil || f.Root.match(s)
}

// Canonical returns a text that equal filters share and others don't: the key
// of a group of equal filters. Relative times stand in it as the instants they
// meant when the filter was read.
func (f *Filter) Canonical() string { return string(f.canonical(true)) }

// Identity is Canonical with relative times as they were written: the same for
// the next page of a search over the last 15 minutes. Cursors are bound to it.
func (f *Filter) Identity() string { return string(f.canonical(false)) }

func (f *Filter) canonical(resolved bool) []byte {
	var nodes And
	if !f.From.IsZero() {
		nodes = append(nodes, createdAt{operator: atLeast, moment: f.From})
	}
	if !f.To.IsZero() {
		nodes = append(nodes, createdAt{operator: below, moment: f.To})
	}
	root := all(append(nodes, f.Root)...)
	if root == nil {
		return nil
	}
	return root.canonical(nil, resolved)
}

// And returns the filter narrowed by another: both must accept an event.
func (f *Filter) And(other *Filter) *Filter {
	narrowed := &Filter{Root: all(f.Root, other.Root), From: f.From, To: f.To, Zone: f.Zone}
	if f.From.IsZero() || other.From.Time.After(f.From.Time) {
		narrowed.From = other.From
	}
	if f.To.IsZero() || !other.To.IsZero() && other.To.Time.Before(f.To.Time) {
		narrowed.To = other.To
	}
	if f.Zone == nil {
		narrowed.Zone = other.Zone
	}
	return narrowed
}

// Columns reports whether the filter's conditions, its times aside, are on the
// named columns only, as a rollup needs it.
func (f *Filter) Columns(names ...string) bool {
	only := true
	if f.Root != nil {
		f.Root.visit(func(leaf Node) { only = only && slices.Contains(names, columnOf(leaf)) })
	}
	return only
}

// columnOf returns the column a leaf reads where it reads just one that
// rollups may have, and "" otherwise.
func columnOf(leaf Node) string {
	switch leaf := leaf.(type) {
	case header:
		return leaf.field.Column
	case severity:
		return "severity"
	}
	return ""
}

// Subject is an event under examination. What filters derive from its payload
// is derived once, on first need, however many filters ask. A Subject can be
// reused for event after event and then keeps its memory.
type Subject struct {
	event       *event.Event
	text        []byte // the payload as text search sees it
	folded      bool
	addressable addressability
}

// Reset makes e the event under examination.
func (s *Subject) Reset(e *event.Event) {
	s.event, s.folded, s.addressable = e, false, unknown
}

// searchText returns the payload as the column payload_text holds it.
func (s *Subject) searchText() []byte {
	if !s.folded {
		s.text = event.SearchText(s.text[:0], s.event.Payload)
		s.folded = true
	}
	return s.text
}
