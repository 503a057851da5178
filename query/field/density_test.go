package field

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Windows are disjoint and ascending, hold about what they should, and the
// newest has what came last.
func TestSpread(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	for range 500 {
		whole := window{from: now.Add(-time.Duration(1+dice.IntN(10_000)) * time.Minute)}
		if dice.IntN(2) == 0 {
			whole.to = now
		}
		d := &density{}
		for at := whole.from.Truncate(time.Hour); at.Before(now); at = at.Add(time.Duration(1+dice.IntN(30)) * time.Hour) {
			n := uint64(1 + dice.IntN(1+dice.IntN(3000)))
			d.hours, d.events = append(d.hours, hour{at, n}), d.events+n
		}
		size := uint64(1 + dice.IntN(250))
		windows := d.spread(whole, now, sampleWindows, size)
		require.NotEmpty(t, windows)
		require.LessOrEqual(t, len(windows), sampleWindows)
		require.Equal(t, whole.to, windows[len(windows)-1].to, "the newest is open where the range is")
		for i, w := range windows {
			require.False(t, w.from.Before(whole.from))
			if i < len(windows)-1 {
				require.True(t, w.from.Before(w.to))
				require.False(t, w.to.After(windows[i+1].from), "%v overlaps %v", w, windows[i+1])
			}
		}
	}
}

func TestSpread_Sizes(t *testing.T) {
	d := &density{}
	for i := range 100 {
		d.hours, d.events = append(d.hours, hour{now.Truncate(time.Hour).Add(time.Duration(i-99) * time.Hour), 1000}), d.events+1000
	}
	whole := window{from: now.Add(-100 * time.Hour)}
	windows := d.spread(whole, now, 8, 250)
	require.Len(t, windows, 8)
	for i, w := range windows[:7] { // A quarter of an hour in every twelve and a half.
		require.Equal(t, 15*time.Minute, w.to.Sub(w.from), i)
	}
	require.Equal(t, now.Add(-now.Sub(now.Truncate(time.Hour))/4), windows[7].from, "of the running hour, what has passed of it counts")

	w, events := d.newest(whole, 2500)
	require.Equal(t, now.Truncate(time.Hour).Add(-2*time.Hour), w.from)
	require.EqualValues(t, 3000, events)
	w, events = d.newest(whole, 1_000_000)
	require.Equal(t, whole, w)
	require.EqualValues(t, 100_000, events)
}
