package event

import (
	"encoding/binary"
	"iter"
	"slices"
	"unicode"
	"unicode/utf8"
)

// SearchText appends the text that full text search looks into: the payload
// with the escapes of its strings decoded and every letter folded as FoldText
// folds it. The payload_text column and the matcher of the live stream both
// hold exactly this, so they agree by construction: a needle, folded, matches
// where it is a substring of these bytes.
//
// Escapes stand for what they mean ("\u00e9", "é" and "É" are the same; "\/"
// is "/"); \u0000 becomes a NUL byte and \n a line break; a lone surrogate
// becomes U+FFFD. Structure, numbers and white space stay as they are.
// The payload must be JSON that Decode accepted.
func SearchText(dst, payload []byte) []byte {
	dst = slices.Grow(dst, len(payload))
	for i := 0; i < len(payload); {
		if i+8 <= len(payload) {
			w := binary.LittleEndian.Uint64(payload[i:])
			if slash := w ^ ones*'\\'; (w|(slash-ones)&^slash)&highs == 0 {
				dst = binary.LittleEndian.AppendUint64(dst, lower8(w))
				i += 8
				continue
			}
		}
		c := payload[i]
		if c < utf8.RuneSelf && c != '\\' {
			dst = append(dst, lowerASCII[c])
			i++
			continue
		}
		var r rune
		var next int
		if c == '\\' {
			r, next, _ = readEscape(payload, i)
		} else {
			var size int
			r, size = utf8.DecodeRune(payload[i:])
			next = i + size
		}
		dst = utf8.AppendRune(dst, foldRune(r))
		i = next
	}
	return dst
}

// SearchRunes yields the characters of SearchText one by one, each with the
// byte of the payload at which it begins there. Of a part of a payload, which must
// not cut an escape, it yields that part's.
func SearchRunes(payload []byte) iter.Seq2[int, rune] {
	return func(yield func(int, rune) bool) {
		for i := 0; i < len(payload); {
			r, next := rune(payload[i]), i+1
			switch {
			case r == '\\':
				r, next, _ = readEscape(payload, i)
			case r >= utf8.RuneSelf:
				var size int
				r, size = utf8.DecodeRune(payload[i:])
				next = i + size
			}
			if !yield(i, foldRune(r)) {
				return
			}
			i = next
		}
	}
}

// lower8 lower-cases eight ASCII bytes at once: a high bit of the sums says
// which bytes are at least 'A' and which are beyond 'Z'.
func lower8(w uint64) uint64 {
	fromA, beyondZ := w+ones*(0x80-'A'), w+ones*(0x7f-'Z')
	return w | (fromA^beyondZ)&highs>>2
}

// FoldText folds a needle as SearchText folds a payload: letters that differ
// only in case become one. It folds more than lower-casing, because that leaves
// final sigma (ς), long s (ſ), dotless ı and the Kelvin sign apart: each rune goes to upper
// case and from there to lower case, one rune for one rune, whatever the language. ẞ and
// ß are one, ß and ss are two. Bytes that are not UTF-8 become U+FFFD.
func FoldText(s string) string {
	dst := make([]byte, 0, len(s))
	for _, r := range s {
		dst = utf8.AppendRune(dst, foldRune(r))
	}
	return string(dst)
}

var lowerASCII = func() (table [utf8.RuneSelf]byte) {
	for c := range table {
		table[c] = byte(unicode.ToLower(rune(c)))
	}
	return table
}()

// foldTable holds the folds of the runes that take two bytes at most: all of
// Latin, Greek and Cyrillic that is common.
var foldTable = func() (table [0x800]rune) {
	for r := range table {
		table[r] = unicode.ToLower(unicode.ToUpper(rune(r)))
	}
	return table
}()

func foldRune(r rune) rune {
	if uint32(r) < uint32(len(foldTable)) { // Runes are never negative here.
		return foldTable[r]
	}
	if 0x2E80 <= r && r <= 0xA63F { // Han, kana and their neighbours have no case.
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}
