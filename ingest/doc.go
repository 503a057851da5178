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
// A new owner finds the plan and begins with step 4 for exactly that block
// (recover.go). Producers' own repetitions are dropped once ClickHouse
// confirms that it has the event (duplicate.go).
package ingest
