package event

import (
	"unicode/utf16"
	"unicode/utf8"
)

var simpleEscapes = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// readEscape decodes the escape sequence at the backslash text[i] of JSON
// text that scanner accepted. A lone surrogate gives U+FFFD and lone = true.
func readEscape(text []byte, i int) (r rune, next int, lone bool) {
	if text[i+1] != 'u' {
		return rune(simpleEscapes[text[i+1]]), i + 2, false
	}
	r = hex4(text[i+2:])
	next = i + 6
	if !utf16.IsSurrogate(r) {
		return r, next, false
	}
	if next+6 <= len(text) && text[next] == '\\' && text[next+1] == 'u' {
		if pair := utf16.DecodeRune(r, hex4(text[next+2:])); pair != utf8.RuneError {
			return pair, next + 6, false
		}
	}
	return utf8.RuneError, next, true
}

func hex4(text []byte) rune {
	return rune(hexDigit(text[0])<<12 | hexDigit(text[1])<<8 | hexDigit(text[2])<<4 | hexDigit(text[3]))
}

// unescape appends the value of a JSON string's content to dst. whole is false
// where a lone surrogate had to be replaced.
func unescape(dst, content []byte) (out []byte, whole bool) {
	whole = true
	for i := 0; i < len(content); {
		if content[i] != '\\' {
			dst = append(dst, content[i])
			i++
			continue
		}
		r, next, lone := readEscape(content, i)
		whole = whole && !lone
		dst = utf8.AppendRune(dst, r)
		i = next
	}
	return dst, whole
}
