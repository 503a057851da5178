// Package audit answers the four calls of spec/audit-log.txt, in that
// document's shape: the audit log is the events of the category auth.
//
// It guarantees that totals count each event once at any page, that the pages
// of one listing aren't moved by the listing's own reads, and that nobody reads
// the audit log unseen: each read is an event of type audit.read, published to
// Kafka like any other, and answered only once Kafka has acknowledged it.
package audit
