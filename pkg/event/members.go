package event

import "unsafe"

// members walks over the members of one JSON object. After next the caller
// reads the value with text, skip or null, then calls next again.
type members struct {
	scanner
	name    string // the member's name, decoded; it aliases the text where it has no escapes
	start   int    // index of the name's opening quote
	value   int    // index of the value's first byte
	end     int    // index behind the value
	started bool
}

// open begins at the object that is the whole of text.
func open(text []byte) (members, *DecodeError) {
	m := members{scanner: scanner{text: text}}
	i := m.space(0)
	if i == len(text) {
		return m, &DecodeError{Class: ClassEmpty, Message: "the message is empty"}
	}
	if text[i] != '{' {
		end := m.scanner.value(i, 0)
		if end >= 0 && m.space(end) < len(text) {
			end = m.fail(m.space(end), "nothing behind the value")
		}
		if end < 0 {
			return m, m.fault()
		}
		return m, &DecodeError{Class: ClassWrongType, Message: "an event is a JSON object, this is " + kindOf(text[i])}
	}
	m.end = i + 1
	return m, nil
}

// next goes to the next member. It returns false at the end of the text and
// at a fault.
func (m *members) next() bool {
	i := m.space(m.end)
	if i < len(m.text) && m.text[i] == '}' {
		if i = m.space(i + 1); i < len(m.text) {
			m.fail(i, "nothing behind the object")
		}
		return false
	}
	if m.started {
		if i = m.comma(i, "',' or '}'"); i < 0 {
			return false
		}
	}
	m.started = true
	name, escaped, value := m.key(i)
	if value < 0 {
		return false
	}
	if value == len(m.text) {
		m.fail(value, "a value")
		return false
	}
	if escaped {
		name, _ = unescape(nil, name)
	}
	m.name, m.start, m.value = alias(name), i, value
	return true
}

// skip reads a value of any type and returns its text.
func (m *members) skip() ([]byte, bool) {
	m.end = m.scanner.value(m.value, 1)
	if m.end < 0 {
		return nil, false
	}
	return m.text[m.value:m.end:m.end], true
}

// str reads a string and returns its value, which aliases the text where it
// has no escapes; whole is false where it has a lone surrogate.
func (m *members) str() (s string, whole, ok bool) {
	end, escaped := m.scanner.str(m.value + 1)
	m.end = end
	if end < 0 {
		return "", false, false
	}
	content := m.text[m.value+1 : end-1]
	if !escaped {
		return alias(content), true, true
	}
	decoded, whole := unescape(make([]byte, 0, len(content)), content)
	return alias(decoded), whole, true
}

// kind returns the value's first byte, which tells its type.
func (m *members) kind() byte { return m.text[m.value] }

// kindOf names the type of a JSON value by its first byte.
func kindOf(first byte) string {
	switch first {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// alias returns a string that shares the bytes, which never change: Message says so.
func alias(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // A copy for each of a dozen strings would be most of the decode.
}
