// Package facet shows what there is to filter by: the most frequent values of
// fields.
//
// It guarantees that the count beside a value is how many events a filter for
// that value finds, within the tenant, the retention and the request's own filter; that
// the values shown and "other" together are all values there are; and that values with
// the same count have a defined order. Counts are exact, or the call fails and
// names the limit that it ran into.
package facet
