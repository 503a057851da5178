// Package around shows what happened around an event: the chain of events that
// share its correlation id, over all services and in the order of time, and what its
// actor did before and after. And it says how two events' payloads differ.
//
// It guarantees that events are neither left out nor shown twice where many
// happened at once: an event's neighbours are found by its place in the order of a
// search, not by its time. And that a difference, applied to the one payload as
// RFC 6902 says, gives the other.
package around
