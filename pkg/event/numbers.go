package event

import (
	"strconv"
	"strings"
)

// Number is a member of a payload whose value is a number.
type Number struct {
	Name  []byte // unescaped; it may point into the payload
	Value float64
}

// AppendNumbers appends the payload's own members that are numbers, in their order
// and each as often as it stands there. It appends none of a payload that
// ClickHouse can't reach into, see Addressable: the column payload_numbers is what
// ClickHouse would make of the payload itself, at a tenth of the cost. The payload must
// be JSON that Decode accepted.
func AppendNumbers(dst []Number, payload []byte) []Number {
	before := len(dst)
	if !eachNumber(payload, func(name []byte, escaped bool, value float64) {
		if escaped {
			name, _ = unescape(nil, name)
		}
		dst = append(dst, Number{name, value})
	}) {
		return dst[:before]
	}
	return dst
}

// Addressable reports whether ClickHouse's functions can reach into a payload.
// They read JSON with simdjson, which refuses a whole document for one
// number beyond 64 bits or one lone surrogate. The payload must be JSON that Decode
// accepted.
func Addressable(payload []byte) bool { return eachNumber(payload, nil) }

// eachNumber calls f, unless that is nil, with the names and values of the payload's own
// members that are numbers, and returns whether all of the payload is addressable. Where
// it is not, f was called for some.
func eachNumber(payload []byte, f func(name []byte, escaped bool, value float64)) bool {
	s := scanner{text: payload}
	var name []byte // the last string at the first level: where a number begins there, its name
	var nameEscaped bool
	depth := 0
	for i := 0; i < len(payload); {
		switch c := payload[i]; c {
		case '"':
			end, escaped := s.str(i + 1)
			if end < 0 {
				return false
			}
			if escaped && !paired(payload[i+1:end-1]) {
				return false
			}
			if depth == 1 {
				name, nameEscaped = payload[i+1:end-1], escaped
			}
			i = end
		case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
			value, end := readNumber(payload, i)
			if end < 0 {
				return false
			}
			if depth == 1 && f != nil {
				f(name, nameEscaped, value)
			}
			i = end
		case '{', '[':
			depth++
			i++
		case '}', ']':
			depth--
			i++
		default:
			i++
		}
	}
	return true
}

// paired reports whether the surrogates in a string's content come in pairs.
func paired(content []byte) bool {
	for i := 0; i < len(content); {
		if content[i] != '\\' {
			i++
			continue
		}
		var lone bool
		if _, i, lone = readEscape(content, i); lone {
			return false
		}
	}
	return true
}

// readNumber reads the number that begins at i, rounded to the nearest Float64. The
// end is -1 where the number is neither within Int64 or UInt64, nor as a fraction
// within Float64.
func readNumber(text []byte, i int) (value float64, end int) {
	var whole uint64
	plain := true
	for end = i; end < len(text) && isNumberByte[text[end]]; end++ {
		digit := text[end] - '0'
		plain = plain && digit <= 9
		whole = whole*10 + uint64(digit)
	}
	if plain && end-i < 16 { // So few digits need no rounding.
		return float64(whole), end
	}
	number := string(text[i:end])
	value, err := strconv.ParseFloat(number, 64)
	if !strings.ContainsAny(number, ".eE") {
		if number[0] == '-' {
			_, err = strconv.ParseInt(number, 10, 64)
		} else {
			_, err = strconv.ParseUint(number, 10, 64)
		}
	}
	if err != nil {
		return 0, -1
	}
	return value + 0, end // ClickHouse's zero has no sign.
}

var isNumberByte = func() (table [256]bool) {
	for _, c := range "0123456789.eE+-" {
		table[c] = true
	}
	return table
}()
