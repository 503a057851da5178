// Package bytesize reads and writes amounts of memory in settings: 512, 64KiB,
// 32MiB, 1GiB.
package bytesize

import (
	"fmt"
	"strconv"
	"strings"
)

// Size is an amount of memory or data, in bytes.
type Size int64

// Units of Size.
const (
	KiB Size = 1 << 10
	MiB Size = 1 << 20
	GiB Size = 1 << 30
)

var units = []struct {
	suffix string
	size   Size
}{{"KiB", KiB}, {"MiB", MiB}, {"GiB", GiB}, {"B", 1}, {"", 1}}

// UnmarshalText reads a whole number with an optional unit (B, KiB, MiB, GiB).
func (s *Size) UnmarshalText(text []byte) error {
	in := strings.TrimSpace(string(text))
	for _, u := range units {
		number, ok := strings.CutSuffix(in, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > int64(1<<62)/int64(u.size) {
			break
		}
		*s = Size(n) * u.size
		return nil
	}
	return fmt.Errorf("%q is not a size: write a whole number and B, KiB, MiB or GiB, like 32MiB", in)
}

// String writes the size in the largest unit that keeps it whole.
func (s Size) String() string {
	for _, u := range []int{2, 1, 0} {
		if s != 0 && s%units[u].size == 0 {
			return strconv.FormatInt(int64(s/units[u].size), 10) + units[u].suffix
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalText writes what UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
