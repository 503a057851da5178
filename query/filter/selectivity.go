package filter

import "slices"

// Selectivity is a guess at how many events a filter's conditions leave, its
// times aside. A search takes its first steps by it; no result depends on it.
type Selectivity uint8

// The guesses, from every event to a few.
const (
	Everything Selectivity = iota // no condition
	Common                        // types, severities and the like
	Scanned                       // texts, patterns, payload fields of which no index knows: anything, at the cost of reading all of them
	Unknown                       // the same where an index leaves out what can't match
	Repeated                      // ids of who acts and what is acted on: one event or every tenth
	Rare                          // ids of one event or a few
)

// Selectivity returns the guess for the filter.
func (f *Filter) Selectivity() Selectivity {
	if f.Root == nil {
		return Everything
	}
	required, ok := f.Root.(And)
	if !ok {
		required = And{f.Root}
	}
	guess := Common
	for _, n := range required {
		if h, ok := n.(header); ok && h.identifies() {
			if h.field.single {
				return Rare
			}
			guess = Repeated
		}
	}
	if guess == Repeated {
		return guess
	}
	f.Root.visit(func(leaf Node) {
		switch leaf := leaf.(type) {
		case severity, createdAt:
		case header:
			if leaf.field.identifies || len(leaf.patterns) > 0 {
				guess = Unknown
			}
		default:
			guess = Unknown
		}
	})
	if guess == Unknown && f.Root.narrowedBy(true) == 0 {
		return Scanned
	}
	return guess
}

// identifies reports whether only events that have one of some ids match.
func (h header) identifies() bool {
	return h.field.identifies && len(h.patterns) == 0 && !slices.Contains(h.exact, "")
}
