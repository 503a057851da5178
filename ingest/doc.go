// Package ingest moves events from Kafka to ClickHouse. Each event is stored
// once, even when the process, the broker or the server dies at any moment;
// a message that is no event is kept whole, with the reason, among the dead
// letters. Nothing is skipped: what Kafka's retention took before it was read
// is reported as a gap.
//
// The order that makes it so, for each partition by itself:
//
//  1. cut a block of consecutive offsets [C, E] (partition.go);
//  2. plan: commit offset C with E in the metadata. The broker refuses the
//     commit of a member that has lost the partition, so who can't plan
//     doesn't insert (plan.go);
//  3. insert the block, with a deduplication token that depends on nothing
//     but what Kafka holds (writer.go);
//  4. after any doubt about the outcome, wait until no insert of the
//     partition runs, and insert only what the table lacks (verify.go);
//  5. the next plan acknowledges the block.
//
// What waits is raw bytes; a block is decoded only while it is worked on
// (block.go), so that memory stays within ingest.max_buffered_bytes while
// ClickHouse is away. A server whose answer is lost for good is noticed
// (watch.go), and what can't be stored any more is a gap in the log, a metric, the
// table gaps and /readyz (gap.go).
//
// A new owner finds the plan and begins with step 4 for exactly that block
// (recover.go). Producers' own repetitions are dropped once ClickHouse
// confirms that it has the event (duplicate.go).
//
// The canaries of the live stream (event.CanaryType) are in the topic and not in the
// store: what a topic holds of users is what the table counts. Of Kafka's transactions
// only what was committed is stored (pkg/kafka); where a log ends with what wasn't, or
// with markers, a block without messages brings the group's offset to its end.
//
// # Conditions
//
// Kafka keeps a message until it is read (retention), and what it has
// acknowledged survives its machines (acks=all, replication). ClickHouse keeps
// what it has acknowledged: without fsync_after_insert a loss of power, other
// than a kill, may take the last parts of a server, and nothing looks for them
// once a later plan has acknowledged them. A producer's repetition that comes to
// another node and partition at once, or more than 2 million events after the
// first, folds in the table but counts twice in rollups.
//
// The package faults attacks all of this, fault by fault; point.go names the
// places where it kills and stops nodes.
package ingest
