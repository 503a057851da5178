package apierror

import (
	"net/http"
	"slices"
	"time"
)

// Problem is an error as the caller reads it: application/problem+json of RFC
// 9457.
type Problem struct {
	Type      string  `json:"type"`
	Title     string  `json:"title"`
	Status    int     `json:"status"`
	Detail    string  `json:"detail"`
	RequestID string  `json:"requestId,omitempty"`
	Errors    []Field `json:"errors,omitempty"`
}

// ContentType is the media type of a Problem.
const ContentType = "application/problem+json"

// TypePath stands before a kind in a problem's type. The server explains each
// kind under that path.
const TypePath = "/problems/"

var titles = map[Kind]struct{ title, advice string }{
	KindInvalid:          {"The request is not valid", "The errors name each fault by field. Mend them; the same request will always fail."},
	KindUnauthenticated:  {"No valid key", "Send Authorization: Bearer KEY with a key that is neither revoked nor expired. In a browser, sign in with one."},
	KindForbidden:        {"This is not allowed", "The detail names the scope or tenant that the key lacks: use another key. Or the call came with a browser's session from the page of another site."},
	KindNotFound:         {"There is no such thing", "It never was there, it is older than the retention, or it belongs to another tenant."},
	KindMethodNotAllowed: {"The path has no such method", "The Allow header lists the methods that the path has."},
	KindConflict:         {"The state does not allow this", "Read the current state, then decide again."},
	KindPrecondition:     {"It has changed meanwhile", "Read it again and decide again; If-Match takes the ETag of what you have read."},
	KindTooLarge:         {"The request is too large", "The detail names the limit and the setting that raises it. Split the request."},
	KindUnsupportedMedia: {"The body's media type is not understood", "The detail lists the media types that are."},
	KindLimit:            {"The query reached a limit", "The detail names the limit and the setting that raises it. Narrow the time range or the filter."},
	KindArchive:          {"The archive can't be read", "The detail says what is wrong with it: credentials, a missing file, a setting. Without `include=archive` the call does not need it."},
	KindUnconditional:    {"The request must say what it changes", "Send If-Match with the ETag of what you have read, so that nobody else's change is overwritten."},
	KindTooMany:          {"Too many requests", "Wait as long as the Retry-After header says. The detail names the limit and the setting that raises it."},
	KindInternal:         {"An unexpected error", "The server's log has the cause under the request id. Report it."},
	KindUnavailable:      {"A dependency is down", "Try again after what the Retry-After header says; /readyz names the dependency."},
}

// Known reports whether k is one of Kinds.
func (k Kind) Known() bool { return statuses[k] != 0 }

// Title returns what the kind means, in a few words.
func (k Kind) Title() string { return titles[k].title }

// Advice returns what the caller can do about errors of the kind.
func (k Kind) Advice() string { return titles[k].advice }

// Status returns the HTTP status of the kind, 500 for an unknown one.
func (k Kind) Status() int {
	if s := statuses[k]; s != 0 {
		return s
	}
	return http.StatusInternalServerError
}

// Problem returns the error as the caller of the request may read it: without
// its cause.
func (e *Error) Problem(requestID string) Problem {
	return Problem{
		Type: TypePath + string(e.Kind), Title: e.Kind.Title(), Status: e.Status(), Detail: e.Detail,
		RequestID: requestID, Errors: e.Fields,
	}
}

// RetrySeconds returns the value of the Retry-After header, and 0 where the
// kind has none. It is never less than what was asked for.
func (e *Error) RetrySeconds() int {
	if e.Kind != KindTooMany && e.Kind != KindUnavailable {
		return 0
	}
	return max(1, int((e.RetryAfter+time.Second-1)/time.Second))
}

// Join returns one invalid-request error that has the fields of all of errs,
// and nil where there is none. Others than *Error must not be among errs.
func Join(errs ...*Error) *Error {
	var joined *Error
	for _, e := range errs {
		switch {
		case e == nil:
		case joined == nil:
			clone := *e
			joined = &clone
		default:
			joined.Fields = append(slices.Clip(joined.Fields), e.Fields...)
			joined.Detail += "; " + e.Detail
		}
	}
	return joined
}
