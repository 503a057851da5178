package archive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	layout "daybook/pkg/archive"
)

// Verified is what a verification has found.
type Verified struct {
	Report
	Repaired []Finding `json:"repaired"` // what was wrong and is right again
	Faults   []Finding `json:"faults"`   // what is wrong
}

// Finding is about a day.
type Finding struct {
	Tenant string `json:"tenant"`
	Day    string `json:"day"`
	Text   string `json:"text"`
}

func (u unit) finding(text string) Finding {
	return Finding{string(u.tenant), u.day.Format(time.DateOnly), text}
}

// Verify reads what the buckets have of a range, all of it: manifests, the SHA-256 of
// each file, and through ClickHouse its rows and checksums. What archive_days lacks is
// put there; a manifest that is lost is made anew where archive_days and the files
// agree; a file that is lost or altered is written anew where the table still has its
// events. What can't be repaired is a fault, here and in archive_days, and holds the
// purge of its day. An error means that something could not be looked at.
func (r *Runner) Verify(ctx context.Context, g Range, progress *atomic.Int64) (Verified, error) {
	if progress == nil {
		progress = new(atomic.Int64)
	}
	v := &verification{Runner: r, progress: progress}
	v.out.Repaired, v.out.Faults = []Finding{}, []Finding{}
	known, err := r.known(ctx, g)
	if err != nil {
		return v.out, err
	}
	days, err := r.manifests(ctx, g)
	if err != nil {
		return v.out, err
	}
	left := maps.Clone(known)
	for _, days := range days.byPlace(r.Places) {
		for batch := range batched(days) {
			if err := v.check(ctx, batch, known); err != nil {
				return v.out, err
			}
		}
		for _, d := range days {
			delete(left, d.unit)
		}
	}
	for _, d := range days.bad {
		delete(left, d.unit)
		k, ok := known[d.unit]
		if err := v.unreadable(ctx, d, k, ok); err != nil {
			return v.out, err
		}
	}
	for _, u := range slices.SortedFunc(maps.Keys(left), compareUnits) {
		if err := v.gone(ctx, u, left[u]); err != nil {
			return v.out, err
		}
	}
	return v.out, nil
}

type verification struct {
	*Runner
	progress *atomic.Int64
	out      Verified
}

// check compares days with their manifests.
func (v *verification) check(ctx context.Context, days []archived, known map[unit]Known) error {
	b := days[0].bucket
	var names []string
	for _, d := range days {
		for _, f := range d.manifest.Files {
			if _, ok := d.seen.objects[f.Name]; ok {
				names = append(names, d.unit.folder()+f.Name)
			}
		}
	}
	sums, err := b.sums(ctx, names)
	if err != nil {
		return err
	}
	var sound []string // Others aren't given to ClickHouse.
	for _, d := range days {
		for _, f := range d.manifest.Files {
			if sums[d.unit.folder()+f.Name].sha256 == f.SHA256 {
				sound = append(sound, d.unit.folder()+f.Name)
			}
		}
	}
	totals := map[string]layout.Totals{}
	for names := range slices.Chunk(sound, batchDays) {
		some, err := v.fileTotals(ctx, b.place, names)
		if err != nil {
			return err
		}
		maps.Copy(totals, some)
	}
	var fine []settled
	for _, d := range days {
		bad := map[string]bool{}
		why := ""
		for _, f := range d.manifest.Files {
			path := d.unit.folder() + f.Name
			switch sum, ok := sums[path]; {
			case !ok:
				bad[f.Name], why = true, f.Name+" is lost"
			case sum.sha256 != f.SHA256:
				bad[f.Name], why = true, fmt.Sprintf("%s was altered: its SHA-256 is %s, and its manifest says %s", f.Name, sum.sha256, f.SHA256)
			case !same(totals[path], f.Totals):
				bad[f.Name], why = true, fmt.Sprintf("%s has %d events, and its manifest says %d, or other ones: both were altered", f.Name, totals[path].Rows, f.Rows)
			}
		}
		if len(bad) > 0 {
			if err := v.mend(ctx, d.bucket, d.unit, d.manifest, bad, why); err != nil {
				return err
			}
			continue
		}
		v.count(d.manifest)
		k, ok := known[d.unit]
		switch {
		case !ok:
			v.out.Repaired = append(v.out.Repaired, d.unit.finding("archive_days did not know of it"))
		case k.Manifest > uint32(d.manifest.Number):
			if err := v.older(ctx, d, k); err != nil {
				return err
			}
			continue
		case k.VerifiedAt == nil:
			v.out.Repaired = append(v.out.Repaired, d.unit.finding("it is what it should be again; before: "+k.Fault))
		}
		fine = append(fine, settled{unit: d.unit, manifest: d.manifest})
	}
	return v.remember(ctx, fine)
}

func (v *verification) count(m *layout.Day) {
	v.out.Days++
	v.out.Events += m.Rows
	v.out.Bytes += m.Bytes
	v.progress.Add(int64(m.Rows))
}

// mend writes anew what files that are lost or altered should have, from the table.
func (v *verification) mend(ctx context.Context, b *bucket, u unit, m *layout.Day, bad map[string]bool, why string) error {
	mended, err := v.settle(ctx, b, u, bad)
	if fault := (faultError{}); errors.As(err, &fault) {
		return v.faulty(ctx, u, m, why+"; "+fault.Error())
	}
	if err != nil {
		return err
	}
	v.count(mended)
	v.out.Repaired = append(v.out.Repaired, u.finding(why+"; it was written anew from the table"))
	return v.remember(ctx, []settled{{unit: u, manifest: mended}})
}

func (v *verification) faulty(ctx context.Context, u unit, m *layout.Day, why string) error {
	v.metrics.failures.WithLabelValues("fault").Inc()
	v.out.Faults = append(v.out.Faults, u.finding(why))
	return v.remember(ctx, []settled{{unit: u, manifest: m, fault: why}})
}

// unreadable is for a day without a manifest that can be read.
func (v *verification) unreadable(ctx context.Context, d archived, k Known, ok bool) error {
	switch {
	case d.err != nil:
		var m *layout.Day
		if ok {
			m = k.manifest()
		}
		return v.faulty(ctx, d.unit, m, d.err.Error())
	case !ok:
		return nil // Somebody was cut, or is writing it: the next run.
	}
	return v.rebuild(ctx, d, k, 1, "its manifest is lost")
}

// older is for a day whose newest manifest is lost: there is an older one.
func (v *verification) older(ctx context.Context, d archived, k Known) error {
	return v.rebuild(ctx, d, k, int(k.Manifest), fmt.Sprintf("manifest %d is lost", k.Manifest))
}

// rebuild makes a manifest anew from what archive_days says, if the files are that.
func (v *verification) rebuild(ctx context.Context, d archived, k Known, number int, why string) error {
	var files []layout.File
	for _, name := range k.Files {
		if _, ok := d.seen.objects[name]; !ok {
			return v.again(ctx, d.bucket, d.unit, k, why+", and so is "+name)
		}
		files = append(files, layout.File{Name: name})
	}
	if len(files) == 0 {
		return v.again(ctx, d.bucket, d.unit, k, why)
	}
	paths := within(d.unit, files)
	read, err := v.readFiles(ctx, d.bucket, paths)
	if err != nil {
		return err
	}
	for i, path := range paths {
		files[i] = read[path]
	}
	if !same(sum(files), k.Totals) {
		return v.again(ctx, d.bucket, d.unit, k, why+", and its files are not those that archive_days knows")
	}
	m, err := v.commit(ctx, d.bucket, d.unit, number, files)
	if err != nil {
		return err
	}
	v.count(m)
	v.out.Repaired = append(v.out.Repaired, d.unit.finding(why+"; it was made anew from its files, which are what archive_days knows"))
	return v.remember(ctx, []settled{{unit: d.unit, manifest: m}})
}

// gone is for a day that archive_days knows and the bucket has nothing of.
func (v *verification) gone(ctx context.Context, u unit, k Known) error {
	b, err := v.bucketOf(ctx, v.Places.Of(u.tenant))
	if err != nil {
		return err
	}
	return v.again(ctx, b, u, k, "the bucket has nothing of it")
}

// again archives a day anew, if the table still has all that was archived.
func (v *verification) again(ctx context.Context, b *bucket, u unit, k Known, why string) error {
	table, err := v.tableTotals(ctx, events, []unit{u}, "")
	if err != nil {
		return err
	}
	if t := table[u]; t.Rows < k.Rows || t.Rows == k.Rows && t.IDs != k.IDs || t.Rows == 0 {
		return v.faulty(ctx, u, k.manifest(), fmt.Sprintf("%s, and the table has %d of its %d events: bring the objects back from the bucket's older versions or its copy", why, t.Rows, k.Rows))
	}
	m, err := v.settle(ctx, b, u, nil)
	if fault := (faultError{}); errors.As(err, &fault) {
		return v.faulty(ctx, u, k.manifest(), why+"; "+fault.Error())
	}
	if err != nil {
		return err
	}
	v.count(m)
	v.out.Repaired = append(v.out.Repaired, u.finding(why+"; it was written anew from the table"))
	return v.remember(ctx, []settled{{unit: u, manifest: m}})
}

// manifest is what archive_days knows of one.
func (k Known) manifest() *layout.Day {
	m := &layout.Day{Tenant: k.Tenant, Day: k.Day, Number: int(k.Manifest), WrittenAt: k.WrittenAt, Totals: k.Totals}
	for i, name := range k.Files {
		m.Files = append(m.Files, layout.File{Name: name, Totals: layout.Totals{Rows: k.fileRows[i]}})
	}
	return m
}
