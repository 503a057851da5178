package filter

import "strings"

// operator compares a value of an event with a value of the filter.
type operator uint8

const (
	equal operator = iota
	above
	atLeast
	below
	atMost
)

var operatorTexts = [...]string{equal: "", above: ">", atLeast: ">=", below: "<", atMost: "<="}

// String returns the operator as q and SQL spell it; equal, which q leaves
// out, is empty.
func (o operator) String() string { return operatorTexts[o] }

// holds reports whether the operator accepts a comparison's outcome.
func (o operator) holds(order int) bool {
	switch o {
	case above:
		return order > 0
	case atLeast:
		return order >= 0
	case below:
		return order < 0
	case atMost:
		return order <= 0
	default:
		return order == 0
	}
}

// cutOperator takes a comparison off the front of a value.
func cutOperator(raw string) (operator, string) {
	for _, o := range []operator{atLeast, atMost, above, below} {
		if rest, ok := strings.CutPrefix(raw, o.String()); ok {
			return o, rest
		}
	}
	return equal, raw
}
