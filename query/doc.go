// Package query is the reading side of Daybook: every call of the HTTP API
// stands in one table, in routes.go.
//
// It guarantees that all calls that filter take the same filter (package
// filter) and mean the same by it, that every statement is confined to the
// tenant of the caller's key and to the retention, and that it runs under the
// limits of the settings query.* (package statement).
package query
