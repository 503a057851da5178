package filter

import "bytes"

// Everything in this file takes JSON that is sound, as a payload is.

// locate returns where in the payload the value at the path stands, and the key
// that leads to it, without its quotes. The value must be one that lookup finds.
func (s *Subject) locate(path Path) (key, value span) {
	doc := s.event.Payload
	value = span{skipSpace(doc, 0), len(doc)}
	for _, name := range path {
		at := skipSpace(doc, value.from+1)
		for {
			end := stringEnd(doc, at+1)
			key = span{at + 1, end}
			value.from = skipSpace(doc, skipSpace(doc, end+1)+1)
			value.to = skipValue(doc, value.from)
			if stringContent(doc[at:end+1]) == name {
				break
			}
			at = skipSpace(doc, skipSpace(doc, value.to)+1)
		}
	}
	return key, value
}

// elements returns where the elements of an array stand, or the value itself
// where it is no array.
func elements(doc []byte, value span) []span {
	if doc[value.from] != '[' {
		return []span{value}
	}
	var all []span
	at := skipSpace(doc, value.from+1)
	for doc[at] != ']' {
		end := skipValue(doc, at)
		all = append(all, span{at, end})
		if at = skipSpace(doc, end); doc[at] == ',' {
			at = skipSpace(doc, at+1)
		}
	}
	return all
}

func skipSpace(doc []byte, i int) int {
	for i < len(doc) && (doc[i] == ' ' || doc[i] == '\t' || doc[i] == '\n' || doc[i] == '\r') {
		i++
	}
	return i
}

// skipValue returns where the value that begins at i has ended.
func skipValue(doc []byte, i int) int {
	depth := 0
	for {
		switch doc[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case '"':
			i = stringEnd(doc, i+1)
		case ',', ':', ' ', '\t', '\n', '\r':
		default:
			i = skipLiteral(doc, i) - 1
		}
		if i++; depth == 0 {
			return i
		}
	}
}

// stringEnd returns where the string whose content begins at i has its closing
// quote.
func stringEnd(doc []byte, i int) int {
	for ; doc[i] != '"'; i++ {
		if doc[i] == '\\' {
			i++
		}
	}
	return i
}

// skipLiteral returns where the number, true, false or null that begins at i has
// ended.
func skipLiteral(doc []byte, i int) int {
	if end := bytes.IndexAny(doc[i:], ",:]} \t\n\r"); end >= 0 {
		return i + end
	}
	return len(doc)
}
