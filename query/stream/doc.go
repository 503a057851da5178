// Package stream shows a tenant's events as they happen, over Server-Sent
// Events or NDJSON.
//
// What it guarantees: everything between a cursor and now that matches the
// filter and belongs to the tenant arrives exactly once and, within a Kafka
// partition, in order. What cannot be delivered is announced by a gap frame.
// A client that is too slow for memory is served from Kafka on the same
// connection; it never makes another client wait, and it never costs more
// memory than its own buffer.
//
// How: a Hub reads every partition once per node (tail.go), keeps the latest
// events as encoded frames in a ring (ring.go), evaluates each distinct
// filter once per event and shares the resulting blocks of bytes among all
// clients of that filter (group.go). A client is a position, not a queue
// (session.go), and over HTTP/1.1 no request but a bare connection
// (output.go). A cursor is a vector of Kafka offsets (cursor.go), the same on
// every node, so a position that the ring no longer holds is read from Kafka
// up to a vector that the ring does hold (catchup.go), and what Kafka no
// longer holds from ClickHouse, up to the offsets that ingest has confirmed
// (fromstore.go): all speak the same coordinates, so the hand-over loses and
// repeats nothing.
package stream
