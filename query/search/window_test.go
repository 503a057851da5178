package search

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// cut returns all windows, the first of which holds about size events, each
// further one eight times more.
func cut(p profile, whole window, newestFirst bool, size uint64) (out []window) {
	all := newWindows(p, whole, newestFirst, nil)
	for w, more := all.next(size); more; w, more = all.next(size) {
		out = append(out, w)
		size *= 8
	}
	return out
}

// However the profile looks, the windows are the whole range, gapless and in
// order.
func TestWindows_AreTheWholeRange(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	start := now.Truncate(time.Hour)
	for range 2000 {
		var p profile
		at := start.Add(-time.Duration(r.IntN(10_000)) * time.Hour)
		for range r.IntN(50) {
			at = at.Add(time.Duration(1+r.IntN(100)) * time.Hour)
			p = append(p, hour{start: at, events: uint64(1 + r.IntN(1000))})
		}
		whole := window{from: start.Add(-time.Duration(r.IntN(8000)) * 37 * time.Minute)}
		if r.IntN(2) == 0 {
			whole.to = whole.from.Add(time.Duration(r.IntN(8000)) * 41 * time.Minute)
		}
		newestFirst := r.IntN(2) == 0
		got := cut(p, whole, newestFirst, uint64(1+r.IntN(3000)))
		if newestFirst {
			for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
				got[i], got[j] = got[j], got[i]
			}
		}
		require.Equal(t, whole.from, got[0].from)
		require.Equal(t, whole.to, got[len(got)-1].to)
		for i := 1; i < len(got); i++ {
			require.Equal(t, got[i-1].to, got[i].from)
		}
	}
}

func TestWindows_Widen(t *testing.T) {
	start := now.Truncate(24 * time.Hour)
	var p profile
	for i := range 1000 {
		p = append(p, hour{start: start.Add(time.Duration(i) * time.Hour), events: 10})
	}
	hours := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	require.Equal(t, []window{
		{from: hours(990)}, {hours(910), hours(990)}, {hours(270), hours(910)}, {hours(-5), hours(270)},
	}, cut(p, window{from: hours(-5)}, true, 100))
	require.Equal(t, []window{
		{hours(100), hours(110)}, {hours(110), hours(190)}, {hours(190), hours(400)},
	}, cut(p, window{hours(100), hours(400)}, false, 100))
	require.Equal(t, []window{{hours(5000), hours(6000)}}, cut(p, window{hours(5000), hours(6000)}, true, 100))
	require.Equal(t, []window{{from: hours(0)}}, cut(nil, window{from: hours(0)}, true, 100))
}

// The next window follows from how dense the events were in the one before.
func TestWiden(t *testing.T) {
	for name, test := range map[string]struct {
		found, missing int
		want           uint64
	}{
		"nothing found":     {0, 51, 64_000},
		"dense enough":      {600, 51, 2_000},
		"as dense as found": {10, 41, 6_150},
		"nearly full":       {50, 1, 2_000},
		"one by chance":     {1, 1_000, 64_000},
	} {
		require.Equal(t, test.want, widen(1000, test.found, test.missing), name)
	}
}
