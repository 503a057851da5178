// Package cursor packs positions for callers to hand back. It guarantees that
// a cursor that is damaged, or that belongs to another request, is refused.
//
// A cursor is, in base64url: version, binding, content, checksum. The binding
// ties it to what it goes on with: tenant, filter and the like. It isn't a
// secret: whatever a cursor says, tenant, filter and retention hold for its page
// as for the first.
package cursor

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/cespare/xxhash/v2"

	"daybook/pkg/apierror"
)

const (
	version       = 1
	bindingBytes  = 8
	checksumBytes = 4
	maxBytes      = 16 << 10
)

// Binding returns what a cursor is bound to: texts that must be the same when
// it comes back.
func Binding(texts ...string) uint64 { return xxhash.Sum64String(strings.Join(texts, "\x00")) }

// Seal returns the cursor of a content.
func Seal(binding uint64, content []byte) string {
	out := binary.BigEndian.AppendUint64([]byte{version}, binding)
	out = append(out, content...)
	out = binary.BigEndian.AppendUint32(out, uint32(xxhash.Sum64(out)))
	return base64.RawURLEncoding.EncodeToString(out)
}

// Open returns the binding and the content of a cursor. The caller compares the
// binding.
func Open(cursor string) (binding uint64, content []byte, err error) {
	if len(cursor) > maxBytes {
		return 0, nil, Damaged()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < 1+bindingBytes+checksumBytes || raw[0] != version {
		return 0, nil, Damaged()
	}
	body := raw[:len(raw)-checksumBytes]
	if uint32(xxhash.Sum64(body)) != binary.BigEndian.Uint32(raw[len(body):]) {
		return 0, nil, Damaged()
	}
	return binary.BigEndian.Uint64(body[1:]), body[1+bindingBytes:], nil
}

// Damaged returns the problem of a cursor that can't be read.
func Damaged() error {
	return apierror.Invalid("cursor", "is damaged or cut off: pass it on as it came")
}
