// Package hold keeps legal holds: what is not purged, whatever its age.
//
// It guarantees that a hold names a reason and who placed it, that lifting it
// does too and leaves it as a record, and that both are events of the tenant
// (hold.placed, hold.lifted). A hold is lifted only once Kafka has that event. The
// filter of a hold is of fixed times, so what is under it doesn't change with the
// clock. A hold counts from the answer on, for whatever a purge hasn't begun to delete.
package hold
