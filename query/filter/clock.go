package filter

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Clock reads times as requests write them: what "now" is, and the zone in
// which days begin and in which times without an offset are meant.
type Clock struct {
	Now  time.Time
	Zone *time.Location // nil: UTC
}

// maxSteps and maxAmount bound date math.
const (
	maxSteps  = 16
	maxAmount = 1_000_000
)

// Parse reads RFC 3339, a date or a time without offset, or date math:
// now, now-15m, now/d, now/w-1d. Units are s, m, h, d, w, M and y; /u is the
// beginning of the unit, a week beginning on Monday. Days and longer are those of
// the zone, of 23 or 25 hours where its clocks change. Instants between two
// microseconds become the later one.
func (c Clock) Parse(written string) (Moment, error) {
	if len(written) > 64 {
		return Moment{}, errors.New("is too long for a time")
	}
	t, err := c.parse(strings.TrimSpace(written))
	if err != nil {
		return Moment{}, err
	}
	if t = t.UTC(); t.Nanosecond()%1000 != 0 {
		t = t.Truncate(time.Microsecond).Add(time.Microsecond)
	}
	if year := t.Year(); year < 1 || year > 9999 {
		return Moment{}, fmt.Errorf("%q is not within the years 1 to 9999", written)
	}
	return Moment{Time: t, Written: strings.TrimSpace(written), zone: c.zone().String()}, nil
}

func (c Clock) parse(text string) (time.Time, error) {
	zone := c.zone()
	if math, ok := strings.CutPrefix(text, "now"); ok {
		return c.math(math, c.Now.In(zone))
	}
	// A + that nobody escaped arrives as a space.
	if at := strings.LastIndexByte(text, ' '); at >= len("2006-01-02T15:04:05") && at == len(text)-len(" 02:00") {
		text = text[:at] + "+" + text[at+1:]
	}
	if t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(text)); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			if layout == time.DateOnly {
				return StartOfDay(t.Year(), t.Month(), t.Day(), zone), nil
			}
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a time: write 2026-04-17T14:32:01Z or now-15m, now/d, now/w", text)
}

// math applies the steps behind "now".
func (c Clock) math(steps string, t time.Time) (time.Time, error) {
	written := "now" + steps
	for range maxSteps {
		if steps == "" {
			return t, nil
		}
		sign := steps[0]
		steps = steps[1:]
		amount, digits := 0, 0
		for digits < len(steps) && '0' <= steps[digits] && steps[digits] <= '9' && amount <= maxAmount {
			amount = amount*10 + int(steps[digits]-'0')
			digits++
		}
		// A + that nobody escaped arrives as a space.
		wellFormed := sign == '/' && digits == 0 || (sign == '+' || sign == '-' || sign == ' ') && digits > 0 && amount <= maxAmount
		if !wellFormed || digits == len(steps) {
			return time.Time{}, fmt.Errorf("%q is not date math: write now, now-15m, now/d or now/w-1d", written)
		}
		unit := steps[digits]
		steps = steps[digits+1:]
		if sign == '-' {
			amount = -amount
		}
		var ok bool
		if sign == '/' {
			t, ok = startOf(t, unit)
		} else {
			t, ok = add(t, amount, unit)
		}
		if !ok {
			return time.Time{}, fmt.Errorf("%q has the unknown unit %q: units are s, m, h, d, w, M and y", written, unit)
		}
		if t.Year() < 1 || t.Year() > 9999 {
			return time.Time{}, fmt.Errorf("%q is not within the years 1 to 9999", written)
		}
	}
	return time.Time{}, fmt.Errorf("%q has more than %d steps", written, maxSteps-1)
}

func (c Clock) zone() *time.Location {
	if c.Zone == nil {
		return time.UTC
	}
	return c.Zone
}

func add(t time.Time, amount int, unit byte) (time.Time, bool) {
	switch unit {
	case 's':
		return t.Add(time.Duration(amount) * time.Second), true
	case 'm':
		return t.Add(time.Duration(amount) * time.Minute), true
	case 'h':
		return t.Add(time.Duration(amount) * time.Hour), true
	case 'd':
		return t.AddDate(0, 0, amount), true
	case 'w':
		return t.AddDate(0, 0, 7*amount), true
	case 'M':
		return addMonths(t, amount), true
	case 'y':
		return addMonths(t, 12*amount), true
	}
	return t, false
}

// addMonths keeps the day of the month, or takes the month's last where it is
// shorter.
func addMonths(t time.Time, months int) time.Time {
	moved := t.AddDate(0, months, 0)
	if moved.Day() != t.Day() {
		moved = moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}

func startOf(t time.Time, unit byte) (time.Time, bool) {
	year, month, day := t.Date()
	switch unit {
	case 's':
		return t.Truncate(time.Second), true
	case 'm':
		return t.Add(-time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond())), true
	case 'h':
		into := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
		return t.Add(-into), true
	case 'd':
		return StartOfDay(year, month, day, t.Location()), true
	case 'w':
		sinceMonday := (int(t.Weekday()) + 6) % 7
		return StartOfDay(year, month, day-sinceMonday, t.Location()), true
	case 'M':
		return StartOfDay(year, month, 1, t.Location()), true
	case 'y':
		return StartOfDay(year, time.January, 1, t.Location()), true
	}
	return t, false
}

// StartOfDay returns the first instant of a day. It is not midnight where
// clocks go forward over it, and it is the first midnight where they go back to
// it. Days and months may overflow as in time.Date.
func StartOfDay(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 12, 0, 0, 0, zone)
	year, month, day = t.Date()
	for {
		start, _ := t.ZoneBounds() // The offset from UTC is the same from here on.
		_, offset := t.Zone()
		midnight := time.Date(year, month, day, 0, 0, -offset, 0, time.UTC).In(zone)
		if start.IsZero() || midnight.After(start) {
			return midnight
		}
		if t = start.Add(-1); t.Day() != day {
			return start.In(zone)
		}
	}
}
