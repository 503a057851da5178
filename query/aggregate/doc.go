// Package aggregate counts and measures events by time and by their fields.
//
// It guarantees that every answer is exact, or fails: distinct counts and
// quantiles are computed over all values, nothing is sampled, and too many groups are
// refused rather than cut off. Where the counts by minute or by quarter of an
// hour (the rollups of package schema) say the same as the events, they answer; the
// edges of a range that cut through a bucket are then read from the events.
//
// Series have a defined order: by the ranking metric over the whole range, the
// largest first; those without a value, such as an average of nothing, last; and where
// that is equal, by their group's keys, field by field, as bytes. So which groups are
// the top ones never depends on the order of reading. What only the period
// before has comes last.
//
// Buckets of time begin where the clocks of an IANA zone say: an hour, a day of 23, 24
// or 25 hours, a week from Monday, a month. They are computed here, in bucket.go, and
// not by the database, so that what is filled and what is counted agree.
package aggregate
