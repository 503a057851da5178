package filter

import "strings"

// isSpecial reports whether a backslash before c makes c an ordinary
// character. Before any other character a backslash is itself, so that
// DOMAIN\user needs no second one.
func isSpecial(c byte) bool {
	switch c {
	case '\\', '"', '*', '(', ')', ':', '<', '>', '=', '-', '+', '.':
		return true
	}
	return isSpace(c)
}

func isSpace(c byte) bool {
	return c == ' ' || '\t' <= c && c <= '\r'
}

// unescape removes the backslashes that make special characters ordinary.
func unescape(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		if escapes(raw, i) {
			i++
		}
		out = append(out, raw[i])
	}
	return string(out)
}

// escapes reports whether raw[i] is a backslash that escapes what follows.
func escapes(raw string, i int) bool {
	return raw[i] == '\\' && i+1 < len(raw) && isSpecial(raw[i+1])
}

// indexUnescaped returns where separator first stands in raw with no backslash
// before it, or -1.
func indexUnescaped(raw, separator string) int {
	for i := 0; i < len(raw); i++ {
		if escapes(raw, i) {
			i++
		} else if strings.HasPrefix(raw[i:], separator) {
			return i
		}
	}
	return -1
}

// splitUnescaped cuts raw at each unescaped separator and unescapes the parts.
func splitUnescaped(raw, separator string) []string {
	var parts []string
	for {
		at := indexUnescaped(raw, separator)
		if at < 0 {
			return append(parts, unescape(raw))
		}
		parts = append(parts, unescape(raw[:at]))
		raw = raw[at+len(separator):]
	}
}

// appendQuoted appends text as a quoted string of q.
func appendQuoted(out []byte, text string) []byte {
	out = append(out, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			out = append(out, '\\')
		}
		out = append(out, text[i])
	}
	return append(out, '"')
}

// appendValue appends text as a literal value of q, quoted where it must be.
func appendValue(out []byte, text string) []byte {
	plain := text != "" && text != "AND" && text != "OR" && !strings.Contains(text, "..")
	for i := 0; plain && i < len(text); i++ {
		c := text[i]
		plain = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c == '_' || i > 0 && (c == '.' || c == '-' || c == '@' || c == '/' || c == ':')
	}
	if plain {
		return append(out, text...)
	}
	return appendQuoted(out, text)
}

// appendEscaped appends text as a piece of an unquoted value of q. Of dots,
// which separate only in paths and ranges, it escapes those.
func appendEscaped(out []byte, text string, everyDot bool) []byte {
	for i := range len(text) {
		inRange := i > 0 && text[i-1] == '.' || i+1 < len(text) && text[i+1] == '.'
		if isSpecial(text[i]) && (text[i] != '.' || everyDot || inRange) {
			out = append(out, '\\')
		}
		out = append(out, text[i])
	}
	return out
}
