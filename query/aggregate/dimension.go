package aggregate

import (
	"strconv"
	"strings"

	"daybook/query/filter"
)

// dimension is what events are grouped by: a field of the event, or a path in
// its payload.
type dimension struct {
	name   string
	column string      // of a field
	path   filter.Path // of a payload's value
}

func parseDimension(name string) (dimension, bool) {
	if name == "severity" {
		return dimension{name: name, column: "severity"}, true
	}
	if f, ok := filter.FieldByName(name); ok {
		return dimension{name: name, column: f.Column}, true
	}
	if raw, ok := strings.CutPrefix(name, filter.PayloadPrefix); ok {
		path, ok := filter.ParsePath(raw)
		return dimension{name: name, path: path}, ok
	}
	return dimension{}, false
}

// keySQL writes an expression of the group's key: a text that tells "no value"
// from every value.
func (d dimension) keySQL(b *filter.Builder) {
	if d.path == nil {
		b.Write("toString(", d.column, ")")
		return
	}
	b.Write("ifNull(concat('=', ")
	d.path.TextSQL(b)
	b.Write("), '')")
}

// value returns what a key stands for, and false for "no value".
func (d dimension) value(key string) (string, bool) {
	if d.path == nil {
		return key, true
	}
	return strings.CutPrefix(key, "=")
}

// groupKeySQL writes one text for a group. Lengths keep ("a", "bc") and
// ("ab", "c") apart, and make no key empty.
func groupKeySQL(b *filter.Builder, groupBy []dimension) {
	b.Write("concat(")
	for i, d := range groupBy {
		if i > 0 {
			b.Write(", ")
		}
		b.Write("toString(length(")
		d.keySQL(b)
		b.Write(")), ':', ")
		d.keySQL(b)
	}
	b.Write(")")
}

// groupKey is what groupKeySQL computes.
func groupKey(keys []string) string {
	var out []byte
	for _, k := range keys {
		out = append(strconv.AppendInt(out, int64(len(k)), 10), ':')
		out = append(out, k...)
	}
	return string(out)
}
