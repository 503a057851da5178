package event

import "strings"

// The classes of DecodeError. They are stored with dead letters and stand in
// metrics, so they never change.
const (
	ClassEmpty            = "empty"                  // a message without a single byte
	ClassTombstone        = "tombstone"              // a message with a null value; kafka-go reports an empty one so too
	ClassInvalidJSON      = "invalid_json"           // not JSON (RFC 8259)
	ClassInvalidUTF8      = "invalid_utf8"           // not UTF-8, or a lone surrogate in one of our members
	ClassWrongType        = "wrong_type"             // a member of another JSON type than it must have
	ClassMissingField     = "missing_field"          // a required member is not there
	ClassInvalidField     = "invalid_field"          // a member of the right type that can't be read
	ClassDuplicateField   = "duplicate_field"        // one of our members twice: readers would disagree on which counts
	ClassTooLarge         = "too_large"              // more bytes than Config.MaxEventBytes
	ClassTooDeep          = "too_deep"               // nested deeper than MaxDepth
	ClassOutOfBounds      = "out_of_bounds"          // a time or a length outside its bounds
	ClassForbiddenTenant  = "forbidden_tenant"       // over HTTP: another tenant than the key's
	ClassUnsupportedMedia = "unsupported_media_type" // over HTTP: a content type that holds no events
)

// DecodeError says why a message is no event. It is final: the same message
// gives the same error on every replay.
type DecodeError struct {
	Class   string // one of the Class constants
	Field   string // the JSON member, "" for the whole message
	Message string // what is wrong, in words; it never quotes the message at length
}

// Error returns class, field and message in one line.
func (e *DecodeError) Error() string {
	var b strings.Builder
	b.WriteString(e.Class)
	b.WriteString(": ")
	if e.Field != "" {
		b.WriteString(e.Field)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	return b.String()
}
