package filter

import (
	"bytes"
	"strconv"
	"unicode/utf16"

	"github.com/go-faster/jx"
)

// addressability tells whether ClickHouse can reach into a payload. It reads
// JSON with simdjson, which refuses a whole document for one number
// beyond 64 bits or one lone surrogate; the matcher does the same, so that a filter on
// payload fields means the same on both sides. Text search isn't affected.
type addressability uint8

const (
	unknown addressability = iota
	addressable
	opaque
)

// lookup returns the JSON text of the value at the path, nil where there is
// none.
func (s *Subject) lookup(path Path) []byte {
	if s.addressable == unknown {
		s.addressable = addressable
		if !reachable(s.event.Payload) {
			s.addressable = opaque
		}
	}
	if s.addressable == opaque {
		return nil
	}
	raw := s.event.Payload
	for _, key := range path {
		if raw = member(raw, key); raw == nil {
			return nil
		}
	}
	return raw
}

// member returns the value of an object's first member of that name, nil where
// raw is no object or has none.
func member(raw []byte, key string) []byte {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(raw)
	if d.Next() != jx.Object {
		return nil
	}
	var value []byte
	_ = d.ObjBytes(func(d *jx.Decoder, k []byte) error {
		if value != nil || string(k) != key {
			return d.Skip()
		}
		found, err := d.Raw()
		value = bytes.TrimSpace(found)
		return err
	})
	return value
}

// eachElement calls f with the JSON text of each element of an array until it
// returns false.
func eachElement(raw []byte, f func(raw []byte) bool) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(raw)
	more := true
	_ = d.Arr(func(d *jx.Decoder) error {
		if !more {
			return d.Skip()
		}
		element, err := d.Raw()
		if err == nil {
			more = f(bytes.TrimSpace(element))
		}
		return err
	})
}

// stringContent decodes a JSON string.
func stringContent(raw []byte) string {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(raw)
	content, err := d.Str()
	if err != nil {
		return ""
	}
	return content
}

// reachable looks for what simdjson refuses in JSON that is otherwise sound.
func reachable(doc []byte) bool {
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case c == '"':
			end, sound := skipString(doc, i+1)
			if !sound {
				return false
			}
			i = end
		case c == '-' || '0' <= c && c <= '9':
			end := i + 1
			for end < len(doc) && isNumberByte(doc[end]) {
				end++
			}
			if !fits(doc[i:end]) {
				return false
			}
			i = end - 1
		}
	}
	return true
}

// skipString returns where the string that begins at i has its closing quote,
// and whether its surrogates come in pairs.
func skipString(doc []byte, i int) (end int, sound bool) {
	for ; i < len(doc) && doc[i] != '"'; i++ {
		if doc[i] != '\\' {
			continue
		}
		i++
		if i+4 >= len(doc) || doc[i] != 'u' {
			continue
		}
		first := hex(doc[i+1 : i+5])
		i += 4
		if !utf16.IsSurrogate(first) {
			continue
		}
		if i+6 >= len(doc) || doc[i+1] != '\\' || doc[i+2] != 'u' ||
			utf16.DecodeRune(first, hex(doc[i+3:i+7])) == '\uFFFD' {
			return 0, false
		}
		i += 6
	}
	return i, true
}

func hex(digits []byte) rune {
	n, err := strconv.ParseUint(string(digits), 16, 16)
	if err != nil {
		return 0
	}
	return rune(n)
}

func isNumberByte(c byte) bool {
	return '0' <= c && c <= '9' || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'
}

// fits reports whether a number is within Int64 or UInt64, or as a fraction
// within Float64.
func fits(number []byte) bool {
	if len(number) < 19 && bytes.IndexByte(number, 'e') < 0 && bytes.IndexByte(number, 'E') < 0 {
		return true
	}
	text := string(number)
	if bytes.ContainsAny(number, ".eE") {
		_, err := strconv.ParseFloat(text, 64)
		return err == nil
	}
	if text[0] == '-' {
		_, err := strconv.ParseInt(text, 10, 64)
		return err == nil
	}
	_, err := strconv.ParseUint(text, 10, 64)
	return err == nil
}
