package around

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// operation is an operation of RFC 6902. value stands in add and replace.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"` // RFC 6901
	Value *any   `json:"value,omitempty"`
}

// maxAligned bounds the products of the lengths of arrays that are compared
// element with element; beyond, only their common ends are left out.
const maxAligned = 40_000

// difference returns the operations that, one after the other, make a the value
// b; nil where they are equal.
func difference(a, b any) []operation {
	var d differ
	d.values("", a, b)
	return d.patch
}

type differ struct{ patch []operation }

func (d *differ) add(op, path string, value any) {
	o := operation{Op: op, Path: path}
	if op != "remove" {
		o.Value = &value
	}
	d.patch = append(d.patch, o)
}

func (d *differ) values(path string, a, b any) {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			d.objects(path, a, b)
			return
		}
	case []any:
		if b, ok := b.([]any); ok {
			d.arrays(path, a, b)
			return
		}
	}
	if !equal(a, b) {
		d.add("replace", path, b)
	}
}

func (d *differ) objects(path string, a, b map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if _, stays := b[name]; !stays {
			d.add("remove", member(path, name), nil)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b)) {
		if before, was := a[name]; was {
			d.values(member(path, name), before, b[name])
		} else {
			d.add("add", member(path, name), b[name])
		}
	}
}

// arrays leaves the common beginning and end alone, and what a longest common
// subsequence keeps between them. Indexes are those at the time of each operation.
func (d *differ) arrays(path string, a, b []any) {
	at := 0
	for at < len(a) && at < len(b) && equal(a[at], b[at]) {
		at++
	}
	a, b = a[at:], b[at:]
	for len(a) > 0 && len(b) > 0 && equal(a[len(a)-1], b[len(b)-1]) {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	for _, gap := range common(a, b) {
		at = d.gap(path, at, a[:gap[0]], b[:gap[1]]) + 1
		a, b = a[gap[0]+1:], b[gap[1]+1:]
	}
	d.gap(path, at, a, b)
}

// gap makes a, which stands at the index, b, and returns the index behind it.
// Elements change into others as long as both have one.
func (d *differ) gap(path string, at int, a, b []any) int {
	both := min(len(a), len(b))
	for i := range both {
		d.values(element(path, at+i), a[i], b[i])
	}
	at += both
	for range a[both:] {
		d.add("remove", element(path, at), nil)
	}
	for _, v := range b[both:] {
		d.add("add", element(path, at), v)
		at++
	}
	return at
}

// common returns which elements of a and b a longest common subsequence keeps:
// pairs of how many stand between each of them and the one before.
func common(a, b []any) [][2]int {
	if len(a) == 0 || len(b) == 0 || len(a)*len(b) > maxAligned {
		return nil
	}
	width := len(b) + 1
	lengths := make([]int32, (len(a)+1)*width) // of the longest from i, j on
	same := make([]bool, len(lengths))
	for i := range slices.Backward(a) {
		for j := range slices.Backward(b) {
			if same[i*width+j] = equal(a[i], b[j]); same[i*width+j] {
				lengths[i*width+j] = 1 + lengths[(i+1)*width+j+1]
			} else {
				lengths[i*width+j] = max(lengths[(i+1)*width+j], lengths[i*width+j+1])
			}
		}
	}
	var kept [][2]int
	skippedA, skippedB := 0, 0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case same[i*width+j]:
			kept = append(kept, [2]int{skippedA, skippedB})
			skippedA, skippedB = 0, 0
			i, j = i+1, j+1
		case lengths[(i+1)*width+j] >= lengths[i*width+j+1]:
			i, skippedA = i+1, skippedA+1
		default:
			j, skippedB = j+1, skippedB+1
		}
	}
	return kept
}

var pointerEscaper = strings.NewReplacer("~", "~0", "/", "~1")

func member(path, name string) string { return path + "/" + pointerEscaper.Replace(name) }

func element(path string, i int) string { return path + "/" + strconv.Itoa(i) }

// equal compares as RFC 6902 says (4.6): numbers by what they are worth.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		return ok && maps.EqualFunc(a, b, equal)
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, equal)
	case json.Number:
		b, ok := b.(json.Number)
		return ok && (a == b || sameNumber(string(a), string(b)))
	default:
		return a == b
	}
}

// sameNumber compares numbers exactly, unless one is so long or has an exponent
// so large that this costs too much: then their texts have already told.
func sameNumber(a, b string) bool {
	for _, text := range []string{a, b} {
		if _, exponent, ok := strings.Cut(strings.ToLower(text), "e"); len(text) > 400 || ok && len(strings.TrimLeft(exponent, "+-0")) > 3 {
			return false
		}
	}
	x, okA := new(big.Rat).SetString(a)
	y, okB := new(big.Rat).SetString(b)
	return okA && okB && x.Cmp(y) == 0
}
