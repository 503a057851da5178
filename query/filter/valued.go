package filter

import "strings"

// Valued is what has values to count or to complete: a field of the event, or a
// path in its payload.
type Valued struct {
	Name   string
	Column string // of a field of the event
	Path   Path   // of a payload's value
}

// ParseValued reads a name as filters have it: actorId, payload.customer.id.
func ParseValued(name string) (Valued, bool) {
	if name == "severity" {
		return Valued{Name: name, Column: "severity"}, true
	}
	if f, ok := FieldByName(name); ok {
		return Valued{Name: name, Column: f.Column}, true
	}
	if raw, ok := strings.CutPrefix(name, PayloadPrefix); ok {
		path, ok := ParsePath(raw)
		return Valued{Name: name, Path: path}, ok
	}
	return Valued{}, false
}
