package filter

import (
	"slices"
	"strings"

	"daybook/pkg/event"
)

// Field is a text of the event that filters, groupings and metrics can name.
type Field struct {
	Name    string // in JSON, in parameters and in q
	Short   string // a second name in q
	Column  string
	Example string
	Get     func(*event.Event) string
	// identifies says that few events share a value, as a rule: a busy service's
	// are many. single says that one event has it, or a handful.
	identifies, single bool
	// me says that the field may name an API key, and so takes Me.
	me    bool
	index indexes // that finds its values; 0: none
	// fold reads a value as the column spells it; nil: as it is written.
	fold func(string) string
}

// Fields lists the text fields of an event.
var Fields = []*Field{
	{Name: "eventId", Short: "id", Column: "event_id", Example: "evt_abc123", Get: func(e *event.Event) string { return e.EventID }, identifies: true, single: true, index: onEventID},
	{Name: "eventType", Short: "type", Column: "event_type", Example: "login.*", Get: func(e *event.Event) string { return e.EventType }},
	{Name: "category", Column: "category", Example: "auth", Get: func(e *event.Event) string { return e.Category }, fold: strings.ToLower},
	{Name: "source", Column: "source", Example: "billing", Get: func(e *event.Event) string { return e.Source }},
	{Name: "actorType", Column: "actor_type", Example: "USER", Get: func(e *event.Event) string { return e.ActorType }},
	{Name: "actorId", Short: "actor", Column: "actor_id", Example: "billing-pipeline", Get: func(e *event.Event) string { return e.ActorID }, identifies: true, me: true, index: onActorID},
	{Name: "actorName", Column: "actor_name", Example: "Jane*", Get: func(e *event.Event) string { return e.ActorName }},
	{Name: "actorEmail", Column: "actor_email", Example: "*@example.com", Get: func(e *event.Event) string { return e.ActorEmail }, identifies: true},
	{Name: "targetType", Column: "target_type", Example: "INVOICE", Get: func(e *event.Event) string { return e.TargetType }},
	{Name: "targetId", Short: "target", Column: "target_id", Example: "inv_def456", Get: func(e *event.Event) string { return e.TargetID }, identifies: true, me: true, index: onTargetID},
	{Name: "correlationId", Short: "correlation", Column: "correlation_id", Example: "req_jkl012", Get: func(e *event.Event) string { return e.CorrelationID }, identifies: true, single: true, index: onCorrelationID},
	{Name: "ipAddress", Short: "ip", Column: "ip_address", Example: "203.0.113.*", Get: func(e *event.Event) string { return e.IPAddress }, identifies: true},
	{Name: "userAgent", Column: "user_agent", Example: "curl/*", Get: func(e *event.Event) string { return e.UserAgent }},
}

// FieldByName returns the field with that name in JSON.
func FieldByName(name string) (*Field, bool) {
	for _, f := range Fields {
		if f.Name == name {
			return f, true
		}
	}
	return nil, false
}

// Is returns the filter for events whose field is the value, letter by letter.
// The name must be that of one of Fields.
func Is(name, value string) *Filter {
	field, ok := FieldByName(name)
	if !ok {
		panic("filter: no field " + name)
	}
	return &Filter{Root: header{field: field, exact: []string{value}}}
}

// header holds where a text field of the event is one of some values or
// matches one of some patterns.
type header struct {
	field    *Field
	exact    []string // sorted
	patterns []pattern
}

func newHeader(field *Field, patterns []pattern) header {
	h := header{field: field}
	for _, p := range patterns {
		if field.fold != nil {
			parts := make([]string, len(p.parts))
			for i, part := range p.parts {
				parts[i] = field.fold(part)
			}
			p = pattern{parts: parts}
		}
		if text, ok := p.exact(); ok {
			h.exact = append(h.exact, text)
		} else {
			h.patterns = append(h.patterns, p)
		}
	}
	slices.Sort(h.exact)
	h.exact = slices.Compact(h.exact)
	return h
}

func (h header) match(s *Subject) bool {
	text := h.field.Get(s.event)
	if len(h.exact) > 0 {
		if _, found := slices.BinarySearch(h.exact, text); found {
			return true
		}
	}
	for _, p := range h.patterns {
		if p.match(text) {
			return true
		}
	}
	return false
}

func (h header) sql(b *Builder) {
	alternatives := len(h.patterns)
	if len(h.exact) > 0 {
		alternatives++
	}
	if alternatives > 1 {
		b.Write("(")
		defer b.Write(")")
	}
	switch {
	case len(h.exact) == 1:
		literal(h.exact[0]).sql(b, h.field.Column)
	case len(h.exact) > 1:
		b.Write(h.field.Column, " IN ")
		b.Texts(h.exact)
	}
	for i, p := range h.patterns {
		if i > 0 || len(h.exact) > 0 {
			b.Write(" OR ")
		}
		p.sql(b, h.field.Column)
	}
}

func (h header) canonical(out []byte, _ bool) []byte {
	values := make([][]byte, 0, len(h.exact)+len(h.patterns))
	for _, text := range h.exact {
		values = append(values, appendValue(nil, text))
	}
	for _, p := range h.patterns {
		values = append(values, p.canonical(nil))
	}
	return appendSorted(append(append(out, h.field.Name...), ':'), values, " OR ")
}

func (h header) visit(f func(Node)) { f(h) }

// narrowedBy leaves the empty value out: the bloom filters do not know it.
func (h header) narrowedBy(holds bool) indexes {
	if holds && len(h.patterns) == 0 && !slices.Contains(h.exact, "") {
		return h.field.index
	}
	return 0
}

func (h header) mark(s *Subject, holds bool, m *marks) {
	if !holds {
		return
	}
	text := h.field.Get(s.event)
	if _, found := slices.BinarySearch(h.exact, text); found {
		m.field(h.field.Name, text, span{0, len(text)})
	}
	for _, p := range h.patterns {
		if p.match(text) {
			m.field(h.field.Name, text, p.places(text)...)
		}
	}
}
