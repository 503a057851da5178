package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"golang.org/x/sync/errgroup"

	layout "daybook/pkg/archive"
)

// attempts is how often a day is looked at again, because events or another
// writer came in between.
const attempts = 5

// settle brings a day of the archive up to what the table has, from whatever is
// there: nothing, files that somebody who was cut has left, or a manifest that lacks
// late events. bad are files of the manifest that are not to be relied on.
func (r *Runner) settle(ctx context.Context, b *bucket, u unit, bad map[string]bool) (*layout.Day, error) {
	for range attempts {
		m, err := r.settleOnce(ctx, b, u, bad)
		if !errors.Is(err, errAgain) {
			return m, err
		}
	}
	return nil, fmt.Errorf("%s changed %d times while it was archived; the next run tries again", u, attempts)
}

// errAgain says that what was looked at has changed.
var errAgain = errors.New("look again")

func (r *Runner) settleOnce(ctx context.Context, b *bucket, u unit, bad map[string]bool) (*layout.Day, error) {
	s, err := b.lookAt(ctx, u)
	if err != nil {
		return nil, err
	}
	bad = maps.Clone(bad)
	if bad == nil {
		bad = map[string]bool{}
	}
	maps.Copy(bad, s.lost())
	var good []layout.File // of the manifest
	var before layout.Totals
	if s.manifest != nil {
		before = s.manifest.Totals
		good = slices.DeleteFunc(slices.Clone(s.manifest.Files), func(f layout.File) bool { return bad[f.Name] })
	}
	whole := s.manifest != nil && len(good) == len(s.manifest.Files)
	less := notIn(b.place, within(u, good))
	missing, err := r.missing(ctx, u, before, whole, less)
	if err != nil {
		return nil, err
	}
	if missing.Rows == 0 && (whole || s.manifest == nil) {
		return s.manifest, nil
	}
	// The table must have what bad files had: an archive never gets less.
	if now := plus(sum(good), missing); now.Rows < before.Rows || now.Rows == before.Rows && now.IDs != before.IDs {
		return nil, faultError{fmt.Errorf("%s: files of the manifest are lost or altered (%v), and the table no longer has all of their events: bring them back from the bucket's older versions or its copy",
			u, slices.Sorted(maps.Keys(bad)))}
	}
	files, err := r.leftBehind(ctx, b, u, s, missing)
	if err != nil {
		return nil, err
	}
	adopted := len(files) > 0
	if !adopted {
		if files, err = r.write(ctx, b, u, len(good)+1, less, missing); err != nil {
			return nil, err
		}
	}
	m, err := r.commit(ctx, b, u, s.number+1, append(good, files...))
	switch {
	case errors.Is(err, errExists) && !adopted:
		return nil, errors.Join(errAgain, r.drop(ctx, b, u, files))
	case errors.Is(err, errExists):
		return nil, errAgain
	case err != nil || !adopted:
		return m, err
	}
	// Whoever has left them may have deleted them meanwhile.
	if s, err = b.lookAt(ctx, u); err != nil {
		return nil, err
	}
	if len(s.lost()) > 0 {
		return nil, errAgain
	}
	return m, nil
}

// missing sums up what the table has and the manifest's good files have not.
func (r *Runner) missing(ctx context.Context, u unit, before layout.Totals, whole bool, less string) (layout.Totals, error) {
	if whole {
		all, err := r.tableTotals(ctx, events, []unit{u}, "")
		// The contents may differ: a producer's repetition has another offset in Kafka.
		if err != nil || all[u].Rows == before.Rows && all[u].IDs == before.IDs {
			return layout.Totals{}, err
		}
		missing, err := r.tableTotals(ctx, events, []unit{u}, less)
		if err == nil && missing[u].Rows == 0 && all[u].Rows >= before.Rows {
			err = faultError{fmt.Errorf("%s: the table's events are all in the archive, but their checksums differ: daybook archive verify says which file", u)}
		}
		return missing[u], err
	}
	missing, err := r.tableTotals(ctx, events, []unit{u}, less)
	return missing[u], err
}

// leftBehind returns the files without a manifest, where together they are exactly
// what is missing: whoever wrote them was cut before the manifest.
func (r *Runner) leftBehind(ctx context.Context, b *bucket, u unit, s seen, missing layout.Totals) ([]layout.File, error) {
	names := s.orphans()
	if len(names) == 0 {
		return nil, nil
	}
	slices.Sort(names)
	// Each alone is looked at first: two writers leave the same events twice.
	var files []layout.File
	for _, name := range names {
		t, err := r.fileTotals(ctx, b.place, within(u, []layout.File{{Name: name}}))
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			continue // It is no file of ours, or was deleted. Where the storage is away, the write that follows says so.
		}
		f := layout.File{Name: name, Totals: t[u.folder()+name]}
		if same(f.Totals, missing) {
			files = []layout.File{f}
			break
		}
		files = append(files, f)
	}
	if !same(sum(files), missing) {
		return nil, nil
	}
	for i, f := range files {
		var err error
		if files[i].SHA256, files[i].Bytes, err = b.sum(ctx, u.folder()+f.Name); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// write writes a file of what is missing and reads it back.
func (r *Runner) write(ctx context.Context, b *bucket, u unit, n int, less string, missing layout.Totals) ([]layout.File, error) {
	if err := r.at("before write"); err != nil {
		return nil, err
	}
	f := layout.File{Name: layout.NewData(n)}
	if err := r.writeOne(ctx, b.place, u, f.Name, less); err != nil {
		return nil, err
	}
	if err := r.at("written"); err != nil {
		return nil, err
	}
	files, err := r.readBack(ctx, b, map[unit]string{u: f.Name})
	if err != nil {
		return nil, err
	}
	f = files[u]
	if !same(f.Totals, missing) {
		return nil, errors.Join(errAgain, r.drop(ctx, b, u, []layout.File{f})) // Events came between the two.
	}
	return []layout.File{f}, r.at("read back")
}

// readBack reads the file of each unit.
func (r *Runner) readBack(ctx context.Context, b *bucket, names map[unit]string) (map[unit]layout.File, error) {
	paths := make([]string, 0, len(names))
	for u, name := range names {
		paths = append(paths, u.folder()+name)
	}
	slices.Sort(paths)
	read, err := r.readFiles(ctx, b, paths)
	if err != nil {
		return nil, err
	}
	files := make(map[unit]layout.File, len(names))
	for u, name := range names {
		files[u] = read[u.folder()+name]
	}
	return files, nil
}

// readFiles reads files, by their names within the place: through ClickHouse for what
// they hold, and itself for their bytes, both at once.
func (r *Runner) readFiles(ctx context.Context, b *bucket, paths []string) (map[string]layout.File, error) {
	var totals map[string]layout.Totals
	var sums map[string]summed
	reading, both := errgroup.WithContext(ctx)
	reading.Go(func() (err error) {
		totals, err = r.fileTotals(both, b.place, paths)
		return err
	})
	reading.Go(func() (err error) {
		sums, err = b.sums(both, paths)
		return err
	})
	if err := reading.Wait(); err != nil {
		return nil, err
	}
	files := make(map[string]layout.File, len(paths))
	for _, p := range paths {
		f := layout.File{Name: path.Base(p), SHA256: sums[p].sha256, Totals: totals[p]}
		f.Bytes = sums[p].bytes
		files[p] = f
	}
	return files, nil
}

// commit makes the manifest, which makes the day exist.
func (r *Runner) commit(ctx context.Context, b *bucket, u unit, number int, files []layout.File) (*layout.Day, error) {
	m := &layout.Day{
		Version: layout.ManifestVersion, Schema: layout.SchemaVersion, Tenant: u.tenant, Day: u.day.Format("2006-01-02"), Number: number,
		WrittenAt: r.Now().UTC(), Writer: r.Writer, Totals: sum(files), Files: files,
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	if _, err := layout.ParseDay(text); err != nil {
		return nil, fmt.Errorf("%s: %w", u, err)
	}
	if err := r.at("before manifest"); err != nil {
		return nil, err
	}
	if err := b.create(ctx, u.folder()+layout.Manifest(number), text); err != nil {
		return nil, err
	}
	return m, r.at("after manifest")
}

// drop deletes files that this process has written and no manifest names. Where the
// key may not delete, they stay: nothing reads them.
func (r *Runner) drop(ctx context.Context, b *bucket, u unit, files []layout.File) error {
	s, err := b.lookAt(ctx, u)
	if err != nil {
		return err
	}
	for _, f := range files {
		if s.named[f.Name] || s.keep {
			continue // Another writer has taken it over.
		}
		if err := b.remove(ctx, u.folder()+f.Name); err != nil {
			r.metrics.failures.WithLabelValues("delete").Inc()
		}
	}
	return nil
}

// within returns the names of a day's files within the place.
func within(u unit, files []layout.File) []string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = u.folder() + f.Name
	}
	return names
}
