// Package field completes what people type into a filter: which fields there
// are, in events and in their payloads, and which values they have.
//
// It guarantees that each name, as it is written here, finds as a filter the
// events that are said to have the field, and each value those that are said to
// have the value, within the tenant, the retention and the request's own filter. It guarantees
// that an answer comes soon, however much there is: it looks at a sample, spread over
// the range of time and over the types of events, whose size has a bound in events and in bytes, and
// says how large the sample was. Where it could look at everything, it says so, and
// its figures are exact. Exact figures over any range are what package facet is for.
package field
