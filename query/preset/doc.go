// Package preset keeps filters under names: private to the key that saved
// them, or shared with the tenant.
//
// It guarantees that names are unique within a tenant in any case, and that no
// change is lost: whoever changes a preset names the version that they have seen,
// and of several who do so at once, on whatever nodes, one succeeds and the others
// are told (see log.go for how ClickHouse, which knows no transactions, is made to
// hold that). A call that was answered with success is never undone by another.
//
// Every tenant starts with the presets of Starting, which are real ones: they can be
// changed, renamed and deleted.
package preset
