package filter

import (
	"bytes"

	"github.com/go-faster/jx"

	"daybook/pkg/event"
)

// addressability tells whether ClickHouse can reach into a payload, see
// event.Addressable. The matcher does as ClickHouse does, so that a filter on payload
// fields means the same on both sides. Text search isn't affected.
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
		if !event.Addressable(s.event.Payload) {
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
