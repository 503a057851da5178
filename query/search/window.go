package search

import (
	"slices"
	"time"

	"daybook/query/filter"
)

// window is a range of time to read: from inclusive, to exclusive. A zero time
// is no bound.
type window struct{ from, to time.Time }

// widening is by how much more events each window holds than the one before.
const widening = 8

// firstWindow is how many events to look at first for a page of n. Too few
// cost another round trip, too many are read for nothing.
func firstWindow(s filter.Selectivity, n int) uint64 {
	switch s {
	case filter.Everything:
		return 2 * uint64(n)
	case filter.Common:
		return 20_000
	case filter.Unknown:
		return 50_000
	default:
		return 500_000
	}
}

// windows cuts a range into the windows to read, in the order of reading. The
// first holds about first events by the profile, each further one more. All of
// them together are the range, gapless, so that a profile that is out of date
// costs time but never an event.
func windows(p profile, whole window, newestFirst bool, first uint64) []window {
	hours := p.within(whole)
	if newestFirst {
		slices.Reverse(hours)
	}
	var out []window
	var seen uint64
	rest, target := whole, first
	for i, h := range hours {
		if seen += h.events; seen < target || i == len(hours)-1 {
			continue
		}
		if newestFirst {
			out = append(out, window{h.start, rest.to})
			rest.to = h.start
		} else {
			end := h.start.Add(time.Hour)
			out = append(out, window{rest.from, end})
			rest.from = end
		}
		seen, target = 0, target*widening
	}
	return append(out, rest)
}
