// Package faults attacks ingest: the faults that make other systems lose or
// double events, each by name, on real brokers, a real ClickHouse and, where a
// node has to die, real `daybook` processes. Every test ends with one oracle
// (oracle_test.go): what the topic holds is in the store, each event once, byte
// for byte, without FINAL and before any merge.
//
// The tests need fault points, which only a build with the tag faultpoints has
// (../point.go): `make faults`, or `go test -tags faultpoints ./ingest/faults`.
// ARCHITECTURE.md has the table of faults, tests and results.
package faults
