package aggregate

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/httpserver"
	"daybook/query/archived"
	"daybook/query/filter"
)

// Bounds of a request.
const (
	maxDimensions = 4
	maxMetrics    = 10
	maxTop        = 1000
)

// body is a request as it is sent (CONTRACT 5.1).
type body struct {
	Filter   json.RawMessage `json:"filter"`
	From     string          `json:"from"`
	To       string          `json:"to"`
	Timezone string          `json:"timezone"`
	Bucket   nullable        `json:"bucket"`
	GroupBy  []string        `json:"groupBy"`
	Metrics  []struct {
		Op    string `json:"op"`
		Field string `json:"field"`
	} `json:"metrics"`
	Top *struct {
		K     int  `json:"k"`
		By    int  `json:"by"`
		Other bool `json:"other"`
	} `json:"top"`
	Fill    string  `json:"fill"`
	Include string  `json:"include"`
	Compare *string `json:"compare"`
}

// nullable is a string that tells null from absent.
type nullable struct {
	text string
	null bool
}

// UnmarshalJSON reads a string or null.
func (n *nullable) UnmarshalJSON(raw []byte) error {
	if string(raw) == "null" {
		n.null = true
		return nil
	}
	return json.Unmarshal(raw, &n.text)
}

// request is what is to be computed.
type request struct {
	filter       *filter.Filter
	zone         *time.Location
	bucket       bucket
	bucketMember string // of the request, for errors
	auto         bool   // the width is chosen by the range
	single       bool   // no buckets: one point
	groupBy      []dimension
	metrics      []metric
	top          int // 0: every group
	by           int // the metric that ranks groups
	other        bool
	fill         fill
	compare      bool
	archive      bool // with what is older than the retention
}

// fill says what stands for buckets without events.
type fill string

const (
	fillZero fill = "zero"
	fillNull fill = "null"
	fillNone fill = "none"
)

// parseRequest reads a request's body. Its error is an *apierror.Error.
func parseRequest(from *http.Request, now time.Time) (*request, error) {
	if err := httpserver.NoParameters(from); err != nil {
		return nil, err
	}
	var in body
	if err := httpserver.DecodeJSON(from, &in); err != nil {
		return nil, err
	}
	defaults := url.Values{}
	for name, value := range map[string]string{"from": in.From, "to": in.To, "tz": in.Timezone} {
		if value != "" {
			defaults.Set(name, value)
		}
	}
	r := &request{zone: time.UTC, bucketMember: "bucket"}
	if in.Timezone != "" {
		zone, err := filter.Zone(in.Timezone)
		if err != nil {
			return nil, apierror.Invalid("timezone", "%v", err)
		}
		r.zone = zone
	}
	var err error
	if r.filter, err = filter.ParseRequestObject(from.Context(), in.Filter, "filter", now, defaults); err != nil {
		return nil, err
	}
	if in.Timezone == "" && r.filter.Zone != nil {
		r.zone = r.filter.Zone
	}
	for _, read := range []func(*request) *apierror.Error{in.readBucket, in.readGroups, in.readMetrics, in.readTop, in.readRest} {
		if err := read(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (in *body) readBucket(r *request) *apierror.Error {
	switch {
	case in.Bucket.null:
		r.single = true
	case in.Bucket.text == "" || in.Bucket.text == "auto":
		r.auto = true
	default:
		var ok bool
		if r.bucket, ok = bucketNamed(in.Bucket.text); !ok {
			return apierror.Invalid("bucket", "%q is not auto, null, or one of %s", in.Bucket.text, bucketNames())
		}
	}
	return nil
}

func (in *body) readGroups(r *request) *apierror.Error {
	if len(in.GroupBy) > maxDimensions {
		return apierror.Invalid("groupBy", "has %d fields, at most %d are allowed", len(in.GroupBy), maxDimensions)
	}
	for _, name := range in.GroupBy {
		d, ok := parseDimension(name)
		if !ok {
			return apierror.Invalid("groupBy", "%q is not a field of an event, nor payload.PATH", name)
		}
		for _, other := range r.groupBy {
			if other.name == d.name {
				return apierror.Invalid("groupBy", "%q is given twice", name)
			}
		}
		r.groupBy = append(r.groupBy, d)
	}
	return nil
}

func (in *body) readMetrics(r *request) *apierror.Error {
	if len(in.Metrics) > maxMetrics {
		return apierror.Invalid("metrics", "has %d entries, at most %d are allowed", len(in.Metrics), maxMetrics)
	}
	for i, m := range in.Metrics {
		member := "metrics[" + strconv.Itoa(i) + "]"
		op, ok := ops[m.Op]
		if !ok {
			return apierror.Invalid(member, "%q is not count, uniq, sum, avg, min, max, p50, p90, p95, p99 or rate", m.Op)
		}
		read := metric{op: m.Op}
		switch {
		case !op.takesField && m.Field != "":
			return apierror.Invalid(member, "%s takes no field", m.Op)
		case !op.takesField:
		case m.Field == "":
			return apierror.Invalid(member, "%s needs a field", m.Op)
		default:
			if read.field, ok = parseDimension(m.Field); !ok {
				return apierror.Invalid(member, "%q is not a field of an event, nor payload.PATH", m.Field)
			}
			if op.number && read.field.path == nil {
				return apierror.Invalid(member, "%s needs a number, which %s is not: numbers are in payload.PATH", m.Op, m.Field)
			}
		}
		r.metrics = append(r.metrics, read)
	}
	if r.metrics == nil {
		r.metrics = []metric{{op: "count"}}
	}
	return nil
}

func (in *body) readTop(r *request) *apierror.Error {
	if in.Top == nil {
		return nil
	}
	switch {
	case r.groupBy == nil:
		return apierror.Invalid("top", "needs groupBy")
	case in.Top.K < 1 || in.Top.K > maxTop:
		return apierror.Invalid("top", "k must be from 1 to %d", maxTop)
	case in.Top.By < 0 || in.Top.By >= len(r.metrics):
		return apierror.Invalid("top", "by must be the index of a metric, from 0 to %d", len(r.metrics)-1)
	}
	r.top, r.by, r.other = in.Top.K, in.Top.By, in.Top.Other
	return nil
}

func (in *body) readRest(r *request) *apierror.Error {
	switch r.fill = fill(in.Fill); r.fill {
	case "":
		r.fill = fillZero
	case fillZero, fillNull, fillNone:
	default:
		return apierror.Invalid("fill", `must be "zero", "null" or "none"`)
	}
	var err error
	if r.archive, err = archived.Asked(url.Values{archived.Parameter: {in.Include}}); err != nil {
		return apierror.From(err)
	}
	if in.Compare != nil && *in.Compare != "" {
		if *in.Compare != "previous" {
			return apierror.Invalid("compare", `must be "previous" or null`)
		}
		if r.filter.From.IsZero() {
			return apierror.Invalid("compare", "needs from: without it there is no previous period")
		}
		r.compare = true
	}
	return nil
}
