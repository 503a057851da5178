// Package search finds events and pages through them.
//
// It guarantees that a page holds each event once and that following
// nextCursor to its end shows every event that matched when the search began and
// still exists, in order, whatever is stored meanwhile: pages are cut by position and
// never by count. Newest first and oldest first order by createdAt, so an event that arrives
// late for a page already read isn't seen; order=ingest is for those who poll, and
// misses none (see ingest.go).
//
// A search by time reads windows that widen until the page is full, sized by
// how many events the tenant has where, and by what the filter leaves of them (see
// window.go): newest-50 costs the same for a tenant of a thousand events and for one of a
// hundred million.
package search
