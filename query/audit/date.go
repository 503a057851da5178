package audit

import (
	"strings"
	"time"
)

// dateLayouts are the forms of ISO 8601 for a day or an instant: extended and
// basic, with or without seconds and offset. A fraction of seconds, behind point or
// comma, is read wherever there are seconds (see time.Parse).
var dateLayouts = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04:05",
	"2006-01-02T15:04Z07:00", "2006-01-02T15:04Z0700", "2006-01-02T15:04Z07", "2006-01-02T15:04",
	"20060102T150405Z0700", "20060102T150405Z07", "20060102T150405", "20060102T1504Z0700", "20060102T1504",
	"2006-01-02", "20060102", "2006-01",
}

const maxDateBytes = 64

// parseDate reads a date of ISO 8601. Without an offset UTC is meant; a date
// without a time is the beginning of its day. Instants between two
// microseconds, which is what events have, become the later one.
func parseDate(written string) (time.Time, bool) {
	if len(written) > maxDateBytes {
		return time.Time{}, false
	}
	// A + that nobody escaped arrives as a space.
	normal := strings.ToUpper(strings.Replace(strings.TrimSpace(written), " ", "+", 1))
	for _, layout := range dateLayouts {
		t, err := time.Parse(layout, normal)
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Nanosecond()%1000 != 0 {
			t = t.Truncate(time.Microsecond).Add(time.Microsecond)
		}
		return t, t.Year() >= 1 && t.Year() <= 9999
	}
	return time.Time{}, false
}
