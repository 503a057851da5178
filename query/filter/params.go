package filter

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"daybook/pkg/apierror"
)

// maxParameters bounds the names and values of one request.
const maxParameters = 2 * maxLeaves

// Parse reads a filter from query parameters. Times relative to now are
// resolved. Parameters that are neither of the filter nor in others are
// refused, so that a misspelt filter never shows everything. Its error is an *apierror.Error
// that names every faulty parameter.
func Parse(values url.Values, now time.Time, others ...string) (*Filter, error) {
	return parse(context.Background(), Asker{}, values, now, others)
}

func parse(ctx context.Context, asker Asker, values url.Values, now time.Time, others []string) (*Filter, error) {
	r := reader{values: values, presets: asker.Preset != nil}
	r.now.keyID = asker.KeyID
	r.clock(now)
	for _, name := range sortedKeys(values) {
		if !slices.Contains(others, name) {
			r.parameter(name, values[name])
		}
	}
	r.times()
	if err := r.narrowByPreset(ctx, asker); err != nil {
		return nil, err
	}
	if r.err == nil {
		if err := bounded(r.filter.Root); err != nil {
			r.add(err)
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	return &r.filter, nil
}

// Values splits a URL's query. Unlike url.URL.Query it loses nothing silently: a
// semicolon is a character like any other, as browsers have it, and a broken
// escape is a fault.
func Values(rawQuery string) (url.Values, error) {
	values, err := url.ParseQuery(strings.ReplaceAll(rawQuery, ";", "%3B"))
	if err != nil {
		return nil, apierror.Invalid(unreadable(rawQuery), "can't be read: %v", err)
	}
	return values, nil
}

// unreadable returns the name of the first parameter with a broken escape.
func unreadable(rawQuery string) string {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, _ := strings.Cut(pair, "=")
		unescaped, err := url.QueryUnescape(name)
		if err != nil {
			return strings.ToValidUTF8(name, "\uFFFD")
		}
		if _, err := url.QueryUnescape(value); err != nil {
			return strings.ToValidUTF8(unescaped, "\uFFFD")
		}
	}
	return "query"
}

func sortedKeys(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reader collects a filter and every fault of the parameters it comes from.
type reader struct {
	values  url.Values
	presets bool // preset is a parameter
	now     reading
	filter  Filter
	err     *apierror.Error
	count   int
}

// reading is what values are read against: the clock, and the caller's key.
type reading struct {
	Clock
	keyID string
}

func (r *reader) add(err *apierror.Error) {
	if r.err == nil {
		r.err = err
		return
	}
	r.err.Detail += "; " + err.Detail
	r.err.Fields = append(r.err.Fields, err.Fields...)
}

func (r *reader) invalid(field, format string, args ...any) {
	r.add(apierror.Invalid(field, format, args...))
}

// one returns the value of a parameter that is given once at most.
func (r *reader) one(name string) string {
	values := r.values[name]
	if len(values) > 1 {
		r.invalid(name, "is given %d times, once is allowed", len(values))
		return ""
	}
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

func (r *reader) clock(now time.Time) {
	r.now.Clock = Clock{Now: now, Zone: time.UTC}
	if name := r.one("tz"); name != "" {
		zone, err := Zone(name)
		if err != nil {
			r.invalid("tz", "%v", err)
			return
		}
		r.now.Zone, r.filter.Zone = zone, zone
	}
}

func (r *reader) parameter(name string, values []string) {
	if r.count += len(values); r.count > maxParameters {
		if r.count-len(values) <= maxParameters {
			r.invalid(strings.ToValidUTF8(name, "�"), "the request has more than %d values", maxParameters)
		}
		return
	}
	for _, v := range append([]string{name}, values...) {
		if !utf8.ValidString(v) {
			r.invalid(strings.ToValidUTF8(name, "�"), "is not valid UTF-8")
			return
		}
	}
	switch {
	case !slices.Contains(Parameters, name) || name == "severity":
		r.leaf(name, values)
	case name == "q":
		node, err := parseQuery(r.one("q"), r.now)
		if err != nil {
			r.add(err)
			return
		}
		r.filter.Root = all(r.filter.Root, node)
	case name == "preset" && !r.presets:
		r.invalid(name, "is not a parameter of this call")
	}
}

// leaf reads a parameter that is a field: eventType, severity, attr.PATH.
func (r *reader) leaf(name string, given []string) {
	field, operator, given := attributeOperator(name, given)
	build, ok := parameterOf(field)
	if !ok {
		r.invalid(name, "is not a parameter of this call")
		return
	}
	if len(given) > maxLeaves {
		r.invalid(name, "has %d values, at most %d are allowed", len(given), maxLeaves)
		return
	}
	var values []value
	for _, text := range given {
		if text == "" && operator == equal { // As a form with an empty field sends it.
			continue
		}
		v := value{raw: text, operator: operator, field: name, position: -1}
		if len(text) > maxValueBytes {
			r.invalid(name, "a value has at most %d bytes, this one has %d", maxValueBytes, len(text))
			return
		}
		switch {
		case name == "severity":
			// A + that nobody escaped arrives as a space.
			if bare, ok := strings.CutSuffix(text, " "); ok {
				v.raw = bare + "+"
			}
			v.operator, v.raw = cutOperator(v.raw)
		case strings.HasPrefix(field, PayloadPrefix) && operator == equal:
			v.operator, v.raw = cutOperator(v.raw)
		}
		values = append(values, v)
	}
	if len(values) == 0 {
		return
	}
	node, err := build(values, r.now)
	if err != nil {
		r.add(err)
		return
	}
	r.filter.Root = all(r.filter.Root, node)
}

// parameterOf returns what builds the leaf of a parameter: a field under its
// own name only, or payload.PATH.
func parameterOf(name string) (builder, bool) {
	_, isField := FieldByName(name)
	if isField || name == "severity" || strings.HasPrefix(name, PayloadPrefix) {
		return leafOf(name)
	}
	return nil, false
}

// attributeOperator reads the forms that attr.PATH takes beside attr.PATH=VALUE:
// attr.amount>100 has the comparison in its name and no value, and attr.amount>=100
// has half of it there. Its name becomes payload.PATH.
func attributeOperator(name string, given []string) (string, operator, []string) {
	path, ok := strings.CutPrefix(name, "attr.")
	if !ok {
		return name, equal, given
	}
	for _, o := range []operator{above, below} {
		if before, after, found := cutUnescaped(path, o.String()); found {
			bound, orEqual := strings.CutPrefix(after, "=")
			switch {
			case after == "" && (len(given) != 1 || given[0] != ""):
				o++ // attr.amount>=100: the = was taken for that of the parameter.
				return PayloadPrefix + before, o, given
			case orEqual:
				o++
			}
			return PayloadPrefix + before, o, []string{bound}
		}
	}
	return PayloadPrefix + path, equal, given
}

func cutUnescaped(s, separator string) (before, after string, found bool) {
	at := indexUnescaped(s, separator)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(separator):], true
}

// times reads from and to.
func (r *reader) times() {
	r.filter.From = r.moment("from")
	r.filter.To = r.moment("to")
	if !r.filter.From.IsZero() && !r.filter.To.IsZero() && r.filter.From.Time.After(r.filter.To.Time) {
		r.invalid("from", "%s is after to (%s)", r.filter.From.Written, r.filter.To.Written)
	}
}

func (r *reader) moment(name string) Moment {
	text := r.one(name)
	if text == "" {
		return Moment{}
	}
	m, err := r.now.Parse(text)
	if err != nil {
		r.invalid(name, "%v", err)
	}
	return m
}

// Zone returns the IANA time zone of that name.
func Zone(name string) (*time.Location, error) {
	if isZoneName(name) {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, fmt.Errorf("%.64q is not a time zone: write an IANA name like Europe/Prague", name)
}

// isZoneName reports whether a name looks like IANA's. LoadLocation reads any
// file of its folders: localtime and Local, which are this machine's, and right/UTC, whose
// clock counts leap seconds, are there as well.
func isZoneName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || part[0] < 'A' || part[0] > 'Z' {
			return false
		}
	}
	return name != "Local"
}
