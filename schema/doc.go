// Package schema holds the tables of the store and brings a database up to
// them. Migrations are numbered, applied once, one statement each, and safe to
// repeat after a cut.
//
// The key of events is (tenant_id, created_at, event_id): every read is of one
// tenant and most want the newest first. Partitions are months, so that a year
// is a dozen and old parts leave whole. No table of events has a TTL: ingest/purge
// deletes what has expired, and every read clamps to the retention itself. README.md
// has the figures behind the key, the indexes and the codecs.
package schema
