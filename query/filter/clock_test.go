package filter

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestClock(t *testing.T) {
	prague, err := Zone("Europe/Prague")
	require.NoError(t, err)
	newYork, err := Zone("America/New_York")
	require.NoError(t, err)
	beirut, err := Zone("Asia/Beirut")
	require.NoError(t, err)
	azores, err := Zone("Atlantic/Azores")
	require.NoError(t, err)
	at := func(s string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, s)
		require.NoError(t, err)
		return parsed
	}
	for _, test := range []struct {
		now   string
		zone  *time.Location
		text  string
		wants string
	}{
		{"2026-04-17T14:32:01.5Z", nil, "now", "2026-04-17T14:32:01.5Z"},
		{"2026-04-17T14:32:01Z", nil, "now-15m", "2026-04-17T14:17:01Z"},
		{"2026-04-17T14:32:01Z", nil, "now+1h30m", ""},
		{"2026-04-17T14:32:01Z", nil, "now+1h+30m", "2026-04-17T16:02:01Z"},
		{"2026-04-17T14:32:01Z", nil, "now 1h", "2026-04-17T15:32:01Z"},
		{"2026-04-17T14:32:01Z", nil, "now/m", "2026-04-17T14:32:00Z"},
		{"2026-04-17T14:32:01Z", nil, "now/h", "2026-04-17T14:00:00Z"},
		{"2026-04-17T14:32:01Z", nil, "now/d", "2026-04-17T00:00:00Z"},
		{"2026-04-17T14:32:01Z", nil, "now/w", "2026-04-13T00:00:00Z"},
		{"2026-04-19T14:32:01Z", nil, "now/w", "2026-04-13T00:00:00Z"}, // A Sunday.
		{"2026-04-17T14:32:01Z", nil, "now/M", "2026-04-01T00:00:00Z"},
		{"2026-04-17T14:32:01Z", nil, "now/y", "2026-01-01T00:00:00Z"},
		{"2026-03-31T12:00:00Z", nil, "now-1M", "2026-02-28T12:00:00Z"},
		{"2024-02-29T12:00:00Z", nil, "now-1y", "2023-02-28T12:00:00Z"},
		{"2026-04-17T23:30:00Z", prague, "now/d", "2026-04-17T22:00:00Z"},
		{"2026-03-29T12:00:00Z", prague, "now/d", "2026-03-28T23:00:00Z"}, // 23 hours long.
		{"2026-03-29T12:00:00Z", prague, "now/d+1d", "2026-03-29T22:00:00Z"},
		{"2026-10-25T12:00:00Z", prague, "now/d", "2026-10-24T22:00:00Z"}, // 25 hours long.
		{"2026-10-25T12:00:00Z", prague, "now/d+1d", "2026-10-25T23:00:00Z"},
		{"2026-10-25T01:30:00Z", prague, "now/h", "2026-10-25T01:00:00Z"}, // The second 02:30.
		{"2026-10-25T00:30:00Z", prague, "now/h", "2026-10-25T00:00:00Z"}, // The first.
		{"2026-04-17T02:00:00Z", newYork, "now/d", "2026-04-16T04:00:00Z"},
		{"2025-03-30T12:00:00Z", beirut, "now/d", "2025-03-29T22:00:00Z"}, // There is no midnight: it begins at 01:00.
		{"2025-10-26T12:00:00Z", beirut, "now/d", "2025-10-25T22:00:00Z"}, // 00:00 is an hour after 24:00 became 23:00.
		{"2025-03-30T12:00:00Z", azores, "now/d", "2025-03-30T01:00:00Z"}, // There is no midnight.
		{"2025-10-26T12:00:00Z", azores, "now/d", "2025-10-26T00:00:00Z"}, // There are two; the day begins at the first.
		{"2026-04-17T14:32:01Z", nil, "2026-04-17T16:32:01+02:00", "2026-04-17T14:32:01Z"},
		{"2026-04-17T14:32:01Z", nil, "2026-04-17T16:32:01 02:00", "2026-04-17T14:32:01Z"},
		{"2026-04-17T14:32:01Z", nil, "2026-04-17t16:32:01z", "2026-04-17T16:32:01Z"},
		{"2026-04-17T14:32:01Z", nil, "2026-04-17T14:32:01.123456789Z", "2026-04-17T14:32:01.123457Z"},
		{"2026-04-17T14:32:01Z", prague, "2026-04-17", "2026-04-16T22:00:00Z"},
		{"2026-04-17T14:32:01Z", prague, "2026-04-17T16:32", "2026-04-17T14:32:00Z"},
		{"2026-04-17T14:32:01Z", prague, "2026-04-17 16:32:01", "2026-04-17T14:32:01Z"},
		{"2026-04-17T14:32:01Z", nil, "0000-01-01T00:00:00Z", ""},
		{"2026-04-17T14:32:01Z", nil, "nowish", ""},
		{"2026-04-17T14:32:01Z", nil, "now/q", ""},
		{"2026-04-17T14:32:01Z", nil, "now/2d", ""},
		{"2026-04-17T14:32:01Z", nil, "1776436321", ""},
	} {
		m, err := Clock{Now: at(test.now), Zone: test.zone}.Parse(test.text)
		if test.wants == "" {
			require.Error(t, err, test.text)
			continue
		}
		require.NoError(t, err, test.text)
		require.Equal(t, test.wants, m.Time.Format(time.RFC3339Nano), "%s at %s in %v", test.text, test.now, test.zone)
	}
}

// Whatever the zone does to its clocks, the start of a day is the first
// instant that has its date.
func TestStartOfDay_EveryZoneThatChanges(t *testing.T) {
	for _, name := range []string{
		"Europe/Prague", "America/New_York", "Asia/Beirut", "Atlantic/Azores", "Africa/Cairo", "America/Havana",
		"America/Asuncion", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Gaza", "America/Santiago",
	} {
		zone, err := Zone(name)
		require.NoError(t, err)
		for day := range 15 * 366 {
			noon := time.Date(2012, 1, 1+day, 12, 0, 0, 0, zone)
			year, month, d := noon.Date()
			start := StartOfDay(year, month, d, zone)
			require.Equal(t, d, start.Day(), "%s %v", name, noon)
			require.NotEqual(t, d, start.Add(-time.Nanosecond).Day(), "%s %v: %v is not the first instant", name, noon, start)
		}
	}
}
