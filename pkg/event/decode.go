package event

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of members, in bytes of their decoded value.
const (
	maxIDBytes        = 256 // ids, types, source
	maxNameBytes      = 1024
	maxUserAgentBytes = 4096
)

// maxLead is how far createdAt may lie after the message's own timestamp.
const maxLead = 10 * time.Minute

// Times outside of these can't be stored: the store computes when an event
// leaves with 32 bits of seconds.
var (
	minTime = time.Unix(0, 0).UTC()
	maxTime = time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
)

// Decoder turns Kafka messages into events. It has no state that changes, so
// goroutines may share it.
type Decoder struct {
	maxBytes   int
	retention  time.Duration
	categories *Categories
}

// NewDecoder returns a decoder with the given bounds and categories.
func NewDecoder(c Config) (*Decoder, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	categories, err := NewCategories(c.Categories)
	if err != nil {
		return nil, err
	}
	return &Decoder{
		maxBytes:   int(c.MaxEventBytes),
		retention:  time.Duration(c.RetentionDays) * 24 * time.Hour,
		categories: categories,
	}, nil
}

// Category returns the category of an event type.
func (d *Decoder) Category(eventType string) string { return d.categories.Of(eventType) }

// Decode reads the event of a Kafka message into e, which it overwrites
// whole. The event points into the message where it can. A message that is no
// event gives a *DecodeError, which is the same on every replay.
//
// Native events are the JSON of spec/event-log.txt. These rules go beyond it:
//   - null is as absent, and so is an empty string, except for severity and createdAt.
//   - category and ingestedAt are ours and computed anew: on input they are ignored, so
//     that what the API returned can be published again.
//   - Any other unknown member is kept in Extra, verbatim, twice if sent twice.
//   - A known member that is there twice is refused (ClassDuplicateField).
//   - Lone surrogates (\ud83d without its other half, from strings cut in the middle of
//     an emoji) are kept in payload and Extra and refused in our own members.
//
// CloudEvents are read as cloudevents.go says.
func (d *Decoder) Decode(m *Message, e *Event) error {
	if err := d.decode(m, e); err != nil {
		return err
	}
	return nil
}

func (d *Decoder) decode(m *Message, e *Event) *DecodeError {
	*e = Event{}
	text, structured := m.Value, false
	if len(m.Value) > d.maxBytes {
		return tooLarge(len(m.Value), d.maxBytes)
	}
	if len(m.Headers) > 0 {
		mode, contentType := cloudEventMode(m.Headers)
		structured = mode == modeStructured
		if mode == modeBinary {
			var err *DecodeError
			if text, err = structure(m.Headers, contentType, m.Value); err != nil {
				return err
			}
			structured = true
		}
	}
	switch {
	case text == nil:
		return &DecodeError{Class: ClassTombstone, Message: "the message has no value: it is empty, or a tombstone"}
	case len(text) == 0:
		return &DecodeError{Class: ClassEmpty, Message: "the message is empty"}
	case !utf8.Valid(text):
		return invalidUTF8(text)
	}
	var err *DecodeError
	if !structured {
		err = parse(text, e, false)
		// Only what is no native event can be a CloudEvent: the common case pays nothing.
		structured = (err != nil || e.EventType == "") && isCloudEvent(text)
	}
	if structured {
		*e = Event{}
		err = parseCloudEvent(text, e)
	}
	if err != nil {
		return err
	}
	return d.complete(m, e)
}

// complete checks what is required, fills in what is missing and checks the
// bounds that depend on the message.
func (d *Decoder) complete(m *Message, e *Event) *DecodeError {
	if err := checkName(e.TenantID, "tenantId"); err != nil {
		return err
	}
	if e.TenantID == "*" {
		return &DecodeError{Class: ClassInvalidField, Field: "tenantId", Message: "must not be *"}
	}
	if err := checkName(e.EventType, "eventType"); err != nil {
		return err
	}
	if e.EventID == "" {
		e.EventID = deriveID(m)
	} else if err := checkName(e.EventID, "eventId"); err != nil {
		return err
	}
	if e.Severity == 0 {
		e.Severity = Info
	}
	if e.Payload == nil {
		e.Payload = emptyObject
	}
	e.Category = d.categories.Of(e.EventType)
	e.IngestedAt = m.Time.UTC().Truncate(time.Millisecond)
	if e.IngestedAt.Before(minTime) || !e.IngestedAt.Before(maxTime) {
		return &DecodeError{Class: ClassOutOfBounds, Message: "the message's own timestamp is not between 1970 and 2100"}
	}
	if e.CreatedAt.IsZero() {
		e.CreatedAt = e.IngestedAt
	}
	return d.checkCreatedAt(e)
}

func (d *Decoder) checkCreatedAt(e *Event) *DecodeError {
	var fault string
	switch age := e.IngestedAt.Sub(e.CreatedAt); {
	case age > d.retention:
		fault = "more than the retention of " + strconv.Itoa(int(d.retention/(24*time.Hour))) + " days before"
	case age < -maxLead:
		fault = "more than 10 minutes after"
	case e.CreatedAt.Before(minTime):
		return &DecodeError{Class: ClassOutOfBounds, Field: "createdAt", Message: "must not be before 1970"}
	default:
		return nil
	}
	return &DecodeError{Class: ClassOutOfBounds, Field: "createdAt", Message: string(appendTime(nil, e.CreatedAt)) + " is " + fault +
		" the message's own timestamp " + string(appendTime(nil, e.IngestedAt))}
}

var emptyObject = []byte("{}")

func tooLarge(size, limit int) *DecodeError {
	return &DecodeError{Class: ClassTooLarge, Message: strconv.Itoa(size) + " bytes, the limit (ingest.max_event_bytes) is " + strconv.Itoa(limit)}
}

func invalidUTF8(text []byte) *DecodeError {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		if r == utf8.RuneError && size == 1 {
			return &DecodeError{Class: ClassInvalidUTF8, Message: "byte " + strconv.Itoa(i) + " is not UTF-8"}
		}
		i += size
	}
	return nil
}

// checkName holds a required member, or one that stands in URLs, to printable
// text. It accepts what tenant.ID.Validate accepts.
func checkName(s, field string) *DecodeError {
	if s == "" {
		return &DecodeError{Class: ClassMissingField, Field: field, Message: "is required"}
	}
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return checkRunes(s, field)
		}
	}
	return nil
}

func checkRunes(s, field string) *DecodeError {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return &DecodeError{Class: ClassInvalidField, Field: field, Message: "must be printable, it has " + strconv.QuoteRuneToASCII(r)}
		}
	}
	return nil
}

// HeaderOrigin is the record header that says where a message stood that is
// published again (a replayed dead letter): TOPIC/PARTITION/OFFSET.
const HeaderOrigin = "daybook-origin"

// Origin says where the message stood when it was first published.
func Origin(m *Message) string {
	for _, h := range m.Headers {
		if h.Key == HeaderOrigin {
			return string(h.Value)
		}
	}
	return m.Topic + "/" + m.String()
}

// deriveID names an event that came without an id: evt_ and 100 bits of a hash
// of where it stood first, so that no producer's own id meets it by accident. The
// message's timestamp is part of it, because a topic that was deleted and
// created again counts its offsets from 0 anew.
func deriveID(m *Message) string {
	const digits = 20
	text := append(make([]byte, 0, 128), Origin(m)...)
	text = strconv.AppendInt(append(text, 0), m.Time.UnixMilli(), 10)
	sum := sha256.Sum256(text)
	id := make([]byte, 0, 64)
	id = idEncoding.AppendEncode(append(id, "evt_"...), sum[:])
	return string(id[:len("evt_")+digits])
}

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
