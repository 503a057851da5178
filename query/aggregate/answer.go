package aggregate

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"daybook/query/statement"
)

// appendAnswer writes the answer to a request (CONTRACT 5.1). previous is nil
// unless it was asked for; its series are those of the answer, one by one.
func appendAnswer(out []byte, r *request, now, previous *result, source string, usage statement.Usage, began time.Time) []byte {
	out = append(out, `{"series":[`...)
	for i, s := range now.series {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendGroup(append(out, `{"group":`...), r, s)
		out = r.appendPoints(append(out, `,"points":`...), s, now.grid)
		out = appendValues(append(out, `,"totals":`...), r.values(s.totals, now.grid.length(), fillZero))
		if previous != nil {
			before := s.previous
			if before == nil {
				before = &series{points: make([][]*float64, previous.grid.count())}
			}
			out = r.appendPoints(append(out, `,"previous":`...), before, previous.grid)
			out = appendValues(append(out, `,"previousTotals":`...), r.values(before.totals, previous.grid.length(), fillZero))
		}
		out = append(out, '}')
	}
	out = appendValues(append(out, `],"totals":`...), r.values(now.totals, now.grid.length(), fillZero))
	if previous != nil {
		out = appendValues(append(out, `,"previousTotals":`...), r.values(previous.totals, previous.grid.length(), fillZero))
	}
	out = append(out, `,"meta":{"bucket":`...)
	if r.single {
		out = append(out, "null"...)
	} else {
		out = strconv.AppendQuote(out, r.bucket.name)
	}
	out = appendTime(append(out, `,"from":`...), now.grid.from)
	out = appendTime(append(out, `,"to":`...), now.grid.to)
	if previous != nil {
		out = appendTime(append(out, `,"previousFrom":`...), previous.grid.from)
	}
	out = append(append(append(out, `,"source":"`...), source...), `","exact":true,"partial":false,"rowsRead":`...)
	out = strconv.AppendUint(out, usage.RowsRead, 10)
	out = append(out, `,"elapsedMs":`...)
	out = strconv.AppendFloat(out, statement.Milliseconds(time.Since(began)), 'f', -1, 64)
	return append(out, "}}"...)
}

func (g grid) length() float64 { return g.to.Sub(g.from).Seconds() }

// appendGroup writes the group's values by field: null where a payload lacks
// it. What isn't among the top groups has "other" beside no field.
func appendGroup(out []byte, r *request, s *series) []byte {
	if s.other {
		return append(out, `{},"other":true`...)
	}
	out = append(out, '{')
	for i, d := range r.groupBy {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(out, d.name), ':')
		if value, ok := d.value(s.keys[i]); ok {
			out = appendText(out, value)
		} else {
			out = append(out, "null"...)
		}
	}
	return append(out, '}')
}

func (r *request) appendPoints(out []byte, s *series, g grid) []byte {
	out = append(out, '[')
	first := true
	for i, parts := range s.points {
		if parts == nil && r.fill == fillNone {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = appendTime(append(out, `{"start":`...), g.edges[i])
		out = append(appendValues(append(out, `,"values":`...), r.values(parts, g.seconds(i), r.fill)), '}')
	}
	return append(out, ']')
}

func appendValues(out []byte, values []*float64) []byte {
	out = append(out, '[')
	for i, v := range values {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendNumber(out, v)
	}
	return append(out, ']')
}

// appendNumber writes whole numbers without a fraction. What JSON has no
// number for is null.
func appendNumber(out []byte, v *float64) []byte {
	switch {
	case v == nil, math.IsNaN(*v), math.IsInf(*v, 0):
		return append(out, "null"...)
	case *v == math.Trunc(*v) && math.Abs(*v) < 1<<53:
		return strconv.AppendInt(out, int64(*v), 10)
	default:
		return strconv.AppendFloat(out, *v, 'g', -1, 64)
	}
}

func appendTime(out []byte, t time.Time) []byte {
	out = append(out, '"')
	return append(t.UTC().AppendFormat(out, time.RFC3339Nano), '"')
}

func appendText(out []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // A string always has a JSON form.
	return append(out, quoted...)
}
