package search

import (
	"encoding/binary"
	"time"

	"daybook/pkg/apierror"
	"daybook/query/cursor"
)

// Order is the order of a search's events.
type Order string

// The orders of a search.
const (
	Newest Order = "desc"   // by createdAt, newest first
	Oldest Order = "asc"    // by createdAt, oldest first
	Ingest Order = "ingest" // by position in Kafka
)

// maxPartitions bounds what a cursor is believed.
const maxPartitions = 16 << 10

// binding is what a cursor is valid for; log names the Kafka topic whose
// offsets it holds.
func binding(r Request, log string) uint64 {
	return cursor.Binding(string(r.Tenant), string(r.Order), log, r.Filter.Identity())
}

func openCursor(bound uint64, text string) ([]byte, error) {
	binding, content, err := cursor.Open(text)
	if err == nil && binding != bound {
		err = apierror.Invalid("cursor", "belongs to another search: filter, order and tenant must be those of the page it came with")
	}
	return content, err
}

// contentOf writes a position by time as the content of a cursor.
func contentOf(p at) []byte {
	out := binary.AppendVarint(nil, p.created.UnixMicro())
	out = binary.AppendUvarint(out, uint64(len(p.id)))
	return append(append(out, p.id...), p.source...)
}

func readAt(content []byte) (at, error) {
	micros, n := binary.Varint(content)
	if n <= 0 {
		return at{}, cursor.Damaged()
	}
	content = content[n:]
	length, n := binary.Uvarint(content)
	if n <= 0 || length > uint64(len(content)-n) {
		return at{}, cursor.Damaged()
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
	if n <= 0 || count > maxPartitions {
		return nil, cursor.Damaged()
	}
	next := make([]int64, 0, count)
	for content = content[n:]; len(content) > 0; content = content[n:] {
		var offset int64
		if offset, n = binary.Varint(content); n <= 0 || offset < 0 {
			return nil, cursor.Damaged()
		}
		next = append(next, offset)
	}
	if uint64(len(next)) != count {
		return nil, cursor.Damaged()
	}
	return next, nil
}
