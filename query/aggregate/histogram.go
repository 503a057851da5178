package aggregate

import (
	"net/http"
	"strconv"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
)

// histogramTop is how many values of a field other than severity a histogram
// tells apart.
const histogramTop = 20

// ServeHistogram answers GET /api/v1/events/histogram.
func (s *Service) ServeHistogram(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	request, err := s.histogramRequest(r)
	if err != nil {
		return err
	}
	var usage statement.Usage
	c, found, err := s.compute(r, request, &usage)
	if err != nil {
		return err
	}
	source := c.sourceName()
	if err := c.unchanged(r.Context(), source); err != nil {
		return err
	}
	out := appendHistogram(nil, request, found)
	out = statement.AppendMeta(append(out, `,"meta":`...), began, usage, source, false)
	return statement.WriteJSON(w, append(out, '}'))
}

func (s *Service) histogramRequest(r *http.Request) (*request, error) {
	values, err := filter.Values(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"interval", "groupBy"} {
		if len(values[name]) > 1 {
			return nil, apierror.Invalid(name, "is given %d times, once is allowed", len(values[name]))
		}
	}
	request := &request{zone: time.UTC, bucketMember: "interval", metrics: []metric{{op: "count"}}, fill: fillZero}
	if request.filter, err = filter.ParseRequest(r.Context(), values, s.now(), "interval", "groupBy", archived.Parameter); err != nil {
		return nil, err
	}
	if request.archive, err = archived.Asked(values); err != nil {
		return nil, err
	}
	if request.filter.Zone != nil {
		request.zone = request.filter.Zone
	}
	switch name := values.Get("interval"); name {
	case "", "auto":
		request.auto = true
	default:
		var ok bool
		if request.bucket, ok = bucketNamed(name); !ok {
			return nil, apierror.Invalid("interval", "%q is not auto or one of %s", name, bucketNames())
		}
	}
	name := values.Get("groupBy")
	if name == "" {
		name = "severity"
	}
	d, ok := parseDimension(name)
	if !ok {
		return nil, apierror.Invalid("groupBy", "%q is not a field of an event, nor payload.PATH", name)
	}
	request.groupBy = []dimension{d}
	if name != "severity" {
		request.top, request.other = histogramTop, true
	}
	return request, nil
}

// appendHistogram writes buckets, interval and total, and leaves the object
// open. Each bucket has a count for each severity, or each of the most frequent values;
// "other" beside them counts the rest.
func appendHistogram(out []byte, r *request, found *result) []byte {
	d := r.groupBy[0]
	byName := map[string]*series{}
	var names []string
	var other *series
	if d.name == "severity" {
		for _, severity := range event.Severities {
			names = append(names, severity.String())
		}
	}
	for _, s := range found.series {
		if s.other {
			other = s
			continue
		}
		value, _ := d.value(s.keys[0])
		if byName[value] == nil && d.name != "severity" {
			names = append(names, value)
		}
		if known := byName[value]; known != nil { // No value, and an empty one, are shown as one.
			s = sum(r, known, s)
		}
		byName[value] = s
	}
	out = append(out, `{"buckets":[`...)
	for i := range found.grid.count() {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendTime(append(out, `{"start":`...), found.grid.edges[i]), `,"counts":{`...)
		for j, name := range names {
			if j > 0 {
				out = append(out, ',')
			}
			out = appendNumber(append(appendText(out, name), ':'), r.pointCount(byName[name], i))
		}
		out = append(out, '}')
		if other != nil {
			out = appendNumber(append(out, `,"other":`...), r.pointCount(other, i))
		}
		out = append(out, '}')
	}
	out = strconv.AppendQuote(append(out, `],"interval":`...), r.bucket.name)
	return appendNumber(append(out, `,"total":`...), r.values(found.totals, 1, fillZero)[0])
}

func (r *request) pointCount(s *series, bucket int) *float64 {
	if s == nil {
		return new(float64)
	}
	return r.values(s.points[bucket], 1, fillZero)[0]
}

// sum returns a series with the counts of two.
func sum(r *request, a, b *series) *series {
	c := &computation{request: r}
	out := &series{keys: a.keys, points: make([][]*float64, len(a.points))}
	for i := range out.points {
		out.points[i] = c.merge(c.merge(nil, a.points[i]), b.points[i])
	}
	return out
}
