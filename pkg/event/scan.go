package event

import (
	"encoding/binary"
	"math/bits"
	"strconv"
)

// MaxDepth is how deep objects and arrays of an event may be nested, the event
// itself being the first level.
const MaxDepth = 128

// scanner walks over JSON text and holds it to RFC 8259: every byte of a
// payload is checked, because it is returned verbatim inside our own JSON.
// The caller has checked that the text is UTF-8.
//
// It is written by hand because of what bench_test.go shows. Of the libraries
// only go-faster/jx is as fast and as strict with values it skips, but it follows
// 10,000 levels, does not check UTF-8, and does not tell where a member begins and
// ends, which Extra and Prepare need. The oracle of its fuzz tests is encoding/json.
//
// Methods take the index where to begin and return the one behind what they
// read, or -1 with the fault noted.
type scanner struct {
	text  []byte
	badAt int    // where the fault is
	want  string // what should stand there, "" while there is no fault
	deep  bool   // the fault is depth
}

func (s *scanner) fail(at int, want string) int {
	s.badAt, s.want = at, want
	return -1
}

// fault returns the noted fault as an error.
func (s *scanner) fault() *DecodeError {
	if s.deep {
		return &DecodeError{Class: ClassTooDeep, Message: "nested deeper than " + strconv.Itoa(MaxDepth) + " levels at byte " + strconv.Itoa(s.badAt)}
	}
	message := "byte " + strconv.Itoa(s.badAt) + ": expected " + s.want
	switch {
	case s.badAt >= len(s.text):
		message += ", but the text ends"
	case s.text[s.badAt] < 0x80:
		message += ", found " + strconv.QuoteRune(rune(s.text[s.badAt]))
	}
	return &DecodeError{Class: ClassInvalidJSON, Message: message}
}

// space skips white space, of which there is mostly none.
func (s *scanner) space(i int) int {
	if i < len(s.text) && s.text[i] > ' ' {
		return i
	}
	return s.spaces(i)
}

func (s *scanner) spaces(i int) int {
	for i < len(s.text) {
		switch s.text[i] {
		case ' ', '\n', '\r', '\t':
			i++
		default:
			return i
		}
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops marks the bytes of w that end the plain part of a JSON string: quote,
// backslash, control characters. The lowest mark is exact; those above it may
// be false, as borrows only run upwards.
func stops(w uint64) uint64 {
	quote, slash := w^(ones*'"'), w^(ones*'\\')
	return ((quote-ones)&^quote | (slash-ones)&^slash | (w-ones*' ')&^w) & highs
}

// str reads a string whose opening quote stands before i. The content is
// text[i:end-1].
func (s *scanner) str(i int) (end int, escaped bool) {
	text := s.text
	for {
		for i+8 <= len(text) {
			if m := stops(binary.LittleEndian.Uint64(text[i:])); m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto stop
			}
			i += 8
		}
		for i < len(text) && text[i] != '"' && text[i] != '\\' && text[i] >= ' ' {
			i++
		}
		if i >= len(text) {
			return s.fail(len(text), "the end of a string"), false
		}
	stop:
		switch text[i] {
		case '"':
			return i + 1, escaped
		case '\\':
			escaped = true
			if i = s.escape(i); i < 0 {
				return -1, false
			}
		default:
			return s.fail(i, "no control character in a string"), false
		}
	}
}

// escape reads one escape sequence; i is at the backslash. A lone surrogate is
// well-formed JSON: it is kept in payloads and refused in our own members.
func (s *scanner) escape(i int) int {
	if i+1 >= len(s.text) {
		return s.fail(len(s.text), "an escape sequence")
	}
	switch s.text[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2
	case 'u':
		for n := i + 2; n < i+6; n++ {
			if n >= len(s.text) || hexDigit(s.text[n]) < 0 {
				return s.fail(n, "four hexadecimal digits")
			}
		}
		return i + 6
	}
	return s.fail(i+1, "an escape sequence")
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// value reads any value; i is at its first byte.
func (s *scanner) value(i, depth int) int {
	if i >= len(s.text) {
		return s.fail(i, "a value")
	}
	switch c := s.text[i]; c {
	case '"':
		end, _ := s.str(i + 1)
		return end
	case '{':
		return s.object(i+1, depth+1)
	case '[':
		return s.array(i+1, depth+1)
	case 't':
		return s.literal(i, "true")
	case 'f':
		return s.literal(i, "false")
	case 'n':
		return s.literal(i, "null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return s.number(i)
		}
		return s.fail(i, "a value")
	}
}

func (s *scanner) literal(i int, word string) int {
	end := i + len(word)
	if end > len(s.text) || string(s.text[i:end]) != word {
		return s.fail(i, word)
	}
	return end
}

func (s *scanner) digits(i int) int {
	from := i
	for i < len(s.text) && '0' <= s.text[i] && s.text[i] <= '9' {
		i++
	}
	if i == from {
		return s.fail(i, "a digit")
	}
	return i
}

func (s *scanner) number(i int) int {
	if s.text[i] == '-' {
		i++
	}
	if i < len(s.text) && s.text[i] == '0' {
		i++ // No digit may follow: whatever calls expects something else than one.
	} else if i = s.digits(i); i < 0 {
		return -1
	}
	if i < len(s.text) && s.text[i] == '.' {
		if i = s.digits(i + 1); i < 0 {
			return -1
		}
	}
	if i < len(s.text) && s.text[i]|0x20 == 'e' {
		i++
		if i < len(s.text) && (s.text[i] == '+' || s.text[i] == '-') {
			i++
		}
		i = s.digits(i)
	}
	return i
}

func (s *scanner) tooDeep(i int) int {
	s.deep = true
	return s.fail(i, "less depth")
}

// object reads an object whose opening brace stands before i.
func (s *scanner) object(i, depth int) int {
	if depth > MaxDepth {
		return s.tooDeep(i - 1)
	}
	if i = s.space(i); i < len(s.text) && s.text[i] == '}' {
		return i + 1
	}
	for {
		_, _, at := s.key(i)
		if at < 0 {
			return -1
		}
		end := s.value(at, depth)
		if end < 0 {
			return -1
		}
		if i = s.space(end); i < len(s.text) && s.text[i] == '}' {
			return i + 1
		}
		if i = s.comma(i, "',' or '}'"); i < 0 {
			return -1
		}
	}
}

// array reads an array whose opening bracket stands before i.
func (s *scanner) array(i, depth int) int {
	if depth > MaxDepth {
		return s.tooDeep(i - 1)
	}
	if i = s.space(i); i < len(s.text) && s.text[i] == ']' {
		return i + 1
	}
	for {
		end := s.value(i, depth)
		if end < 0 {
			return -1
		}
		if i = s.space(end); i < len(s.text) && s.text[i] == ']' {
			return i + 1
		}
		if i = s.comma(i, "',' or ']'"); i < 0 {
			return -1
		}
	}
}

// comma reads a comma and the white space behind it.
func (s *scanner) comma(i int, want string) int {
	if i >= len(s.text) || s.text[i] != ',' {
		return s.fail(i, want)
	}
	return s.space(i + 1)
}

// key reads a member's name, its colon and the white space around, and returns
// the name's content and the index of the value.
func (s *scanner) key(i int) (name []byte, escaped bool, value int) {
	if i >= len(s.text) || s.text[i] != '"' {
		return nil, false, s.fail(i, "a member's name in double quotes")
	}
	end, escaped := s.str(i + 1)
	if end < 0 {
		return nil, false, -1
	}
	name = s.text[i+1 : end-1]
	if end = s.space(end); end >= len(s.text) || s.text[end] != ':' {
		return nil, false, s.fail(end, "':'")
	}
	return name, escaped, s.space(end + 1)
}
