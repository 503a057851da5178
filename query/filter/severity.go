package filter

import (
	"strings"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
)

// severity holds for events of some severities: bit n is severity n.
type severity uint8

const everySeverity = severity(1<<event.Info | 1<<event.Warn | 1<<event.Error | 1<<event.Critical)

// parseSeverity reads ERROR, WARN+, WARNING+, >=WARN, <ERROR and the like.
func parseSeverity(v value) (Node, *apierror.Error) {
	name, plus := strings.CutSuffix(v.text(), "+")
	if name == "*" {
		return everySeverity, nil
	}
	given, ok := event.ParseSeverity(name)
	if !ok {
		return nil, v.invalid("%q is not INFO, WARN, ERROR or CRITICAL, alone or with + for that and worse", v.text())
	}
	if plus && v.operator != equal {
		return nil, v.invalid("write either %s+ or a comparison, not both", given)
	}
	if plus {
		v.operator = atLeast
	}
	var set severity
	for _, s := range event.Severities {
		if v.operator.holds(int(s) - int(given)) {
			set |= 1 << s
		}
	}
	return set, nil
}

func (n severity) has(s event.Severity) bool { return n&(1<<s) != 0 }

func (n severity) match(s *Subject) bool { return n.has(s.event.Severity) }

func (n severity) sql(b *Builder) {
	if n == 0 { // As of severity:<INFO.
		b.Write("0")
		return
	}
	b.Write("severity IN (")
	first := true
	for _, s := range event.Severities {
		if n.has(s) {
			if !first {
				b.Write(", ")
			}
			b.Write("'", s.String(), "'")
			first = false
		}
	}
	b.Write(")")
}

func (n severity) canonical(out []byte, _ bool) []byte {
	out = append(out, "severity:"...)
	for _, from := range event.Severities {
		if n == everySeverity&^(1<<from-1) && from != event.Critical {
			return append(append(out, from.String()...), '+')
		}
	}
	var names [][]byte
	for _, s := range event.Severities {
		if n.has(s) {
			names = append(names, []byte(s.String()))
		}
	}
	if names == nil {
		return append(out, "<INFO"...)
	}
	return appendSorted(out, names, " OR ")
}

func (n severity) visit(f func(Node)) { f(n) }

func (n severity) narrowedBy(bool) indexes { return 0 }

func (n severity) mark(s *Subject, holds bool, m *marks) {
	if name := s.event.Severity.String(); holds {
		m.field("severity", name, span{0, len(name)})
	}
}
