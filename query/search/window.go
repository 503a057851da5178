package search

import (
	"slices"
	"time"

	"daybook/query/filter"
)

// window is a range of time to read: from inclusive, to exclusive. A zero time
// is no bound.
type window struct{ from, to time.Time }

// of returns the filter's conditions within the window.
func (w window) of(f *filter.Filter) *filter.Filter {
	return &filter.Filter{Root: f.Root, From: filter.Moment{Time: w.from}, To: filter.Moment{Time: w.to}}
}

// end returns the position behind every event of the window, in an order. It is
// none of an event: every event has an id.
func (w window) end(order Order) at {
	if order == Newest {
		return at{created: w.from}
	}
	return at{created: w.to}
}

// firstWindow is how many events to look at first for a page of n. Too few
// cost another round trip, too many are read for nothing.
func firstWindow(s filter.Selectivity, n int) uint64 {
	switch s {
	case filter.Everything:
		return 2 * uint64(n)
	case filter.Common:
		return 20_000
	case filter.Scanned:
		return 500_000
	case filter.Unknown: // The text index makes a large window cheap where there is little to find: its filters are 10 MB, less than another round trip.
		return 2_500_000
	case filter.Repeated: // Unless the sample says more.
		return sample
	default:
		return 500_000
	}
}

// A window holds from leastWidening to mostWidening times the events of the
// one before: few enough round trips whatever the guess was worth, and no leap over
// all there is because of one event that was found by chance.
const (
	leastWidening = 2
	mostWidening  = 64
)

// widen returns how many events to look at next where a window of size events had
// found of the page's events, and missing more are needed.
func widen(size uint64, found, missing int) uint64 {
	return max(holding(size, found, missing), size*leastWidening)
}

// holding returns how many events should hold the missing ones, where size
// events held found of them: as many as that says, and half as many again.
func holding(size uint64, found, missing int) uint64 {
	if found == 0 {
		return size * mostWidening
	}
	return min(size*uint64(missing)*3/uint64(found)/2, size*mostWidening)
}

// windows cuts a range into the windows to read, in the order of reading. All
// of them together are the range, gapless, so that a profile that is out of date
// costs time but never an event.
type windows struct {
	hours       []hour // of rest, in the order of reading
	rest        window
	newestFirst bool
	done        bool
}

func newWindows(p profile, whole window, newestFirst bool) *windows {
	hours := p.within(whole)
	if newestFirst {
		slices.Reverse(hours)
	}
	return &windows{hours: hours, rest: whole, newestFirst: newestFirst}
}

// next returns the next window, with about size events by the profile, or
// false behind the last.
func (w *windows) next(size uint64) (window, bool) {
	if w.done {
		return window{}, false
	}
	var seen uint64
	for i, h := range w.hours {
		if seen += h.events; seen < size || i == len(w.hours)-1 {
			continue
		}
		w.hours = w.hours[i+1:]
		cut := w.rest
		if w.newestFirst {
			cut.from, w.rest.to = h.start, h.start
		} else {
			end := h.start.Add(time.Hour)
			cut.to, w.rest.from = end, end
		}
		return cut, true
	}
	w.done = true
	return w.rest, true
}
