// Package purge deletes events, their counts and dead letters once their
// tenant's retention is over, and tells each tenant what went.
//
// It guarantees that
//   - nothing is deleted that is younger than the retention in force, under a
//     legal hold, or, where archive.required says so, not archived and verified.
//     What can't be read (a hold, the retention) stops a purge before it deletes;
//   - a shorter retention deletes nothing before it is confirmed
//     (retention.go), although reads hide what is older at once;
//   - each purge is one event of type retention.purged, with the number of rows
//     that really went, wherever the process dies: it is planned in the table
//     purges, rows are deleted, the event is published under an id that follows from
//     the plan, and only then it is done. Whoever comes next goes on from there;
//   - the counts of rollups agree with the events that stay.
//
// A purge cuts at the UTC midnight at or before the oldest instant that is shown,
// so an event leaves at most a day after it is hidden, plus the hour between two
// purges. One node at a time purges (pkg/kafka Keep); two at once would delete the
// same rows and publish the same event.
package purge
