package filter

import (
	"bytes"
	"slices"

	"github.com/go-faster/jx"

	"daybook/pkg/event"
)

// maxNameBytes bounds the name of a payload's value that EachValue tells of.
const maxNameBytes = 1024

// EachValue calls f for each value inside a payload that a filter can name: with
// its name, escaped as q and ParsePath read it, and its JSON text. What f keeps of
// either it must copy. A value that a filter would not reach by its name is not among
// them: what is in an array, behind an empty key, behind a second key of the same name, deeper than
// paths go, or in a payload that ClickHouse can't read. Neither are those whose name is longer than maxNameBytes.
func EachValue(payload []byte, f func(name, raw []byte)) {
	if !event.Addressable(payload) {
		return
	}
	w := walker{f: f, name: append(make([]byte, 0, maxNameBytes), PayloadPrefix...)}
	w.object(payload, 1)
}

// EachElement calls f with the JSON text of each element of an array, which are
// what a filter compares where a value is an array.
func EachElement(raw []byte, f func(raw []byte)) {
	eachElement(raw, func(element []byte) bool {
		f(element)
		return true
	})
}

type walker struct {
	f    func(name, raw []byte)
	name []byte
}

func (w *walker) object(raw []byte, depth int) {
	d := jx.GetDecoder()
	defer jx.PutDecoder(d)
	d.ResetBytes(raw)
	if d.Next() != jx.Object {
		return
	}
	before := len(w.name)
	var seen keySet
	_ = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
		// The decoder may use the key's memory for the value.
		w.name = appendEscaped(w.name[:before], string(key), true)
		named := len(key) > 0 && len(w.name) <= maxNameBytes && seen.add(key)
		value, err := d.Raw()
		if err != nil || !named {
			return err
		}
		value = bytes.TrimSpace(value)
		w.f(w.name, value)
		if depth < maxPathKeys && value[0] == '{' {
			w.name = append(w.name, '.')
			w.object(value, depth+1)
		}
		return nil
	})
}

// keySet knows the keys of an object. Most objects have a few.
type keySet struct {
	few  []string
	many map[string]bool
}

const fewKeys = 16

// add reports whether the key is new.
func (s *keySet) add(key []byte) bool {
	if s.many == nil {
		if slices.Contains(s.few, string(key)) {
			return false
		}
		if s.few = append(s.few, string(key)); len(s.few) > fewKeys {
			s.many = make(map[string]bool, 4*fewKeys)
			for _, k := range s.few {
				s.many[k] = true
			}
		}
		return true
	}
	if s.many[string(key)] {
		return false
	}
	s.many[string(key)] = true
	return true
}
