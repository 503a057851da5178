// Package filter is the one model of "which events": search, histogram,
// facets, aggregation, export, presets and the live stream all take it.
//
// It guarantees that the same filter means the same everywhere: what the SQL
// of a filter finds in ClickHouse and what Match accepts in memory are the same
// events (a property test runs both). It guarantees that no value of a request
// ever becomes part of a statement's text: values travel as query parameters.
// And every statement's condition begins with the tenant and the retention.
//
// # The grammar of q
//
//	query  = or
//	or     = and { "OR" and }
//	and    = not { [ "AND" ] not }
//	not    = [ "-" | "NOT" ] atom
//	atom   = "(" or ")" | field ":" value | word | quoted
//	value  = "*" | single | "(" single { [ "OR" ] single } ")"
//	single = [ ">" | ">=" | "<" | "<=" ] ( word | quoted ) | word ".." word
//
// Words and quoted strings are found anywhere in the payload, in any case, as
// any string. A backslash makes the next special character an ordinary one.
// The fields are those of Fields, severity, createdAt, and payload.PATH (a dot
// inside a key is written \.).
package filter
