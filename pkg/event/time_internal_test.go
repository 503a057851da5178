package event

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseTime_AgreesWithPackageTime(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		zone := time.FixedZone("", (random.IntN(2*1439)-1439)*60)
		want := time.Unix(random.Int64N(253_402_300_800+62_167_219_200)-62_167_219_200, random.Int64N(1e9)).In(zone)
		text := want.Format(time.RFC3339Nano)
		if want.Year() < 0 || want.Year() > 9999 {
			continue
		}
		got, ok := parseTime(text)
		require.True(t, ok, text)
		require.True(t, got.Equal(want.Truncate(time.Microsecond)), "%s: %v", text, got)
		require.Equal(t, time.UTC, got.Location())
		if got.Year() >= 0 && got.Year() <= 9999 {
			require.Equal(t, got.Format(time.RFC3339Nano), string(appendTime(nil, got)))
		}
	}
}

func TestParseTime_Refuses(t *testing.T) {
	for _, text := range []string{
		"", "2026-04-17", "2026-04-17T14:32:01", "2026-04-17 14:32:01Z", "2026-04-17T14:32:01,5Z", "2026-04-17T14:32:01.Z",
		"2026-04-17T24:00:00Z", "2026-04-17T14:60:00Z", "2026-04-17T14:32:60Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
		"2026-04-31T00:00:00Z", "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2026-04-00T00:00:00Z", "2026-04-17T14:32:01+2:00",
		"2026-04-17T14:32:01+0200", "2026-04-17T14:32:01+24:00", "2026-04-17T14:32:01+02:60", "2026-04-17T14:32:01ZZ",
		"2026-04-17T14:32:01.1234567890Z", "+026-04-17T14:32:01Z", "2026-04-17T14:32:0/Z", "２026-04-17T14:32:01Z",
	} {
		_, ok := parseTime(text)
		require.False(t, ok, text)
	}
	for _, text := range []string{"2024-02-29T23:59:59Z", "2000-02-29t00:00:00z", "2026-04-17T14:32:01.1-00:00", "2026-04-17T14:32:01.123456789+23:59"} {
		_, ok := parseTime(text)
		require.True(t, ok, text)
	}
}
