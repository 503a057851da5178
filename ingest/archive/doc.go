// Package archive writes closed days of each tenant to S3-compatible storage and
// reads them back.
//
// A day exists in the archive once it has a manifest. Its files are written by
// ClickHouse, then read back and compared with the table: rows, the sum of ids, the
// sum of all columns; only then the manifest is made, in one request that fails
// where another writer has made it. What comes late becomes a further file and a
// further manifest, which has all files. Nothing that a manifest names is ever
// written over, or deleted by Daybook.
//
// Whoever is cut anywhere leaves files without a manifest. The next run takes them
// over where they are exactly what the manifest lacks, and writes its own otherwise;
// the others are deleted after a day. The bucket is the truth: archive_days is what
// is known of it, and is made anew from it.
//
// A restored day is in events_restored, whole once restores says done; what is there
// in part is deleted before it is read again, so nothing doubles and no half of a
// day is shown.
package archive
