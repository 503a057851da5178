package event

import (
	"bytes"
	"encoding/base64"
	"maps"
	"mime"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// CloudEvents 1.0 are read in structured mode (a content-type header
// application/cloudevents+json, or an object with specversion and without
// eventType) and in binary mode (ce_ headers on Kafka, ce- headers over HTTP;
// the body is the data).
//
//	id      → eventId, unchanged: what the producer logs is what a search finds. Being
//	          unique only together with source, it must be compared together with it.
//	source  → source          type → eventType          time → createdAt
//	subject → targetId, unless there is a targetid; then it is kept in Extra
//	data    → payload; what is no object is wrapped: {"data": …}, {"data_base64": "…"}
//	tenantid (required on the topic), severity, actortype, actorid, actorname, actoremail,
//	targettype, targetid, correlationid, ipaddress, useragent → the members of these names
//	traceparent → kept in Extra; its trace id is the correlationId where no correlationid is given
//
// specversion is checked and dropped. Every other attribute is kept in Extra;
// where its name is one of our own members' (payload, category, …), with ce_ before it.
const cloudEventsVersion = "1.0"

type cloudEventsMode uint8

const (
	modeNone cloudEventsMode = iota
	modeStructured
	modeBinary
)

// cloudEventMode tells from a message's headers how it carries a CloudEvent,
// and returns its content type.
func cloudEventMode(headers []Header) (mode cloudEventsMode, contentType string) {
	for _, h := range headers {
		switch {
		case strings.EqualFold(h.Key, "content-type"):
			contentType = string(h.Value)
			if isStructured(contentType) {
				return modeStructured, contentType
			}
		case strings.EqualFold(h.Key, "ce_specversion"):
			mode = modeBinary
		}
	}
	return mode, contentType
}

func isStructured(contentType string) bool {
	return strings.HasPrefix(strings.ToLower(contentType), "application/cloudevents")
}

// structure turns a CloudEvent in binary mode into its structured form.
func structure(headers []Header, contentType string, data []byte) ([]byte, *DecodeError) {
	text := make([]byte, 0, len(data)+512)
	text = append(text, '{')
	for _, h := range headers {
		if len(h.Key) <= 3 || !strings.EqualFold(h.Key[:3], "ce_") {
			continue
		}
		name := strings.ToLower(h.Key[3:])
		if !utf8.ValidString(name) || !utf8.Valid(h.Value) {
			return nil, &DecodeError{Class: ClassInvalidUTF8, Field: strings.ToValidUTF8(name, "\ufffd"), Message: "the header is not UTF-8"}
		}
		text = append(appendString(text, name), ':')
		text = append(appendString(text, string(h.Value)), ',')
	}
	if contentType != "" {
		text = append(appendString(append(text, `"datacontenttype":`...), contentType), ',')
	}
	text, err := appendData(text, contentType, data)
	if err != nil {
		return nil, err
	}
	return append(bytes.TrimSuffix(text, []byte(",")), '}'), nil
}

// appendData appends the data of a binary CloudEvent as a member: JSON as it
// is, text as a string, anything else in base64. Without a content type it is what it
// looks like.
func appendData(text []byte, contentType string, data []byte) ([]byte, *DecodeError) {
	if len(data) == 0 {
		return text, nil
	}
	media, _, err := mime.ParseMediaType(contentType)
	isJSON := err == nil && (media == "application/json" || media == "text/json" || strings.HasSuffix(media, "+json"))
	if isJSON || contentType == "" {
		s := scanner{text: data}
		end := s.value(s.space(0), 1)
		if end >= 0 && s.space(end) < len(data) {
			end = s.fail(s.space(end), "nothing behind the data")
		}
		switch {
		case end >= 0 && utf8.Valid(data):
			return append(append(text, `"data":`...), data...), nil
		case isJSON && end < 0:
			fault := s.fault()
			fault.Field = "data"
			return nil, fault
		case isJSON:
			return nil, invalidUTF8(data)
		}
	}
	if utf8.Valid(data) {
		return appendString(append(text, `"data":`...), string(data)), nil
	}
	text = base64.StdEncoding.AppendEncode(append(text, `"data_base64":"`...), data)
	return append(text, '"'), nil
}

// isCloudEvent reports whether text is an object with specversion and without
// eventType.
func isCloudEvent(text []byte) bool {
	m, err := open(text)
	if err != nil {
		return false
	}
	found := false
	for m.next() {
		if m.name == "eventType" {
			return false
		}
		found = found || m.name == "specversion" && m.kind() == '"'
		if _, ok := m.skip(); !ok {
			return false
		}
	}
	return found && m.want == ""
}

// cloudAttribute maps an attribute's name to a member. Extensions are found in
// any case: camelCase breaks CloudEvents' rules, but what it means is plain.
func cloudAttribute(name string) member {
	switch name {
	case "specversion":
		return mSpecVersion
	case "id":
		return mEventID
	case "source":
		return mSource
	case "type":
		return mEventType
	case "subject":
		return mSubject
	case "time":
		return mCreatedAt
	case "data":
		return mPayload
	case "data_base64":
		return mDataBase64
	case "traceparent":
		return mTraceParent
	}
	switch strings.ToLower(name) {
	case "tenantid":
		return mTenantID
	case "severity":
		return mSeverity
	case "actortype":
		return mActorType
	case "actorid":
		return mActorID
	case "actorname":
		return mActorName
	case "actoremail":
		return mActorEmail
	case "targettype":
		return mTargetType
	case "targetid":
		return mTargetID
	case "correlationid":
		return mCorrelationID
	case "ipaddress":
		return mIPAddress
	case "useragent":
		return mUserAgent
	}
	return unknown
}

// cloudEvent is a CloudEvent being read.
type cloudEvent struct {
	members
	version     string
	subject     []byte // the member, verbatim
	subjectText string
	traceParent string
}

// parseCloudEvent reads a CloudEvent in structured form.
func parseCloudEvent(text []byte, e *Event) *DecodeError {
	m, err := open(text)
	if err != nil {
		return err
	}
	c := cloudEvent{members: m}
	var seen uint32
	for c.next() {
		known := cloudAttribute(c.name)
		if known != unknown && seen&(1<<known) != 0 {
			return duplicate(c.name)
		}
		seen |= 1 << known
		if err := c.read(e, known); err != nil {
			return err
		}
	}
	if c.want != "" {
		return c.fault()
	}
	return c.complete(e)
}

// read reads one attribute.
func (c *cloudEvent) read(e *Event, known member) *DecodeError {
	first := c.kind()
	switch {
	case known == unknown || first == 'n' || known == mPayload || known == mDataBase64:
		value, ok := c.skip()
		if !ok {
			return c.fault()
		}
		switch {
		case known == unknown:
			e.Extra = appendExtra(e.Extra, c.extension(value))
		case first == 'n':
		case e.Payload != nil:
			return &DecodeError{Class: ClassInvalidField, Field: c.name, Message: "data and data_base64 exclude each other"}
		case known == mDataBase64 && first != '"':
			return wrongType(c.name, "a string", first)
		case first == '{':
			e.Payload = value
		default:
			e.Payload = slices.Concat([]byte(`{"`), []byte(c.name), []byte(`":`), value, []byte("}"))
		}
		return nil
	case first == '{' || first == '[':
		if _, ok := c.skip(); !ok {
			return c.fault()
		}
		return wrongType(c.name, "a string", first)
	case first != '"': // A number or a boolean has a canonical string in CloudEvents: its JSON.
		value, ok := c.skip()
		if !ok {
			return c.fault()
		}
		return c.set(e, known, alias(value))
	}
	s, whole, ok := c.str()
	if !ok {
		return c.fault()
	}
	if !whole {
		return &DecodeError{Class: ClassInvalidUTF8, Field: c.name, Message: "has a lone surrogate"}
	}
	return c.set(e, known, s)
}

// extension returns the current member as Extra keeps it.
func (c *cloudEvent) extension(value []byte) []byte {
	if memberOf(c.name) == unknown {
		return c.text[c.start:c.end]
	}
	return slices.Concat([]byte(`"ce_`), []byte(c.name), []byte(`":`), value)
}

func (c *cloudEvent) set(e *Event, known member, s string) *DecodeError {
	switch known {
	case mSpecVersion:
		c.version = s
	case mSubject:
		c.subject, c.subjectText = c.text[c.start:c.end], s
	case mTraceParent:
		c.traceParent = s
		e.Extra = appendExtra(e.Extra, c.text[c.start:c.end])
	default:
		return e.set(known, c.name, s)
	}
	return nil
}

// complete checks what CloudEvents require and resolves what depends on
// several attributes.
func (c *cloudEvent) complete(e *Event) *DecodeError {
	if c.version != cloudEventsVersion {
		return &DecodeError{Class: ClassInvalidField, Field: "specversion", Message: strconv.Quote(c.version) + " is not " + cloudEventsVersion}
	}
	for _, required := range [...]struct{ name, value string }{
		{"id", e.EventID}, {"source", e.Source}, {"type", e.EventType}, {"tenantid", e.TenantID},
	} {
		if required.value == "" {
			return &DecodeError{Class: ClassMissingField, Field: required.name, Message: "is required in a CloudEvent"}
		}
	}
	switch {
	case c.subjectText == "":
	case e.TargetID == "":
		if err := e.set(mTargetID, "subject", c.subjectText); err != nil {
			return err
		}
	default:
		e.Extra = appendExtra(e.Extra, c.subject)
	}
	if e.CorrelationID == "" {
		e.CorrelationID = traceID(c.traceParent)
	}
	if e.Extra != nil {
		e.Extra = append(e.Extra, '}')
	}
	return nil
}

// traceID returns the trace id of a W3C traceparent, "" where it is none.
func traceID(traceParent string) string {
	const from, to = len("00-"), len("00-") + 32
	if len(traceParent) < to+len("-0123456789abcdef-00") || traceParent[from-1] != '-' || traceParent[to] != '-' {
		return ""
	}
	id := traceParent[from:to]
	if strings.Trim(id, "0123456789abcdef") != "" || strings.Trim(id, "0") == "" {
		return ""
	}
	return id
}

// FromHTTP returns the structured form of a CloudEvent in binary mode over
// HTTP (ce-specversion and its sister headers), for Prepare. ok is false where the
// request carries none; the content type of structured mode outweighs headers.
func FromHTTP(header map[string][]string, body []byte) (text []byte, ok bool, err error) {
	var headers []Header
	var contentType string
	for _, name := range slices.Sorted(maps.Keys(header)) {
		values := header[name]
		if len(values) == 0 {
			continue
		}
		lower := strings.ToLower(name)
		if lower == "content-type" {
			contentType = values[0]
			if isStructured(contentType) {
				return nil, false, nil
			}
		}
		attribute, found := strings.CutPrefix(lower, "ce-")
		if !found {
			continue
		}
		value, err := url.PathUnescape(values[0])
		if err != nil {
			return nil, true, &DecodeError{Class: ClassInvalidField, Field: attribute, Message: "its percent-encoding is broken"}
		}
		ok = ok || attribute == "specversion"
		headers = append(headers, Header{Key: "ce_" + attribute, Value: []byte(value)})
	}
	if !ok {
		return nil, false, nil
	}
	text, fault := structure(headers, contentType, body)
	if fault != nil {
		return nil, true, fault
	}
	return text, true, nil
}
