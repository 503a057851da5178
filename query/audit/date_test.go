package audit

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDate(t *testing.T) {
	for written, want := range map[string]string{
		"2026-02-01":                     "2026-02-01T00:00:00Z",
		"20260201":                       "2026-02-01T00:00:00Z",
		"2026-02":                        "2026-02-01T00:00:00Z",
		"2026-02-01T10:00:00Z":           "2026-02-01T10:00:00Z",
		"2026-02-01t10:00:00z":           "2026-02-01T10:00:00Z",
		"2026-02-01T10:00:00+02:00":      "2026-02-01T08:00:00Z",
		"2026-02-01T10:00:00 02:00":      "2026-02-01T08:00:00Z", // Its + was not escaped.
		"2026-02-01T10:00:00-0330":       "2026-02-01T13:30:00Z",
		"2026-02-01T10:00:00+02":         "2026-02-01T08:00:00Z",
		"2026-02-01T10:00:00":            "2026-02-01T10:00:00Z",
		"2026-02-01T10:00":               "2026-02-01T10:00:00Z",
		"2026-02-01T10:00Z":              "2026-02-01T10:00:00Z",
		"20260201T100000Z":               "2026-02-01T10:00:00Z",
		"20260201T1000":                  "2026-02-01T10:00:00Z",
		"2026-02-01T10:00:00.123456Z":    "2026-02-01T10:00:00.123456Z",
		"2026-02-01T10:00:00,5Z":         "2026-02-01T10:00:00.5Z",
		"2026-02-01T10:00:00.000000001Z": "2026-02-01T10:00:00.000001Z",
	} {
		got, ok := parseDate(written)
		require.True(t, ok, written)
		require.Equal(t, want, got.Format(time.RFC3339Nano), written)
	}
	for _, written := range []string{
		"now", "now-1d", "2026", "2026-02-30", "2026-13-01", "01.02.2026", "2026-02-01T25:00:00Z", "2026-02-01T10:00:00+25:00", "0000-01-01",
		"2026-02-01T10:00:00Z; DROP TABLE events", "1770000000", "-1", "2026-02-01T10:00:00[Europe/Prague]",
	} {
		_, ok := parseDate(written)
		require.False(t, ok, written)
	}
}

func FuzzParseDate(f *testing.F) {
	for _, seed := range []string{"2026-02-01", "2026-02-01T10:00:00+02:00", "20260201T100000Z", "2026-02-01T10:00:00,5Z", " ", "9999-12-31T23:59:59.9999999Z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		at, ok := parseDate(written)
		if ok && (at.Year() < 1 || at.Year() > 9999 || at.Nanosecond()%1000 != 0 || at.Location() != time.UTC) {
			t.Errorf("%q is %v", written, at)
		}
	})
}
