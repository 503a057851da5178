package ingest

// point is a place on a block's way where the fault suite kills, stops or
// holds a node. Only a build with the tag faultpoints looks at them
// (point_on.go); in any other, reach is empty.
type point string

// The points, in the order in which a block comes to them.
const (
	pointBeforePlan   point = "before_plan"   // nothing of the block is known to anybody
	pointAfterPlan    point = "after_plan"    // Kafka has the plan
	pointMidSend      point = "mid_send"      // the server has begun the insert and waits for its rows
	pointAfterInsert  point = "after_insert"  // the server has acknowledged the insert
	pointBeforeVerify point = "before_verify" // no insert of the partition runs, and the table is looked at next
	pointAfterDead    point = "after_dead"    // the table has the dead letters, their topic has not
	pointAfterWrite   point = "after_write"   // the block is stored, Kafka has not heard of it
	pointAfterCommit  point = "after_commit"  // Kafka has acknowledged it as stored
)
