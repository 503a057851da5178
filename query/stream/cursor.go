package stream

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cursor is a place in the topic: for each partition the next offset to read.
// Everything before it has been delivered or does not match. It only names a
// place; tenant and filter are checked on every event whatever it says.
//
// Its text, the id of a frame, is 1.EPOCH.TIME.OFFSET[,OFFSET…]: epoch in
// hexadecimal, the rest in base 36, the offsets by ascending partition from
// 0. Partitions that the topic got later are absent and mean their start.
type cursor struct {
	epoch uint32
	time  int64 // Unix ms of the newest record before it: the fallback where the offsets mean nothing
	next  vector
}

// vector holds the next offset of each partition by its number; what lies
// beyond its length is 0, the start of the partition.
type vector []int64

// maxCursorBytes bounds the text of a cursor, above what any topic needs.
const maxCursorBytes = 128 << 10

const cursorVersion = "1"

// errCursor says that a text is no cursor of ours.
var errCursor = errors.New("this is not an id of the stream: send back an id as it was received, or leave it out")

func (c cursor) appendText(dst []byte) []byte {
	dst = append(dst, cursorVersion+"."...)
	dst = strconv.AppendUint(dst, uint64(c.epoch), 16)
	dst = append(dst, '.')
	dst = strconv.AppendInt(dst, max(c.time, 0), 36)
	for p, offset := range c.next {
		if p == 0 {
			dst = append(dst, '.')
		} else {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, offset, 36)
	}
	return dst
}

func (c cursor) String() string { return string(c.appendText(nil)) }

// at returns the cursor's time.
func (c cursor) at() time.Time { return time.UnixMilli(c.time).UTC() }

// parseCursor reads what appendText wrote and refuses everything else.
func parseCursor(text string) (cursor, error) {
	if len(text) > maxCursorBytes {
		return cursor{}, errCursor
	}
	parts := strings.SplitN(text, ".", 4)
	if len(parts) != 4 || parts[0] != cursorVersion {
		return cursor{}, errCursor
	}
	epoch, err := parseDigits(parts[1], 16, math.MaxUint32)
	if err != nil {
		return cursor{}, err
	}
	ms, err := parseDigits(parts[2], 36, maxCursorTime)
	if err != nil {
		return cursor{}, err
	}
	c := cursor{epoch: uint32(epoch), time: ms}
	c.next = make(vector, 0, strings.Count(parts[3], ",")+1)
	for digits := range strings.SplitSeq(parts[3], ",") {
		offset, err := parseDigits(digits, 36, math.MaxInt64-1)
		if err != nil {
			return cursor{}, err
		}
		c.next = append(c.next, offset)
	}
	return c, nil
}

// maxCursorTime is the year 9999: beyond it, times have no RFC 3339 text.
const maxCursorTime = 253402300799999

func parseDigits(s string, base int, limit int64) (int64, error) {
	if s == "" || s[0] == '+' || s[0] == '-' || (s[0] == '0' && len(s) > 1) || strings.ToLower(s) != s {
		return 0, errCursor
	}
	n, err := strconv.ParseInt(s, base, 64)
	if err != nil || n > limit {
		return 0, errCursor
	}
	return n, nil
}

// of returns the next offset of partition p.
func (v vector) of(p int32) int64 {
	if int(p) < len(v) {
		return v[p]
	}
	return 0
}

// set moves partition p to offset.
func (v *vector) set(p int32, offset int64) {
	for int(p) >= len(*v) {
		*v = append(*v, 0)
	}
	(*v)[p] = offset
}

// covers reports whether v is at or past w in every partition.
func (v vector) covers(w vector) bool {
	for p, offset := range w {
		if v.of(int32(p)) < offset {
			return false
		}
	}
	return true
}

// raise moves v to w wherever w is further.
func (v *vector) raise(w vector) {
	for p, offset := range w {
		if v.of(int32(p)) < offset {
			v.set(int32(p), offset)
		}
	}
}

// where returns v in the partitions in which w is positive, and 0 elsewhere.
func (v vector) where(w vector) vector {
	masked := make(vector, len(v))
	for p := range v {
		if w.of(int32(p)) > 0 {
			masked[p] = v[p]
		}
	}
	return masked
}

// behind returns how many records lie between v and w.
func (v vector) behind(w vector) int64 {
	var n int64
	for p, offset := range w {
		n += max(0, offset-v.of(int32(p)))
	}
	return n
}

func (v vector) clone() vector { return slices.Clone(v) }

// mustParseCursor reads an id that this process wrote.
func mustParseCursor(id []byte) cursor {
	c, err := parseCursor(string(id))
	if err != nil {
		panic(fmt.Sprintf("stream: an id of our own does not parse: %q", id))
	}
	return c
}
