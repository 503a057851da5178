package event

import (
	"strings"
	"unicode/utf8"
)

// TenantOf returns the tenant that a message names, whether or not the message
// is an event, and "" where it can't be said for certain: what is no whole JSON
// object names nobody, nor does one that names two. What Decode accepts has the
// tenant that Decode finds, unless another member could be taken for it.
func TenantOf(m *Message) string {
	text, structured := m.Value, false
	switch mode, contentType := cloudEventMode(m.Headers); mode {
	case modeStructured:
		structured = true
	case modeBinary:
		var err *DecodeError
		if text, err = structure(m.Headers, contentType, m.Value); err != nil {
			return ""
		}
		structured = true
	}
	if !utf8.Valid(text) {
		return ""
	}
	structured = structured || isCloudEvent(text)
	members, err := open(text)
	if err != nil {
		return ""
	}
	tenant, named := "", 0
	for members.next() {
		if !strings.EqualFold(members.name, "tenantId") {
			if _, ok := members.skip(); !ok {
				return ""
			}
			continue
		}
		// CloudEvents spell it in any way, native events in one.
		if members.kind() != '"' || !structured && members.name != "tenantId" {
			return ""
		}
		s, whole, ok := members.str()
		if !ok || !whole {
			return ""
		}
		tenant, named = s, named+1
	}
	if members.want != "" || named != 1 || len(tenant) > maxIDBytes || tenant == "*" || checkName(tenant, "tenantId") != nil {
		return ""
	}
	return strings.Clone(tenant) // The message may be large, and is not kept for its tenant's sake.
}
