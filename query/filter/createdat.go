package filter

import (
	"time"

	"daybook/pkg/apierror"
)

// createdAt compares when the event happened with one instant.
type createdAt struct {
	operator operator // never equal: an instant is a range of one microsecond
	moment   Moment
}

// parseCreatedAt reads >2026-01-02T15:04:05Z, now-1d..now, 2026-01-02T15:04:05Z.
func parseCreatedAt(v value, clock Clock) (Node, *apierror.Error) {
	if !v.quoted && v.operator == equal {
		if v.raw == "*" {
			return createdAt{operator: atLeast, moment: Moment{Time: minTime, Written: minTime.Format(time.RFC3339)}}, nil
		}
		if from, to, ok := v.bounds(); ok {
			return bothBounds(v, from, to, func(text string, o operator) (Node, *apierror.Error) {
				return createdAtBound(v, text, o, clock)
			})
		}
		lower, err := createdAtBound(v, v.text(), atLeast, clock)
		if err != nil {
			return nil, err
		}
		upper, _ := createdAtBound(v, v.text(), atMost, clock)
		return all(lower, upper), nil
	}
	return createdAtBound(v, v.text(), v.operator, clock)
}

func createdAtBound(v value, text string, o operator, clock Clock) (Node, *apierror.Error) {
	moment, err := clock.Parse(text)
	if err != nil {
		return nil, v.invalid("%v", err)
	}
	return createdAt{operator: o, moment: moment}, nil
}

func (n createdAt) match(s *Subject) bool {
	return n.operator.holds(s.event.CreatedAt.Compare(n.moment.Time))
}

func (n createdAt) sql(b *Builder) {
	b.Write("created_at ", n.operator.String(), " ")
	b.Time(n.moment.Time)
}

func (n createdAt) canonical(out []byte, resolved bool) []byte {
	out = append(append(out, "createdAt:"...), n.operator.String()...)
	if resolved {
		return n.moment.Time.UTC().AppendFormat(out, time.RFC3339Nano)
	}
	return append(append(append(out, n.moment.Written...), '@'), n.moment.zone...)
}

func (n createdAt) visit(f func(Node)) { f(n) }

func (n createdAt) narrowedBy(bool) indexes { return 0 } // The key is always used.

func (n createdAt) mark(*Subject, bool, *marks) {} // An instant is no place in a text.
