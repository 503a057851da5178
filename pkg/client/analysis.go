package client

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Histogram is counts by time.
type Histogram struct {
	Buckets  []HistogramBucket `json:"buckets"`
	Interval string            `json:"interval"` // the width of a bucket, like "1h"
	Total    uint64            `json:"total"`
	Meta     Meta              `json:"meta"`
}

// HistogramBucket is the counts of one interval.
type HistogramBucket struct {
	Start  time.Time         `json:"start"`
	Counts map[string]uint64 `json:"counts"` // by value
	Other  uint64            `json:"other"`  // of values that are not told apart
}

// Histogram counts what matches by time: parameters are those of the filter,
// and interval and groupBy.
func (c *Client) Histogram(ctx context.Context, parameters url.Values) (*Histogram, error) {
	return fetch[Histogram](ctx, c, "/api/v1/events/histogram", parameters)
}

// Value is a value of a field, and how many events have it.
type Value struct {
	Value string `json:"value"`
	Count uint64 `json:"count"`
}

// Facet is the most frequent values of a field.
type Facet struct {
	Field    string  `json:"field"`
	Values   []Value `json:"values"`
	Other    uint64  `json:"other"`    // of values that are not shown
	Missing  uint64  `json:"missing"`  // events without a value
	Distinct uint64  `json:"distinct"` // different values
}

// Facets are the facets of several fields.
type Facets struct {
	Facets []Facet `json:"facets"`
	Meta   Meta    `json:"meta"`
}

// Facets counts the values of fields, exactly: parameters are those of the
// filter, and field (repeated) and limit.
func (c *Client) Facets(ctx context.Context, parameters url.Values) (*Facets, error) {
	return fetch[Facets](ctx, c, "/api/v1/events/facets", parameters)
}

// Sample is what an answer is based on.
type Sample struct {
	Events uint64  `json:"events"` // that were looked at
	Of     *uint64 `json:"of"`     // that there are; nil: nobody has counted
	Whole  bool    `json:"whole"`  // Everything was looked at.
}

// TypeShare is a type of values in JSON, and their part of all.
type TypeShare struct {
	Type  string  `json:"type"`
	Share float64 `json:"share"`
}

// Field is a field that events have.
type Field struct {
	Name     string      `json:"name"`  // as filters take it
	Short    string      `json:"short"` // a second name in q, or empty
	Types    []TypeShare `json:"types"`
	Elements []TypeShare `json:"elements"` // of arrays
	Events   uint64      `json:"events"`   // of the sample
	Share    float64     `json:"share"`    // of all events that match, as far as the sample tells
	Examples []string    `json:"examples"`
}

// Fields are the fields that events have.
type Fields struct {
	Fields []Field `json:"fields"`
	More   bool    `json:"more"`
	Sample Sample  `json:"sample"`
	Meta   Meta    `json:"meta"`
}

// Fields finds the fields of what matches, those in payloads among them:
// parameters are those of the filter, and prefix, search and limit.
func (c *Client) Fields(ctx context.Context, parameters url.Values) (*Fields, error) {
	return fetch[Fields](ctx, c, "/api/v1/events/fields", parameters)
}

// Values are values of a field.
type Values struct {
	Field  string  `json:"field"`
	Values []Value `json:"values"`
	More   bool    `json:"more"`
	Sample Sample  `json:"sample"`
	Meta   Meta    `json:"meta"`
}

// Values finds values of a field, for completing what somebody types: parameters
// are those of the filter, and field, prefix, search and limit. Exact counts over any range are
// those of Facets.
func (c *Client) Values(ctx context.Context, parameters url.Values) (*Values, error) {
	return fetch[Values](ctx, c, "/api/v1/events/values", parameters)
}

// Metric is what is computed of a group: an op (count, uniq, sum, avg, min, max,
// p50, p90, p95, p99 or rate), and the field that it is computed of, where it takes one.
type Metric struct {
	Op    string `json:"op"`
	Field string `json:"field,omitempty"`
}

// Top leaves the first K groups by a metric; the others become one, or are left out.
type Top struct {
	K     int  `json:"k"`
	By    int  `json:"by"` // the index of the metric
	Other bool `json:"other"`
}

// Aggregation says what to compute. The zero value counts everything.
type Aggregation struct {
	Filter   url.Values `json:"filter,omitempty"` // the parameters of the filter, times included
	From     string     `json:"from,omitempty"`
	To       string     `json:"to,omitempty"`
	Timezone string     `json:"timezone,omitempty"`
	Bucket   *string    `json:"bucket"` // "auto", "1h" and the like; nil: one point for the whole range
	GroupBy  []string   `json:"groupBy,omitempty"`
	Metrics  []Metric   `json:"metrics,omitempty"` // none: count
	Top      *Top       `json:"top,omitempty"`
	Fill     string     `json:"fill,omitempty"`    // "zero", "null" or "none"
	Compare  string     `json:"compare,omitempty"` // "previous", or empty
	Include  string     `json:"include,omitempty"` // "archive": also what is older than the retention
}

// Point is the metrics of one bucket; nil where there is no value.
type Point struct {
	Start  time.Time  `json:"start"`
	Values []*float64 `json:"values"`
}

// Series is one group over time.
type Series struct {
	Group          map[string]*string `json:"group"` // values by field; nil where a payload lacks it
	Other          bool               `json:"other"` // It is what is not among the top groups.
	Points         []Point            `json:"points"`
	Totals         []*float64         `json:"totals"`
	Previous       []Point            `json:"previous"`
	PreviousTotals []*float64         `json:"previousTotals"`
}

// Aggregate is the answer to an Aggregation.
type Aggregate struct {
	Series         []Series   `json:"series"`
	Totals         []*float64 `json:"totals"`
	PreviousTotals []*float64 `json:"previousTotals"`
	Meta           struct {
		Meta
		Bucket *string `json:"bucket"`
		Exact  bool    `json:"exact"`
		// From and To are the range that was computed; the period before, where that was asked for, reaches from PreviousFrom to From.
		From         time.Time  `json:"from"`
		To           time.Time  `json:"to"`
		PreviousFrom *time.Time `json:"previousFrom"`
	} `json:"meta"`
}

// Aggregate computes metrics by fields and by time.
func (c *Client) Aggregate(ctx context.Context, a Aggregation) (*Aggregate, error) {
	return submit[Aggregate](ctx, c, http.MethodPost, "/api/v1/events/aggregate", nil, a)
}
