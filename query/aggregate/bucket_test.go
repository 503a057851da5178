package aggregate

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/query/filter"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := filter.Zone(name)
	require.NoError(t, err)
	return z
}

func at(t testing.TB, text string) time.Time {
	t.Helper()
	parsed, err := time.Parse(time.RFC3339Nano, text)
	require.NoError(t, err)
	return parsed
}

func TestGrid_DaysOfEveryLength(t *testing.T) {
	for name, test := range map[string]struct {
		zone, bucket, from, to string
		hours                  []float64
	}{
		"clocks go forward":       {"Europe/Prague", "1d", "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", []float64{24, 23, 24}},
		"clocks go back":          {"Europe/Prague", "1d", "2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z", []float64{24, 25, 24}},
		"an hour at midnight":     {"Asia/Beirut", "1d", "2025-03-28T22:00:00Z", "2025-03-31T21:00:00Z", []float64{24, 23, 24}},
		"half an hour":            {"Australia/Lord_Howe", "1d", "2026-04-03T13:00:00Z", "2026-04-05T13:30:00Z", []float64{24, 24.5}},
		"quarter of an hour east": {"Asia/Kathmandu", "1d", "2026-04-03T18:15:00Z", "2026-04-05T18:15:00Z", []float64{24, 24}},
		"a week":                  {"Europe/Prague", "1w", "2026-03-25T00:00:00Z", "2026-04-01T00:00:00Z", []float64{167, 168}},
		"months":                  {"America/New_York", "1mo", "2026-02-10T00:00:00Z", "2026-04-01T03:00:00Z", []float64{28 * 24, 31*24 - 1}},
		"hours over the gap":      {"Europe/Prague", "12h", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", []float64{12, 11}},
		"hours over the overlap":  {"Europe/Prague", "12h", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", []float64{12, 12, 1}},
		"a point in time":         {"UTC", "1h", "2026-03-28T23:10:00Z", "2026-03-28T23:10:00Z", []float64{1}},
	} {
		b, ok := bucketNamed(test.bucket)
		require.True(t, ok)
		g, ok := newGrid(at(t, test.from), at(t, test.to), b, zone(t, test.zone))
		require.True(t, ok)
		var hours []float64
		for i := range g.count() {
			hours = append(hours, g.edges[i+1].Sub(g.edges[i]).Hours())
		}
		require.Equal(t, test.hours, hours, "%s: %v", name, g.edges)
		require.False(t, g.edges[0].After(g.from), name)
		require.False(t, g.edges[g.count()].Before(g.to), name)
	}
}

func TestGrid_HoursBeginWithTheClock(t *testing.T) {
	b, _ := bucketNamed("1h")
	for _, name := range []string{"UTC", "Asia/Kathmandu", "Asia/Kolkata", "Europe/Prague", "Australia/Lord_Howe", "America/St_Johns"} {
		z := zone(t, name)
		r := rand.New(rand.NewPCG(1, 2))
		for range 200 {
			from := time.Date(2026, 1, 1, 0, r.IntN(365*24*60), r.IntN(60), 0, time.UTC)
			g, ok := newGrid(from, from.Add(72*time.Hour), b, z)
			require.True(t, ok)
			for i := range g.count() {
				_, minute, second := g.edges[i].In(z).Clock()
				if name != "Australia/Lord_Howe" {
					require.Zero(t, minute*60+second, "%s %v", name, g.edges[i])
				}
				require.True(t, g.edges[i].Before(g.edges[i+1]))
			}
		}
	}
}

func TestGrid_TooMany(t *testing.T) {
	b, _ := bucketNamed("1s")
	_, ok := newGrid(at(t, "2026-01-01T00:00:00Z"), at(t, "2026-12-01T00:00:00Z"), b, time.UTC)
	require.False(t, ok)
	_, ok = newGrid(at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-01T02:46:40Z"), b, time.UTC)
	require.True(t, ok)
	_, ok = newGrid(at(t, "2026-01-01T00:00:00Z"), at(t, "2026-01-01T02:46:41Z"), b, time.UTC)
	require.False(t, ok)
}

func TestChooseBucket(t *testing.T) {
	for span, name := range map[time.Duration]string{
		0: "1m", 15 * time.Minute: "1m", 6 * time.Hour: "1m", 24 * time.Hour: "5m", 72 * time.Hour: "15m", 7 * 24 * time.Hour: "1h",
		30 * 24 * time.Hour: "1d", 365 * 24 * time.Hour: "1d", 3 * 365 * 24 * time.Hour: "1w", 20 * 365 * 24 * time.Hour: "1mo",
	} {
		require.Equal(t, name, chooseBucket(span).name, span.String())
	}
}
