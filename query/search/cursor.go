package search

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/cespare/xxhash/v2"

	"daybook/pkg/apierror"
)

// Order is the order of a search's events.
type Order string

// The orders of a search.
const (
	Newest Order = "desc"   // by createdAt, newest first
	Oldest Order = "asc"    // by createdAt, oldest first
	Ingest Order = "ingest" // by position in Kafka
)

// A cursor is, in base64url: version, binding, content, checksum. The binding
// ties it to tenant, order and filter, so that it can't go on with another
// search. The checksum finds damage. It isn't a secret: whatever a cursor
// says, tenant, filter and retention hold for the page as for the first.
const (
	cursorVersion  = 1
	bindingBytes   = 8
	checksumBytes  = 4
	maxCursorBytes = 16 << 10
)

// binding is what a cursor is valid for; log names the Kafka topic whose
// offsets it holds.
func binding(r Request, log string) uint64 {
	return xxhash.Sum64String(strings.Join([]string{string(r.Tenant), string(r.Order), log, r.Filter.Identity()}, "\x00"))
}

func sealCursor(bound uint64, content []byte) string {
	out := binary.BigEndian.AppendUint64([]byte{cursorVersion}, bound)
	out = append(out, content...)
	out = binary.BigEndian.AppendUint32(out, uint32(xxhash.Sum64(out)))
	return base64.RawURLEncoding.EncodeToString(out)
}

func openCursor(bound uint64, cursor string) ([]byte, error) {
	if len(cursor) > maxCursorBytes {
		return nil, damagedCursor()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 1+bindingBytes+checksumBytes || raw[0] != cursorVersion {
		return nil, damagedCursor()
	}
	body := raw[:len(raw)-checksumBytes]
	if uint32(xxhash.Sum64(body)) != binary.BigEndian.Uint32(raw[len(body):]) {
		return nil, damagedCursor()
	}
	if binary.BigEndian.Uint64(body[1:]) != bound {
		return nil, apierror.Invalid("cursor", "belongs to another search: filter, order and tenant must be those of the page it came with")
	}
	return body[1+bindingBytes:], nil
}

func damagedCursor() error {
	return apierror.Invalid("cursor", "is damaged or cut off: pass nextCursor on as it is")
}

// appendAt writes a position by time as the content of a cursor.
func appendAt(out []byte, p at) []byte {
	out = binary.AppendVarint(out, p.created.UnixMicro())
	out = binary.AppendUvarint(out, uint64(len(p.id)))
	return append(append(out, p.id...), p.source...)
}

func readAt(content []byte) (at, error) {
	micros, n := binary.Varint(content)
	if n <= 0 {
		return at{}, damagedCursor()
	}
	content = content[n:]
	length, n := binary.Uvarint(content)
	if n <= 0 || length > uint64(len(content)-n) {
		return at{}, damagedCursor()
	}
	content = content[n:]
	return at{time.UnixMicro(micros).UTC(), string(content[:length]), string(content[length:])}, nil
}

// appendOffsets writes positions in Kafka, the next offset of each partition,
// as the content of a cursor.
func appendOffsets(out []byte, next []int64) []byte {
	out = binary.AppendUvarint(out, uint64(len(next)))
	for _, offset := range next {
		out = binary.AppendVarint(out, offset)
	}
	return out
}

func readOffsets(content []byte) ([]int64, error) {
	count, n := binary.Uvarint(content)
	if n <= 0 || count > maxCursorBytes {
		return nil, damagedCursor()
	}
	next := make([]int64, 0, count)
	for content = content[n:]; len(content) > 0; content = content[n:] {
		var offset int64
		if offset, n = binary.Varint(content); n <= 0 || offset < 0 {
			return nil, damagedCursor()
		}
		next = append(next, offset)
	}
	if uint64(len(next)) != count {
		return nil, damagedCursor()
	}
	return next, nil
}
