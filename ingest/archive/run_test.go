package archive

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestArchive(t *testing.T) {
	l := newLab(t)
	l.generate(20_000, 5, 30)
	l.store("a/b=ü", day(1), 100)
	report := l.archive(l.runner())
	require.EqualValues(t, 20_100, report.Events)
	l.whole()
	require.Zero(t, l.archive(l.runner()), "a second run has nothing to do")
	names := l.objects()
	require.Len(t, names, 2*report.Days, "a file and a manifest for each day")
}

func TestArchive_TheDayIsOpen(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(0), 10)
	require.Zero(t, l.archive(l.runner()))
	l.now = day(-1).Add(6*time.Hour - time.Second)
	require.Zero(t, l.archive(l.runner()))
	l.now = l.now.Add(time.Second)
	require.EqualValues(t, 10, l.archive(l.runner()).Events)
	l.whole()
}

func TestArchive_LateEvents(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(2), 50)
	l.archive(l.runner())
	for n := 1; n <= 3; n++ {
		l.store("acme", day(2).Add(time.Duration(n)*time.Hour), 10)
		require.EqualValues(t, 50+10*n, l.archive(l.runner()).Events)
		l.whole()
	}
	require.Len(t, l.objects(), 8, "four files, four manifests")
}
