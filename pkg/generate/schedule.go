package generate

import (
	"math"
	"time"
)

// schedule spreads events over days as people's work does: days are busier
// than nights, weekdays than weekends, and the load grows slowly.
type schedule struct {
	start  time.Time
	hours  []int // the events before each hour's end
	hour   int
	events int
}

// hourly is the load of a weekday by hour in UTC.
var hourly = [24]float64{
	0.35, 0.30, 0.28, 0.28, 0.32, 0.42, 0.60, 0.85, 1.15, 1.40, 1.50, 1.45,
	1.35, 1.45, 1.55, 1.50, 1.40, 1.25, 1.10, 1.00, 0.90, 0.75, 0.58, 0.45,
}

const (
	weekend       = 0.45
	growthPerYear = 0.5
)

// newSchedule plans so many events over the days that end at end.
func newSchedule(random rng, end time.Time, days, events int) schedule {
	s := schedule{start: end.Add(-time.Duration(days) * 24 * time.Hour), hours: make([]int, days*24), events: events}
	sums := make([]float64, len(s.hours))
	total := 0.0
	for i := range sums {
		at := s.start.Add(time.Duration(i) * time.Hour).UTC()
		load := hourly[at.Hour()] * (1 + growthPerYear*float64(i)/(24*365))
		if day := at.Weekday(); day == time.Saturday || day == time.Sunday {
			load *= weekend
		}
		total += load * (0.85 + 0.3*random.float())
		sums[i] = total
	}
	for i, sum := range sums {
		s.hours[i] = int(math.Round(sum / total * float64(events)))
	}
	return s
}

// at returns when event i of the plan happens, whole milliseconds. i never
// goes back.
func (s *schedule) at(i int, jitter float64) time.Time {
	for s.hour < len(s.hours)-1 && i >= s.hours[s.hour] {
		s.hour++
	}
	before := 0
	if s.hour > 0 {
		before = s.hours[s.hour-1]
	}
	share := (float64(i-before) + jitter) / float64(max(1, s.hours[s.hour]-before))
	within := time.Duration(share * float64(time.Hour)).Truncate(time.Millisecond)
	return s.start.Add(time.Duration(s.hour)*time.Hour + within)
}
