// Package export hands out everything that matches a filter, as NDJSON, CSV or
// Parquet, oldest first.
//
// It guarantees that an export is of one moment: it holds each event that
// was stored when it began, once, and none that was stored later, also where it is
// cut and continued. It takes the same memory however much matches. Its end says
// how many events it has and a checksum of them, so that what has arrived whole
// can be told from what was cut off.
//
// One thing escapes the moment: an event that its producer sends again during
// the export, so late that ingest doesn't recognize it, and that ClickHouse merges
// with the first before the export comes to it, looks as if stored later, and is
// left out.
package export
