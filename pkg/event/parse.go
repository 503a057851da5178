package event

import "strconv"

// member numbers the members that Daybook knows.
type member uint8

const (
	unknown member = iota
	mEventID
	mTenantID
	mEventType
	mSource
	mActorType
	mActorID
	mActorName
	mActorEmail
	mTargetType
	mTargetID
	mCorrelationID
	mIPAddress
	mUserAgent
	mSeverity
	mCreatedAt
	mPayload
	mCategory
	mIngestedAt

	// Of CloudEvents, see cloudevents.go.
	mSpecVersion
	mSubject
	mDataBase64
	mTraceParent
)

func memberOf(name string) member {
	switch name {
	case "eventId":
		return mEventID
	case "tenantId":
		return mTenantID
	case "eventType":
		return mEventType
	case "source":
		return mSource
	case "severity":
		return mSeverity
	case "actorType":
		return mActorType
	case "actorId":
		return mActorID
	case "actorName":
		return mActorName
	case "actorEmail":
		return mActorEmail
	case "targetType":
		return mTargetType
	case "targetId":
		return mTargetID
	case "payload":
		return mPayload
	case "correlationId":
		return mCorrelationID
	case "createdAt":
		return mCreatedAt
	case "ipAddress":
		return mIPAddress
	case "userAgent":
		return mUserAgent
	case "category":
		return mCategory
	case "ingestedAt":
		return mIngestedAt
	}
	return unknown
}

// text returns where a string member is kept, and its bound in bytes; nil for
// members that are no plain strings.
func (e *Event) text(m member) (*string, int) {
	switch m {
	case mEventID:
		return &e.EventID, maxIDBytes
	case mTenantID:
		return &e.TenantID, maxIDBytes
	case mEventType:
		return &e.EventType, maxIDBytes
	case mSource:
		return &e.Source, maxIDBytes
	case mActorType:
		return &e.ActorType, maxIDBytes
	case mActorID:
		return &e.ActorID, maxIDBytes
	case mActorName:
		return &e.ActorName, maxNameBytes
	case mActorEmail:
		return &e.ActorEmail, maxNameBytes
	case mTargetType:
		return &e.TargetType, maxIDBytes
	case mTargetID:
		return &e.TargetID, maxIDBytes
	case mCorrelationID:
		return &e.CorrelationID, maxIDBytes
	case mIPAddress:
		return &e.IPAddress, maxIDBytes
	case mUserAgent:
		return &e.UserAgent, maxUserAgentBytes
	}
	return nil, 0
}

// parse reads a native event. output is for our own JSON, where category,
// ingestedAt and archived count.
func parse(text []byte, e *Event, output bool) *DecodeError {
	m, err := open(text)
	if err != nil {
		return err
	}
	var seen uint32
	for m.next() {
		known := memberOf(m.name)
		if known == unknown {
			value, ok := m.skip()
			if !ok {
				return m.fault()
			}
			if output && m.name == "archived" && string(value) == "true" {
				e.Archived = true
				continue
			}
			e.Extra = appendExtra(e.Extra, text[m.start:m.end])
			continue
		}
		if seen&(1<<known) != 0 {
			return duplicate(m.name)
		}
		seen |= 1 << known
		if err := e.read(&m, known, output); err != nil {
			return err
		}
	}
	if m.want != "" {
		return m.fault()
	}
	if e.Extra != nil {
		e.Extra = append(e.Extra, '}')
	}
	return nil
}

func duplicate(name string) *DecodeError {
	return &DecodeError{Class: ClassDuplicateField, Field: name, Message: "is there twice"}
}

// appendExtra adds a member, verbatim, to an object that is still open.
func appendExtra(extra, member []byte) []byte {
	if extra == nil {
		extra = append(make([]byte, 0, len(member)+64), '{')
	} else {
		extra = append(extra, ',')
	}
	return append(extra, member...)
}

// read reads the value of a known member.
func (e *Event) read(m *members, known member, output bool) *DecodeError {
	if m.kind() == 'n' {
		if _, ok := m.skip(); !ok {
			return m.fault()
		}
		return nil
	}
	if known == mPayload || !output && (known == mCategory || known == mIngestedAt) {
		value, ok := m.skip()
		switch {
		case !ok:
			return m.fault()
		case known != mPayload:
			return nil
		case value[0] != '{':
			return wrongType(m.name, "an object", value[0])
		}
		e.Payload = value
		return nil
	}
	if m.kind() != '"' {
		value, ok := m.skip()
		if !ok {
			return m.fault()
		}
		return wrongType(m.name, "a string", value[0])
	}
	s, whole, ok := m.str()
	if !ok {
		return m.fault()
	}
	if !whole {
		return &DecodeError{Class: ClassInvalidUTF8, Field: m.name, Message: "has a lone surrogate"}
	}
	return e.set(known, m.name, s)
}

// set keeps the value of a member that is a JSON string. name is for errors:
// CloudEvents spell it differently.
func (e *Event) set(known member, name, s string) *DecodeError {
	if dst, limit := e.text(known); dst != nil {
		if len(s) > limit {
			return &DecodeError{Class: ClassOutOfBounds, Field: name, Message: "has " + strconv.Itoa(len(s)) + " bytes, the limit is " + strconv.Itoa(limit)}
		}
		*dst = s
		return nil
	}
	ok := true
	switch known {
	case mSeverity:
		if e.Severity, ok = ParseSeverity(s); !ok {
			return &DecodeError{Class: ClassInvalidField, Field: name, Message: quote(s) + " is none of INFO, WARN, ERROR, CRITICAL"}
		}
	case mCreatedAt:
		e.CreatedAt, ok = parseTime(s)
	case mIngestedAt:
		e.IngestedAt, ok = parseTime(s)
	case mCategory:
		e.Category = s
	}
	if !ok {
		return &DecodeError{Class: ClassInvalidField, Field: name, Message: quote(s) + " is no RFC 3339 time with an offset, like 2026-04-17T14:32:01.123Z"}
	}
	return nil
}

func wrongType(field, want string, first byte) *DecodeError {
	return &DecodeError{Class: ClassWrongType, Field: field, Message: "must be " + want + ", it is " + kindOf(first)}
}

// quote quotes a value for an error message, cut to a length that names it.
func quote(s string) string {
	const limit = 48
	if len(s) <= limit {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:limit]) + "…"
}
