package search

import (
	"slices"
	"time"

	"daybook/query/archived"
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
// cost another round trip, too many are read for nothing. Where an index leaves out
// what can't match, a million events cost 4 ms of its filters, which is less than another
// round trip, and what many events have fills the page before the window is read. Counting in a
// sample how dense an id is, and then choosing the window, took 39 ms where this takes 30 (the events
// of an actor), and 75 where this takes 50 (1 of 2,600 events).
func firstWindow(s filter.Selectivity, n int) uint64 {
	switch s {
	case filter.Everything:
		return 2 * uint64(n)
	case filter.Common:
		return 20_000
	case filter.Scanned:
		return 500_000
	case filter.Unknown: // The text index is 10 MB of this.
		return 2_500_000
	case filter.Repeated:
		return 1_000_000
	default: // It never fills a page, so all there is has to be looked at.
		return 5_000_000
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
// found of the page's events, and missing more are needed: as many as that says, and half
// as many again.
func widen(size uint64, found, missing int) uint64 {
	if found == 0 {
		return size * mostWidening
	}
	return max(min(size*uint64(missing)*3/uint64(found)/2, size*mostWidening), size*leastWidening)
}

// windows cuts a range into the windows to read, in the order of reading. All
// of them together are the range, gapless, so that a profile that is out of date
// costs time but never an event.
type windows struct {
	hours       []hour // of rest, in the order of reading
	rest        window
	newestFirst bool
	done        bool
	plan        *archived.Plan // nil: all hours are of the table
	storedMost  uint64         // events of the next window of files; 0: firstStored
	capped      uint64         // events of the last window, where that ended because of storedMost; else 0
}

// A window of the archive's files holds from firstStored, the first of them, to
// mostStored events, however many should be looked at: no index leaves out any, so it
// costs what it holds, and what is found until time is up is found in parts.
const (
	firstStored = 100_000
	mostStored  = 1_000_000
)

func newWindows(p profile, whole window, newestFirst bool, plan *archived.Plan) *windows {
	hours := p.within(whole)
	if newestFirst {
		slices.Reverse(hours)
	}
	return &windows{hours: hours, rest: whole, newestFirst: newestFirst, plan: plan}
}

// ends reports whether a window ends behind an hour. Files are not read together with
// a table: each is read faster alone.
func (w *windows) ends(i int, seen, size uint64) bool {
	last := i == len(w.hours)-1
	if w.plan == nil {
		return !last && seen >= size
	}
	stored := w.hours[i].stored
	return seen >= size && (!last || stored) || stored && (last || seen >= w.storedMost) || !last && stored != w.hours[i+1].stored
}

// next returns the next window, with about size events by the profile, or
// false behind the last.
func (w *windows) next(size uint64) (window, bool) {
	if w.done {
		return window{}, false
	}
	w.capped = 0
	if w.storedMost == 0 {
		w.storedMost = firstStored
	}
	var seen uint64
	for i, h := range w.hours {
		seen += h.events
		if !w.ends(i, seen, size) {
			continue
		}
		if h.stored {
			if seen >= w.storedMost && seen < size {
				w.capped = seen
			}
			w.storedMost = mostStored
		}
		cut := w.rest
		start, end := h.start, h.start.Add(time.Hour)
		if w.plan != nil { // An hour that the retention cuts in two is there twice.
			from, to := w.plan.Source(h.middle())
			all := i == len(w.hours)-1 || w.hours[i+1].stored != h.stored // Of the hours that are read alike.
			if all || from.After(start) {
				start = from
			}
			if all || !to.IsZero() && to.Before(end) {
				end = to
			}
			if w.newestFirst && !start.After(w.rest.from) || !w.newestFirst && (end.IsZero() || !w.rest.to.IsZero() && !end.Before(w.rest.to)) {
				w.done = true
				return w.rest, true
			}
		}
		w.hours = w.hours[i+1:]
		if w.newestFirst {
			cut.from, w.rest.to = start, start
		} else {
			cut.to, w.rest.from = end, end
		}
		return cut, true
	}
	w.done = true
	return w.rest, true
}
