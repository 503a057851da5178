package event

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends the event as API and stream return it: one line of JSON
// with the members of spec/event-log.txt in its order, then the optional
// ones, category and ingestedAt, archived where it is true, then those of Extra. eventId, tenantId, eventType,
// severity, payload, createdAt, category and ingestedAt are always there;
// every other string is left out when it is empty. Payload and Extra are verbatim but
// for line breaks between tokens, which become spaces, so that the line stays one.
func AppendJSON(dst []byte, e *Event) []byte {
	dst = appendString(append(dst, `{"eventId":`...), e.EventID)
	dst = appendString(append(dst, `,"tenantId":`...), e.TenantID)
	dst = appendString(append(dst, `,"eventType":`...), e.EventType)
	dst = appendOptional(dst, `,"source":`, e.Source)
	dst = append(append(append(dst, `,"severity":"`...), e.Severity.String()...), '"')
	dst = appendOptional(dst, `,"actorType":`, e.ActorType)
	dst = appendOptional(dst, `,"actorId":`, e.ActorID)
	dst = appendOptional(dst, `,"targetType":`, e.TargetType)
	dst = appendOptional(dst, `,"targetId":`, e.TargetID)
	dst = append(dst, `,"payload":`...)
	if len(e.Payload) == 0 {
		dst = append(dst, emptyObject...)
	} else {
		dst = appendLine(dst, e.Payload)
	}
	dst = appendOptional(dst, `,"correlationId":`, e.CorrelationID)
	dst = append(appendTime(append(dst, `,"createdAt":"`...), e.CreatedAt), '"')
	dst = appendOptional(dst, `,"actorName":`, e.ActorName)
	dst = appendOptional(dst, `,"actorEmail":`, e.ActorEmail)
	dst = appendOptional(dst, `,"ipAddress":`, e.IPAddress)
	dst = appendOptional(dst, `,"userAgent":`, e.UserAgent)
	dst = appendString(append(dst, `,"category":`...), e.Category)
	dst = append(appendTime(append(dst, `,"ingestedAt":"`...), e.IngestedAt), '"')
	extra := e.Extra
	if e.Archived {
		dst = append(dst, `,"archived":true`...)
		extra = without(extra, "archived")
	}
	if len(extra) > len("{}") {
		dst = append(dst, ',')
		return appendLine(dst, extra[1:])
	}
	return append(dst, '}')
}

// without returns an object of members without those of a name. It is the object
// itself where it has none.
func without(object []byte, name string) []byte {
	if !bytes.Contains(object, []byte(`"`)) {
		return object
	}
	m, fault := open(object)
	if fault != nil {
		return object
	}
	var kept []byte
	found := false
	for m.next() {
		member, value := m.name, m.start
		if _, ok := m.skip(); !ok {
			return object
		}
		if member == name {
			found = true
			continue
		}
		kept = appendExtra(kept, m.text[value:m.end])
	}
	switch {
	case !found:
		return object
	case kept == nil:
		return nil
	}
	return append(kept, '}')
}

func appendOptional(dst []byte, name, value string) []byte {
	if value == "" {
		return dst
	}
	return appendString(append(dst, name...), value)
}

// appendLine appends JSON text with line breaks as spaces. Inside strings they
// are escaped, so every one found stands between tokens.
func appendLine(dst, text []byte) []byte {
	at := len(dst)
	dst = append(dst, text...)
	for _, lineBreak := range [...]byte{'\n', '\r'} {
		for rest := dst[at:]; ; {
			i := bytes.IndexByte(rest, lineBreak)
			if i < 0 {
				break
			}
			rest[i] = ' '
			rest = rest[i+1:]
		}
	}
	return dst
}

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD: the output is JSON whatever a row holds.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
			dst = append(append(dst, s[from:i]...), `\ufffd`...)
			i++
			from = i
			continue
		}
		dst = appendEscape(append(dst, s[from:i]...), c)
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// ParseOutput reads the JSON of AppendJSON, as clients of the API do. It
// copies nothing: the event points into text.
func ParseOutput(text []byte) (Event, error) {
	var e Event
	if !utf8.Valid(text) {
		return Event{}, invalidUTF8(text)
	}
	if err := parse(text, &e, true); err != nil {
		return Event{}, err
	}
	if e.Payload == nil {
		e.Payload = emptyObject
	}
	return e, nil
}

// String returns the event's position as messages and tools show it.
func (p Position) String() string {
	return strconv.Itoa(int(p.Partition)) + "/" + strconv.FormatInt(p.Offset, 10)
}
