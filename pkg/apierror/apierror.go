// Package apierror is the one place where an error becomes an HTTP status.
// Every problem has a stable type and says what to do (RFC 9457).
package apierror

import (
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Kind is the stable, last part of a problem's type URI.
type Kind string

// The kinds of problem the API answers with.
const (
	KindInvalid          Kind = "invalid-request"       // 400
	KindUnauthenticated  Kind = "unauthenticated"       // 401
	KindForbidden        Kind = "forbidden"             // 403
	KindNotFound         Kind = "not-found"             // 404
	KindMethodNotAllowed Kind = "method-not-allowed"    // 405
	KindConflict         Kind = "conflict"              // 409
	KindPrecondition     Kind = "precondition-failed"   // 412
	KindTooLarge         Kind = "too-large"             // 413
	KindUnsupportedMedia Kind = "unsupported-media"     // 415
	KindLimit            Kind = "query-limit-exceeded"  // 422
	KindArchive          Kind = "archive-unreadable"    // 422
	KindUnconditional    Kind = "precondition-required" // 428
	KindTooMany          Kind = "too-many-requests"     // 429
	KindInternal         Kind = "internal"              // 500
	KindUnavailable      Kind = "unavailable"           // 503
)

// Kinds lists every kind, by status.
var Kinds = []Kind{
	KindInvalid, KindUnauthenticated, KindForbidden, KindNotFound, KindMethodNotAllowed, KindConflict, KindPrecondition, KindTooLarge,
	KindUnsupportedMedia, KindLimit, KindArchive, KindUnconditional, KindTooMany, KindInternal, KindUnavailable,
}

var statuses = map[Kind]int{
	KindInvalid: http.StatusBadRequest, KindUnauthenticated: http.StatusUnauthorized,
	KindForbidden: http.StatusForbidden, KindNotFound: http.StatusNotFound,
	KindMethodNotAllowed: http.StatusMethodNotAllowed, KindConflict: http.StatusConflict, KindPrecondition: http.StatusPreconditionFailed,
	KindTooLarge: http.StatusRequestEntityTooLarge, KindUnsupportedMedia: http.StatusUnsupportedMediaType,
	KindLimit: http.StatusUnprocessableEntity, KindArchive: http.StatusUnprocessableEntity, KindUnconditional: http.StatusPreconditionRequired, KindTooMany: http.StatusTooManyRequests,
	KindInternal: http.StatusInternalServerError, KindUnavailable: http.StatusServiceUnavailable,
}

// Field is a fault in one part of a request.
type Field struct {
	Field    string `json:"field"`
	Message  string `json:"message"`
	Position *int   `json:"position,omitempty"` // byte offset within the field, where that is known
}

// Error is an error the caller is told about.
type Error struct {
	Kind       Kind
	Detail     string // what is wrong and what to do
	Fields     []Field
	RetryAfter time.Duration // with KindTooMany and KindUnavailable
	Cause      error         // for the log, never for the caller
}

// Error returns the detail with its cause, for logs.
func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Kind, e.Detail, e.Cause)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Detail)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Status returns the HTTP status of the error's kind.
func (e *Error) Status() int { return e.Kind.Status() }

// New returns an error of the given kind.
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Detail: fmt.Sprintf(format, args...)}
}

// Invalid returns a 400 that names one field.
func Invalid(field, format string, args ...any) *Error {
	if field == "" {
		field = `""` // As of ?=1: it has no name that could be shown otherwise.
	}
	message := fmt.Sprintf(format, args...)
	return &Error{Kind: KindInvalid, Detail: field + ": " + message, Fields: []Field{{Field: field, Message: message}}}
}

// InvalidAt returns a 400 that names one field and the byte offset in it.
func InvalidAt(field string, position int, format string, args ...any) *Error {
	e := Invalid(field, format, args...)
	e.Fields[0].Position = &position
	return e
}

// From returns err as an Error: itself where it is one, else internal with
// err as its cause.
func From(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return &Error{Kind: KindInternal, Detail: "an unexpected error; the log has it under this request id", Cause: err}
}
