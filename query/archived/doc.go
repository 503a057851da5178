// Package archived says where the events are that are older than the retention,
// for the reads that ask for them with include=archive.
//
// It guarantees that no instant has two sources, so nothing counts twice. What is not
// older than the retention is in the table events. Of what is older, a UTC day that was
// restored is in events_restored; else a day that the archive has is in its files of
// Parquet; else what is still there, because it is held or not purged yet, is in events.
// The day that the retention cuts in two is cut at that instant.
//
// It guarantees that nothing is missing silently: where a day that is asked for can't be
// read, the call fails with a problem that names the archive. Where it is changed while
// it is read, see Plan.Unchanged.
package archived
