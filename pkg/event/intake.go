package event

import (
	"bytes"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SplitBatch cuts the body of a POST into events, which alias it: one object,
// an array, NDJSON, or objects one after another. The events themselves are
// checked by Prepare. A content type that can't hold JSON gives
// ClassUnsupportedMedia; what curl sends unless told otherwise
// (application/x-www-form-urlencoded) is taken for JSON.
func SplitBatch(body []byte, contentType string) ([][]byte, error) {
	media := ""
	if contentType != "" {
		var err error
		if media, _, err = mime.ParseMediaType(contentType); err != nil {
			return nil, &DecodeError{Class: ClassUnsupportedMedia, Message: quote(contentType) + " is no content type"}
		}
	}
	var events [][]byte
	var fault *DecodeError
	switch media {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines", "application/jsonlines":
		events = splitLines(body)
	case "", "application/json", "text/json", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded":
		events, fault = splitValues(body)
	default:
		if !strings.HasSuffix(media, "+json") {
			return nil, &DecodeError{Class: ClassUnsupportedMedia, Message: quote(media) + " holds no events; send application/json or application/x-ndjson"}
		}
		events, fault = splitValues(body)
	}
	switch {
	case fault != nil:
		return nil, fault
	case len(events) == 0:
		return nil, &DecodeError{Class: ClassEmpty, Message: "the request has no events"}
	}
	return events, nil
}

func splitLines(body []byte) (events [][]byte) {
	for line := range bytes.Lines(body) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			events = append(events, line)
		}
	}
	return events
}

func splitValues(body []byte) (events [][]byte, fault *DecodeError) {
	s := scanner{text: body}
	i := s.space(0)
	inArray := i < len(body) && body[i] == '['
	if inArray {
		if i = s.space(i + 1); i < len(body) && body[i] == ']' {
			return nil, s.onlySpace(i + 1)
		}
	}
	for inArray || i < len(body) {
		end := s.value(i, 0)
		if end < 0 {
			fault := s.fault()
			fault.Message = "event " + strconv.Itoa(len(events)) + ": " + fault.Message
			return nil, fault
		}
		events = append(events, body[i:end:end])
		i = s.space(end)
		if !inArray {
			continue
		}
		if i < len(body) && body[i] == ']' {
			return events, s.onlySpace(i + 1)
		}
		if i = s.comma(i, "',' or ']'"); i < 0 {
			return nil, s.fault()
		}
	}
	return events, nil
}

func (s *scanner) onlySpace(i int) *DecodeError {
	if i = s.space(i); i < len(s.text) {
		s.fail(i, "nothing behind the array")
		return s.fault()
	}
	return nil
}

// Prepare makes the message value of an event that came over HTTP: raw,
// verbatim, with tenantId, eventId and createdAt filled in where they are missing (in a
// CloudEvent tenantid and time; it must have an id). tenantID is the key's; an
// event that names another one gives ClassForbiddenTenant. The value is to be
// published with now as the message's timestamp. What Prepare accepts, Decode accepts:
// e is what it gives. Where nothing was missing, value aliases raw.
func (d *Decoder) Prepare(raw []byte, tenantID string, now time.Time, newID func() string) (value []byte, e Event, err error) {
	value, fault := d.fill(raw, tenantID, now, newID)
	if fault == nil {
		fault = d.decode(&Message{Time: now, Value: value}, &e)
	}
	if fault == nil && e.TenantID != tenantID {
		// The other tenant's id is the caller's own input, so naming it gives nothing away.
		fault = &DecodeError{Class: ClassForbiddenTenant, Field: "tenantId", Message: quote(e.TenantID) + " is not the tenant of this key"}
	}
	if fault != nil {
		return nil, Event{}, fault
	}
	return value, e, nil
}

// filling is a member that Prepare adds where it is missing.
type filling struct {
	member member
	name   string
	value  func() string
	given  bool
}

// fill returns the event with its missing members.
func (d *Decoder) fill(raw []byte, tenantID string, now time.Time, newID func() string) ([]byte, *DecodeError) {
	if len(raw) > d.maxBytes {
		return nil, tooLarge(len(raw), d.maxBytes)
	}
	tenant := func() string { return tenantID }
	created := func() string { return string(appendTime(nil, now)) }
	lookup := memberOf
	fillings := []filling{
		{member: mTenantID, name: "tenantId", value: tenant},
		{member: mEventID, name: "eventId", value: newID},
		{member: mCreatedAt, name: "createdAt", value: created},
	}
	if isCloudEvent(raw) {
		lookup = cloudAttribute
		fillings = []filling{{member: mTenantID, name: "tenantid", value: tenant}, {member: mCreatedAt, name: "time", value: created}}
	}
	kept, fault := keep(raw, lookup, fillings)
	if fault != nil {
		return nil, fault
	}
	value := make([]byte, 0, len(kept)+256)
	for _, f := range fillings {
		if !f.given {
			value = append(appendString(append(value, ','), f.name), ':')
			value = appendString(value, f.value())
		}
	}
	if len(value) == 0 {
		return bytes.TrimSpace(raw), nil
	}
	value = append(append(value, kept...), '}')
	value[0] = '{'
	return value, nil
}

// keep notes which fillings are given and returns raw's members, each behind
// a comma, without those that are as good as absent and make room for a filling.
func keep(raw []byte, lookup func(string) member, fillings []filling) ([]byte, *DecodeError) {
	m, fault := open(raw)
	if fault != nil {
		return nil, fault
	}
	kept := make([]byte, 0, len(raw)+1)
	for m.next() {
		value, ok := m.skip()
		if !ok {
			break
		}
		known := lookup(m.name)
		if i := slices.IndexFunc(fillings, func(f filling) bool { return f.member == known }); i >= 0 {
			if string(value) == "null" || string(value) == `""` && known != mCreatedAt {
				continue
			}
			fillings[i].given = true
		}
		kept = append(append(kept, ','), raw[m.start:m.end]...)
	}
	if m.want != "" {
		return nil, m.fault()
	}
	return kept, nil
}
