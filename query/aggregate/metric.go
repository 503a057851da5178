package aggregate

import (
	"strconv"

	"daybook/query/filter"
)

// metric is one number of a group. It is made of parts, which the database
// computes; where parts can be merged, totals are the sum of what is known already.
type metric struct {
	op    string
	field dimension // unless op is count or rate
}

// ops are the metrics there are.
var ops = map[string]struct {
	takesField bool
	number     bool    // the field must be a number of the payload
	quantile   float64 // of p50 and the like
}{
	"count": {}, "rate": {}, "uniq": {takesField: true},
	"sum": {takesField: true, number: true}, "avg": {takesField: true, number: true},
	"min": {takesField: true, number: true}, "max": {takesField: true, number: true},
	"p50": {true, true, 0.5}, "p90": {true, true, 0.9}, "p95": {true, true, 0.95}, "p99": {true, true, 0.99},
}

// counts reports whether the metric needs nothing but the number of events.
func (m metric) counts() bool { return m.op == "count" || m.op == "rate" }

// merges reports whether the parts of a group are those of its subgroups.
func (m metric) merges() bool { return m.op != "uniq" && ops[m.op].quantile == 0 }

// partCount is how many parts the metric has.
func (m metric) partCount() int {
	if m.op == "avg" {
		return 2
	}
	return 1
}

// partsSQL writes the parts, each a Nullable(Float64). events is the
// expression of the number of events.
func (m metric) partsSQL(b *filter.Builder, scope filter.Scope, events string) {
	aggregate := func(function string) {
		b.Write("toNullable(toFloat64(", function, "(")
		m.field.path.NumberSQL(b, scope)
		b.Write(")))")
	}
	switch m.op {
	case "count", "rate":
		b.Write("toNullable(toFloat64(", events, "))")
	case "uniq":
		b.Write("toNullable(toFloat64(uniqExactIf(")
		m.field.keySQL(b)
		b.Write(", ")
		m.field.keySQL(b)
		b.Write(" != '')))") // Absent is no value.
	case "sum", "min", "max":
		aggregate(m.op)
	case "avg":
		aggregate("sum")
		b.Write(", ")
		aggregate("count")
	default:
		aggregate("quantileExact(" + strconv.FormatFloat(ops[m.op].quantile, 'f', -1, 64) + ")")
	}
}

// rankSQL writes the expression by which groups are ranked: what value shows,
// so that a sum of nothing ranks as the zero that it is.
func (m metric) rankSQL(b *filter.Builder, scope filter.Scope, events string) {
	switch m.op {
	case "avg":
		b.Write("avg(")
		m.field.path.NumberSQL(b, scope)
		b.Write(")")
	case "sum":
		b.Write("ifNull(")
		m.partsSQL(b, scope, events)
		b.Write(", 0)")
	default:
		m.partsSQL(b, scope, events)
	}
}

// merge adds the parts of a subgroup.
func (m metric) merge(into, from []*float64) {
	for i, f := range from {
		switch t := into[i]; {
		case f == nil:
		case t == nil:
			copied := *f
			into[i] = &copied
		case m.op == "min":
			*t = min(*t, *f)
		case m.op == "max":
			*t = max(*t, *f)
		default:
			*t += *f
		}
	}
}

// value returns the metric of a group's parts over some seconds. It is nil
// where the group has nothing to measure.
func (m metric) value(parts []*float64, seconds float64) *float64 {
	switch {
	case parts[0] == nil && m.op == "sum":
		return new(float64)
	case parts[0] == nil:
		return nil
	case m.op == "rate":
		if seconds <= 0 {
			return nil
		}
		rate := *parts[0] / seconds
		return &rate
	case m.op == "avg":
		if parts[1] == nil || *parts[1] == 0 {
			return nil
		}
		average := *parts[0] / *parts[1]
		return &average
	}
	return parts[0]
}

// ofNothing returns what fill "zero" shows where there are no events: zero for
// what is counted or summed; an average of nothing isn't zero.
func (m metric) ofNothing() *float64 {
	switch m.op {
	case "count", "rate", "uniq", "sum":
		return new(float64)
	default:
		return nil
	}
}
