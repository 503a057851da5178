package archive

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	layout "daybook/pkg/archive"
)

// one returns the only object whose name ends so.
func (l *lab) one(suffix string) string {
	l.Helper()
	names := slices.DeleteFunc(l.objects(), func(name string) bool { return !strings.HasSuffix(name, suffix) })
	require.Len(l, names, 1)
	return names[0]
}

// change rewrites an object as somebody with access to the bucket does.
func (l *lab) change(name string, by func([]byte) []byte) {
	l.Helper()
	file := l.gateway.File(l.place, name)
	data, err := os.ReadFile(file)
	require.NoError(l, err)
	require.NoError(l, os.WriteFile(file, by(data), 0o600))
}

var alterations = map[string]func(l *lab){
	"a byte in the middle": func(l *lab) {
		l.change(l.one(".parquet"), func(data []byte) []byte { data[len(data)/3] ^= 0x55; return data })
	},
	"cut short": func(l *lab) {
		l.change(l.one(".parquet"), func(data []byte) []byte { return data[:len(data)/2] })
	},
	"other events": func(l *lab) {
		name := l.one(".parquet")
		require.NoError(l, os.Remove(l.gateway.File(l.place, name)))
		r := l.runner()
		require.NoError(l, r.exec(l.Context(), "INSERT INTO FUNCTION "+l.place.Source(name)+" SELECT "+
			strings.Replace(selected, "payload,", "'{}' AS payload,", 1)+" FROM events"))
	},
}

// The archive is cut at every step, with one day and with many; what is left then is
// taken over or written anew by the next run, which ends with all and nothing twice.
func TestFault_CutAnywhere(t *testing.T) {
	all := newLab(t)
	for _, step := range []string{"before write", "written", "read back", "before manifest", "after manifest", "before remember"} {
		for name, days := range map[string]int{"one day": 1, "many days": 4} {
			t.Run(step+", "+name, func(t *testing.T) {
				l := all.in(t)
				for n := range days {
					l.store("acme", day(n+1), 50)
				}
				cut := errors.New("cut")
				_, err := l.runner(func(r *Runner) { r.step = stopAt(step, cut) }).Archive(t.Context(), Range{}, nil)
				require.ErrorIs(t, err, cut)
				before := l.objects()
				report := l.archive(l.runner())
				require.Equal(t, days, report.Days)
				l.whole()
				if step != "before write" {
					require.Subset(t, l.objects(), before, "what was left is taken over")
					require.Len(t, l.objects(), 2*days)
				}
			})
		}
	}
}

// As before, but events come between the cut and the next run: what was left is not
// what is missing. It stays until it is a day old.
func TestFault_CutThenLateEvents(t *testing.T) {
	all := newLab(t)
	for _, step := range []string{"written", "before manifest", "after manifest"} {
		t.Run(step, func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 50)
			cut := errors.New("cut")
			_, err := l.runner(func(r *Runner) { r.step = stopAt(step, cut) }).Archive(t.Context(), Range{}, nil)
			require.ErrorIs(t, err, cut)
			l.store("acme", day(1).Add(time.Hour), 5)
			l.archive(l.runner())
			l.whole()
			left := len(l.objects())
			l.now = time.Now().Add(23 * time.Hour)
			require.NoError(t, l.runner().sweep(t.Context()))
			require.Len(t, l.objects(), left)
			l.now = l.now.Add(2 * time.Hour)
			require.NoError(t, l.runner().sweep(t.Context()))
			if step == "after manifest" {
				require.Len(t, l.objects(), left, "both files have manifests")
			} else {
				require.Len(t, l.objects(), 2)
			}
			l.whole()
		})
	}
}

// Two writers at once: each day has one manifest, and no file without one stays.
func TestFault_TwoWriters(t *testing.T) {
	l := newLab(t)
	for n := range 6 {
		l.store("acme", day(n+1), 50)
	}
	// Both come to the manifests at once.
	var met sync.WaitGroup
	met.Add(2)
	var running sync.WaitGroup
	for range 2 {
		r := l.runner(func(r *Runner) {
			var once sync.Once
			r.step = func(at string) error {
				if at == "read back" {
					once.Do(func() { met.Done(); met.Wait() })
				}
				return nil
			}
		})
		running.Go(func() {
			_, err := r.Archive(t.Context(), Range{}, nil)
			if err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
	l.whole()
	require.Len(t, l.objects(), 12)
}

// Events come while a day is written: between the file and the look at the table.
func TestFault_EventsMeanwhile(t *testing.T) {
	all := newLab(t)
	for name, days := range map[string]int{"one day": 1, "many days": 3} {
		t.Run(name, func(t *testing.T) {
			l := all.in(t)
			for n := range days {
				l.store("acme", day(n+1), 50)
			}
			times := 0
			r := l.runner(func(r *Runner) {
				r.step = func(at string) error {
					if at == "written" && times < 2 {
						times++
						l.store("acme", day(1).Add(time.Duration(times)*time.Hour), 5)
					}
					return nil
				}
			})
			l.archive(r)
			l.archive(r)
			l.whole()
		})
	}
}

func TestFault_NoWay(t *testing.T) {
	all := newLab(t)
	for name, test := range map[string]struct {
		change func(l *lab, p *layout.Place)
		want   string
	}{
		"wrong secret": {func(_ *lab, p *layout.Place) { p.SecretKey = "wrong" }, "archive.secret_key"},
		"wrong key":    {func(_ *lab, p *layout.Place) { p.AccessKey = "nobody" }, "archive.access_key"},
		"no bucket":    {func(_ *lab, p *layout.Place) { p.Bucket = "nowhere" }, "archive.bucket"},
		"nobody there": {func(l *lab, _ *layout.Place) { l.gateway.Stop() }, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 50)
			right := l.place
			test.change(l, &l.place)
			r := l.runner()
			_, err := r.Archive(t.Context(), Range{}, nil)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), right.SecretKey)
			known, err := r.known(t.Context(), Range{})
			require.NoError(t, err)
			require.Empty(t, known, "nothing is taken for archived")
			_, err = r.Verify(t.Context(), Range{}, nil)
			require.ErrorContains(t, err, test.want)
			_, err = r.Restore(t.Context(), Range{}, 0, nil)
			require.ErrorContains(t, err, test.want)
			l.place = right
			l.gateway.Run()
			l.archive(l.runner())
			l.whole()
		})
	}
}

// Somebody alters a file. Verify finds it; while the table has the events it is
// written anew, later it is a fault until the right file is back.
func TestVerify_Altered(t *testing.T) {
	all := newLab(t)
	for name, alter := range alterations {
		for _, purged := range []bool{false, true} {
			t.Run(name+map[bool]string{false: "", true: ", purged"}[purged], func(t *testing.T) {
				l := all.in(t)
				l.store("acme", day(1), 100)
				r := l.runner()
				l.archive(r)
				name := l.one(".parquet")
				var right []byte
				l.change(name, func(data []byte) []byte { right = bytes.Clone(data); return data })
				alter(l)
				if purged {
					require.NoError(t, l.conn.Exec(t.Context(), "TRUNCATE TABLE events"))
				}
				v, err := r.Verify(t.Context(), Range{}, nil)
				require.NoError(t, err)
				if !purged {
					require.Len(t, v.Repaired, 1)
					require.Contains(t, v.Repaired[0].Text, "SHA-256")
					require.Empty(t, v.Faults)
					l.whole()
					return
				}
				require.Len(t, v.Faults, 1)
				require.Contains(t, v.Faults[0].Text, name[strings.LastIndex(name, "/")+1:]+" was altered")
				known, err := r.known(t.Context(), Range{})
				require.NoError(t, err)
				require.Nil(t, known[unit{"acme", day(1)}].VerifiedAt)
				require.EqualValues(t, 100, known[unit{"acme", day(1)}].Rows)
				l.change(name, func([]byte) []byte { return right })
				v, err = r.Verify(t.Context(), Range{}, nil)
				require.NoError(t, err)
				require.Empty(t, v.Faults)
				require.Len(t, v.Repaired, 1)
			})
		}
	}
}

// What a node whose clock is ahead has remembered of a day does not hide what another
// finds later.
func TestVerify_AnotherClock(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 100)
	ahead := l.runner(func(r *Runner) { r.Now = func() time.Time { return l.now.Add(time.Hour) } })
	l.archive(ahead)
	require.NoError(t, l.conn.Exec(t.Context(), "TRUNCATE TABLE events"))
	l.change(l.one(".parquet"), func(data []byte) []byte { return append(data, 'x') })
	r := l.runner()
	for range 2 {
		v, err := r.Verify(t.Context(), Range{}, nil)
		require.NoError(t, err)
		require.Len(t, v.Faults, 1)
		known, err := r.known(t.Context(), Range{})
		require.NoError(t, err)
		require.Nil(t, known[unit{"acme", day(1)}].VerifiedAt)
	}
}

// Things are lost: a manifest, a file, a day, what the table knows of the archive.
func TestVerify_Lost(t *testing.T) {
	all := newLab(t)
	manifest := func(l *lab) { require.NoError(l, os.Remove(l.gateway.File(l.place, l.one("_manifest-0001.json")))) }
	file := func(l *lab) { require.NoError(l, os.Remove(l.gateway.File(l.place, l.one(".parquet")))) }
	table := func(l *lab) { require.NoError(l, l.conn.Exec(l.Context(), "TRUNCATE TABLE archive_days")) }
	purge := func(l *lab) { require.NoError(l, l.conn.Exec(l.Context(), "TRUNCATE TABLE events")) }
	for name, test := range map[string]struct {
		lose            []func(*lab)
		repaired, fault string
	}{
		"manifest":            {[]func(*lab){manifest}, "made anew from its files", ""},
		"manifest, purged":    {[]func(*lab){manifest, purge}, "made anew from its files", ""},
		"file":                {[]func(*lab){file}, "written anew from the table", ""},
		"file, purged":        {[]func(*lab){file, purge}, "", "is lost"},
		"all":                 {[]func(*lab){file, manifest}, "written anew from the table", ""},
		"all, purged":         {[]func(*lab){file, manifest, purge}, "", "the bucket has nothing of it"},
		"archive_days":        {[]func(*lab){table}, "did not know of it", ""},
		"archive_days purged": {[]func(*lab){table, purge}, "did not know of it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 100)
			r := l.runner()
			l.archive(r)
			for _, lose := range test.lose {
				lose(l)
			}
			v, err := r.Verify(t.Context(), Range{}, nil)
			require.NoError(t, err)
			if test.repaired != "" {
				require.Len(t, v.Repaired, 1)
				require.Contains(t, v.Repaired[0].Text, test.repaired)
				require.Empty(t, v.Faults)
			} else {
				require.Empty(t, v.Repaired)
				require.Len(t, v.Faults, 1)
				require.Contains(t, v.Faults[0].Text, test.fault)
			}
			known, err := r.known(t.Context(), Range{})
			require.NoError(t, err)
			k := known[unit{"acme", day(1)}]
			require.EqualValues(t, 100, k.Rows)
			require.Equal(t, test.fault == "", k.VerifiedAt != nil)
			if test.fault == "" {
				v, err = r.Verify(t.Context(), Range{}, nil)
				require.NoError(t, err)
				require.Empty(t, v.Repaired)
				require.Empty(t, v.Faults)
			}
		})
	}
}

// The newest manifest is lost: the older one does not count as all.
func TestVerify_NewestManifestLost(t *testing.T) {
	l := newLab(t)
	l.store("acme", day(1), 100)
	r := l.runner()
	l.archive(r)
	l.store("acme", day(1).Add(time.Hour), 10)
	l.archive(r)
	require.NoError(t, os.Remove(l.gateway.File(l.place, l.one("_manifest-0002.json"))))
	require.NoError(t, l.conn.Exec(t.Context(), "TRUNCATE TABLE events"))
	_, err := r.Restore(t.Context(), Range{}, 0, nil)
	require.ErrorContains(t, err, "no manifest 2")
	require.NoError(t, r.sweep(t.Context()), "the daily look finds it")
	report, err := r.Restore(t.Context(), Range{}, 0, nil)
	require.NoError(t, err)
	require.EqualValues(t, 110, report.Events)
}

// A manifest of a later program, one that is no manifest, one of another day: nothing
// is written beside it, and the day isn't taken for archived.
func TestFault_ManifestOfOthers(t *testing.T) {
	all := newLab(t)
	for name, test := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"later version":  {func(b []byte) []byte { return bytes.Replace(b, []byte(`"version": 1`), []byte(`"version": 9`), 1) }, "version 9"},
		"later schema":   {func(b []byte) []byte { return bytes.Replace(b, []byte(`"schema": 1`), []byte(`"schema": 2`), 1) }, "schema 2"},
		"another day":    {func(b []byte) []byte { return bytes.Replace(b, []byte(`2026-04-16"`), []byte(`2026-04-15"`), 1) }, "somebody has moved it"},
		"rows altered":   {func(b []byte) []byte { return bytes.Replace(b, []byte(`"rows": 100`), []byte(`"rows": 99`), 1) }, "somebody has altered it"},
		"cut short":      {func(b []byte) []byte { return b[:len(b)/2] }, "not readable"},
		"nothing at all": {func([]byte) []byte { return nil }, "not readable"},
	} {
		t.Run(name, func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 100)
			r := l.runner()
			l.archive(r)
			l.change(l.one(".json"), test.change)
			l.store("acme", day(1).Add(time.Hour), 10)
			objects := l.objects()
			_, err := r.Archive(t.Context(), Range{}, nil)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, objects, l.objects())
			known, err := r.known(t.Context(), Range{})
			require.NoError(t, err)
			require.Nil(t, known[unit{"acme", day(1)}].VerifiedAt)
			_, err = r.Restore(t.Context(), Range{}, 0, nil)
			require.ErrorContains(t, err, test.want)
			v, err := r.Verify(t.Context(), Range{}, nil)
			require.NoError(t, err)
			require.Len(t, v.Faults, 1)
			require.Contains(t, v.Faults[0].Text, test.want)
		})
	}
}

// What arrives in the bucket is not what was sent: it is seen when it is read back, and
// written again. Both ways of writing look.
func TestFault_WrittenWrong(t *testing.T) {
	all := newLab(t)
	for _, alone := range []bool{false, true} {
		t.Run(map[bool]string{false: "batch", true: "alone"}[alone], func(t *testing.T) {
			l := all.in(t)
			l.store("acme", day(1), 50)
			folder := unit{"acme", day(1)}.folder()
			if alone { // What is there already makes a day be settled by itself.
				require.NoError(t, os.MkdirAll(l.gateway.File(l.place, folder), 0o750))
				require.NoError(t, os.WriteFile(l.gateway.File(l.place, folder+"events-0001-junk.parquet"), []byte("no parquet"), 0o600))
			}
			times := 0
			r := l.runner()
			r.step = func(at string) error {
				if at != "written" || times > 0 {
					return nil
				}
				times++
				for _, name := range l.objects() {
					if strings.Contains(name, "junk") {
						continue
					}
					require.NoError(t, os.Remove(l.gateway.File(l.place, name)))
					require.NoError(t, r.exec(t.Context(), "INSERT INTO FUNCTION "+l.place.Source(name)+" SELECT "+selected+" FROM events LIMIT 49"))
				}
				return nil
			}
			l.archive(r)
			require.Equal(t, 1, times)
			l.whole()
			require.Len(t, slices.DeleteFunc(l.objects(), func(name string) bool { return !strings.HasSuffix(name, ".json") }), 1, "one manifest, the right one")
		})
	}
}
