package archive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	layout "daybook/pkg/archive"
)

// Bounds of a batch: days that one statement writes, and how many are at work.
const (
	batchDays   = 100
	batchEvents = 200_000
	batches     = 2
	// folderAlone is up to how many days of a tenant each folder is listed by
	// itself; for more, all of the tenant's at once.
	folderAlone = 8
)

// Report is what a run has done.
type Report struct {
	Days   int    `json:"days"`
	Events uint64 `json:"events"`
	Bytes  uint64 `json:"bytes"`
}

// run is one call of Archive.
type run struct {
	*Runner
	progress *atomic.Int64

	mu     sync.Mutex // guards what follows
	report Report
	faults []error
	away   map[layout.Place]error // places that don't answer
}

// Archive writes the closed days of the range that the archive lacks, or lacks
// events of, and returns what it has written. A day that fails is left for the next
// run, the others are written; the error joins theirs. progress counts events; nil
// is allowed.
func (r *Runner) Archive(ctx context.Context, g Range, progress *atomic.Int64) (Report, error) {
	if progress == nil {
		progress = new(atomic.Int64)
	}
	a := &run{Runner: r, progress: progress, away: map[layout.Place]error{}}
	began := r.Now()
	todo, err := r.pending(ctx, g)
	if err != nil {
		r.failed("clickhouse")
		return a.report, err
	}
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(batches)
	for p, days := range r.byPlace(todo) {
		for _, batch := range a.plan(within, p, days) {
			group.Go(func() error {
				batch(within)
				return within.Err()
			})
		}
	}
	_ = group.Wait() // What failed is in faults.
	err = a.err(ctx)
	r.metrics.ran(ctx, r, began, err)
	return a.report, err
}

func (r *Runner) failed(reason string) { r.metrics.failures.WithLabelValues(reason).Inc() }

const mostFaults = 10

func (a *run) err(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	faults := a.faults
	if len(faults) > mostFaults {
		faults = append(slices.Clone(faults[:mostFaults]), fmt.Errorf("and %d more", len(faults)-mostFaults))
	}
	return errors.Join(faults...)
}

// plan looks at the folders of a place's days. Those that have nothing are written
// many at a time; the others are settled one by one.
func (a *run) plan(ctx context.Context, p layout.Place, days []pendingDay) []func(context.Context) {
	b, err := a.bucketOf(ctx, p)
	if err == nil {
		var there map[unit][]object
		if there, err = b.foldersOf(ctx, days); err == nil {
			return a.work(b, days, there)
		}
	}
	a.failPlace(p, err)
	return nil
}

func (a *run) work(b *bucket, days []pendingDay, there map[unit][]object) (work []func(context.Context)) {
	var batch []unit
	var events uint64
	flush := func() {
		if len(batch) == 0 {
			return
		}
		units := batch
		work = append(work, func(ctx context.Context) { a.many(ctx, b, units) })
		batch, events = nil, 0
	}
	for _, d := range days {
		if d.late || len(there[d.unit]) > 0 {
			work = append(work, func(ctx context.Context) { a.one(ctx, b, d.unit) })
			continue
		}
		if len(batch) > 0 && (len(batch) == batchDays || events+d.events > batchEvents) {
			flush()
		}
		batch, events = append(batch, d.unit), events+d.events
	}
	flush()
	return work
}

// foldersOf lists the folders of days.
func (b *bucket) foldersOf(ctx context.Context, days []pendingDay) (map[unit][]object, error) {
	perTenant := map[string]int{}
	for _, d := range days {
		perTenant[layout.TenantFolder(d.tenant)]++
	}
	prefixes := map[string]bool{}
	for _, d := range days {
		if folder := layout.TenantFolder(d.tenant); perTenant[folder] > folderAlone {
			prefixes[folder] = true
		} else {
			prefixes[d.folder()] = true
		}
	}
	var mu sync.Mutex
	var all []object
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for prefix := range prefixes {
		group.Go(func() error {
			objects, err := b.list(ctx, prefix)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, objects...)
			return err
		})
	}
	err := group.Wait()
	return folders(all), err
}

// many writes days that the bucket has nothing of. Days that events or another
// writer came to meanwhile are settled one by one.
func (a *run) many(ctx context.Context, b *bucket, units []unit) {
	if a.gone(b.place) {
		return
	}
	done, rest, err := a.writeBatch(ctx, b, units)
	if err == nil {
		err = a.at("before remember")
	}
	if err != nil {
		a.fail(ctx, b.place, err)
		return
	}
	a.finish(ctx, b.place, done)
	for _, u := range rest {
		a.one(ctx, b, u)
	}
}

func (a *run) writeBatch(ctx context.Context, b *bucket, units []unit) (done []settled, rest []unit, err error) {
	names := make(map[unit]string, len(units))
	for _, u := range units {
		names[u] = layout.NewData(1)
	}
	if err := a.at("before write"); err != nil {
		return nil, nil, err
	}
	if err := a.writeMany(ctx, b.place, units, names); err != nil {
		return nil, nil, err
	}
	if err := a.at("written"); err != nil {
		return nil, nil, err
	}
	var files map[unit]layout.File
	var table map[unit]layout.Totals
	reading, both := errgroup.WithContext(ctx)
	reading.Go(func() (err error) {
		files, err = a.readBack(both, b, names)
		return err
	})
	reading.Go(func() (err error) {
		table, err = a.tableTotals(both, events, units, "")
		return err
	})
	if err := reading.Wait(); err != nil {
		return nil, nil, err
	}
	if err := a.at("read back"); err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex // guards done and rest
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for _, u := range units {
		f := files[u]
		if !same(f.Totals, table[u]) || f.Rows == 0 {
			mu.Lock()
			rest = append(rest, u)
			mu.Unlock()
			if err := a.drop(ctx, b, u, []layout.File{f}); err != nil {
				return nil, nil, errors.Join(err, group.Wait())
			}
			continue
		}
		group.Go(func() error {
			m, err := a.commit(within, b, u, 1, []layout.File{f})
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				done = append(done, settled{unit: u, manifest: m})
			case errors.Is(err, errExists):
				rest = append(rest, u)
				err = a.drop(within, b, u, []layout.File{f})
			}
			return err
		})
	}
	return done, rest, group.Wait()
}

// one settles a day by itself.
func (a *run) one(ctx context.Context, b *bucket, u unit) {
	if a.gone(b.place) {
		return
	}
	m, err := a.settle(ctx, b, u, nil)
	if fault := (faultError{}); errors.As(err, &fault) {
		a.fault(ctx, b, u, fault)
		return
	}
	if err == nil {
		err = a.at("before remember")
	}
	switch {
	case err != nil:
		a.fail(ctx, b.place, err)
	case m != nil:
		a.finish(ctx, b.place, []settled{{unit: u, manifest: m}})
	}
}

// finish remembers days that have their manifests.
func (a *run) finish(ctx context.Context, p layout.Place, days []settled) {
	if err := a.remember(ctx, days); err != nil {
		a.fail(ctx, p, err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range days {
		a.report.Days++
		a.report.Events += d.manifest.Rows
		a.report.Bytes += d.manifest.Bytes
		a.progress.Add(int64(d.manifest.Rows))
		a.metrics.days.Inc()
		a.metrics.events.Add(float64(d.manifest.Rows))
		a.metrics.bytes.Add(float64(d.manifest.Bytes))
	}
}

// fault remembers that a day is not what it should be: it is not purged.
func (a *run) fault(ctx context.Context, b *bucket, u unit, fault error) {
	s, _ := b.lookAt(ctx, u) // Without a manifest it is remembered as none.
	err := a.remember(ctx, []settled{{unit: u, manifest: s.manifest, fault: fault.Error()}})
	a.mu.Lock()
	defer a.mu.Unlock()
	a.faults = append(a.faults, errors.Join(fault, err))
	a.metrics.failures.WithLabelValues("fault").Inc()
}

// fail counts a failure. Where the storage is away, its other days aren't tried.
func (a *run) fail(ctx context.Context, p layout.Place, err error) {
	if ctx.Err() != nil {
		return
	}
	a.metrics.failures.WithLabelValues("write").Inc()
	a.mu.Lock()
	a.faults = append(a.faults, err)
	a.mu.Unlock()
	if b, openErr := a.bucketOf(ctx, p); openErr == nil {
		if _, listErr := b.list(ctx, "tenant=/"); listErr != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			a.away[p] = listErr
		}
	}
}

func (a *run) failPlace(p layout.Place, err error) {
	a.metrics.failures.WithLabelValues("storage").Inc()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.away[p] = err
	a.faults = append(a.faults, err)
}

func (a *run) gone(p layout.Place) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.away[p] != nil
}
