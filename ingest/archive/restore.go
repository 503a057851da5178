package archive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	layout "daybook/pkg/archive"
	"daybook/schema"
)

// Restore reads the archived days of a range back into events_restored, where they
// stay for keep, 0 meaning Config.Restored; then the purge (ingest/purge) takes them. A day that is there already stays longer; one that was begun and
// cut is deleted first. The error joins those of the days that could not be restored.
func (r *Runner) Restore(ctx context.Context, g Range, keep time.Duration, progress *atomic.Int64) (Report, error) {
	if progress == nil {
		progress = new(atomic.Int64)
	}
	if keep == 0 {
		keep = r.Restored
	}
	var report Report
	days, err := r.manifests(ctx, g)
	if err != nil {
		return report, err
	}
	have, err := r.restores(ctx, g)
	if err != nil {
		return report, err
	}
	errs, err := r.unknown(ctx, g, days)
	if err != nil {
		return report, err
	}
	expires := r.Now().Add(keep).UTC()
	var longer []restored
	days.all = slices.DeleteFunc(days.all, func(d archived) bool {
		h := have[d.unit]
		if h.state != Done || h.manifest != uint32(d.manifest.Number) {
			return false
		}
		if h.expires.Before(expires) {
			h.expires = expires
			longer = append(longer, h)
		}
		report.Days++
		report.Events += h.rows
		return true
	})
	var mu sync.Mutex // guards report and errs
	var group errgroup.Group
	group.SetLimit(batches)
	for p, days := range days.byPlace(r.Places) {
		for batch := range batched(days) {
			group.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				err := r.restoreBatch(ctx, p, batch, have, expires)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					errs = append(errs, err)
					r.metrics.failures.WithLabelValues("restore").Inc()
					return nil
				}
				for _, d := range batch {
					report.Days++
					report.Events += d.manifest.Rows
					report.Bytes += d.manifest.Bytes
					progress.Add(int64(d.manifest.Rows))
				}
				return nil
			})
		}
	}
	if err := group.Wait(); err != nil {
		return report, err
	}
	return report, errors.Join(append(errs, days.err, r.mark(ctx, longer))...)
}

// unknown returns an error for each day that archive_days knows and the bucket has
// not as such: what is asked for must not be missing silently.
func (r *Runner) unknown(ctx context.Context, g Range, days archivedDays) (errs []error, err error) {
	known, err := r.known(ctx, g)
	if err != nil {
		return nil, err
	}
	for _, d := range days.bad {
		if d.err != nil {
			delete(known, d.unit) // It has its error.
		}
	}
	for _, d := range days.all {
		if int(known[d.unit].Manifest) <= d.manifest.Number {
			delete(known, d.unit)
		}
	}
	for _, u := range slices.SortedFunc(maps.Keys(known), compareUnits) {
		if known[u].Rows > 0 {
			errs = append(errs, fmt.Errorf("%s: the bucket has no manifest %d of it, and archive_days knows of %d events: daybook archive verify makes it anew where that can be done", u, known[u].Manifest, known[u].Rows))
		}
	}
	return errs, nil
}

// restoreBatch restores days by one statement.
func (r *Runner) restoreBatch(ctx context.Context, p layout.Place, days []archived, have map[unit]restored, expires time.Time) error {
	units, states := make([]unit, len(days)), make([]restored, len(days))
	var names []string
	for i, d := range days {
		units[i] = d.unit
		states[i] = restored{d.unit, Begun, uint32(d.manifest.Number), d.manifest.Rows, expires, have[d.unit].version}
		names = append(names, within(d.unit, d.manifest.Files)...)
	}
	if err := r.mark(ctx, states); err != nil {
		return err
	}
	if err := r.at("begun"); err != nil {
		return err
	}
	if err := r.deleteRestored(ctx, units); err != nil {
		return err
	}
	altered, err := r.readBatch(ctx, p, days, names)
	if err != nil {
		return fmt.Errorf("restore %s from the archive at %s: %w%s", named(units), p.URL(), err, p.Advice(err))
	}
	// Copies count: two that restore at once would leave the day twice.
	there, err := r.tableTotals(ctx, schema.EventsRestored, units, "")
	if err != nil {
		return err
	}
	errs := alteredErrors(altered)
	var done []restored
	for i, d := range days {
		if altered[d.unit] != "" {
			continue
		}
		if !same(there[d.unit], d.manifest.Totals) {
			errs = append(errs, fmt.Errorf("%s: restored %d events, and its manifest has %d, or other ones: somebody else restores it at the same time; try again",
				d.unit, there[d.unit].Rows, d.manifest.Rows))
			continue
		}
		s := states[i]
		s.state = Done
		done = append(done, s)
	}
	if err := r.at("before done"); err != nil {
		return err
	}
	return errors.Join(append(errs, r.mark(ctx, done))...)
}

// readBatch reads files into events_restored, and beside that their bytes. It returns
// the days of which one is not as its manifest says, and its name.
func (r *Runner) readBatch(ctx context.Context, p layout.Place, days []archived, names []string) (altered map[unit]string, err error) {
	b, err := r.bucketOf(ctx, p)
	if err != nil {
		return nil, err
	}
	var sums map[string]summed
	var reading errgroup.Group // Either ends by itself: of a file that can't be read, too, is said that it was altered.
	reading.Go(func() (err error) {
		sums, err = b.sums(ctx, names)
		return err
	})
	err = r.insertRestored(ctx, p, names)
	if sumsErr := reading.Wait(); sumsErr != nil {
		return nil, errors.Join(err, sumsErr)
	}
	altered = map[unit]string{}
	for _, d := range days {
		for _, f := range d.manifest.Files {
			if sums[d.unit.folder()+f.Name].sha256 != f.SHA256 {
				altered[d.unit] = f.Name
			}
		}
	}
	if err != nil && len(altered) > 0 {
		return nil, errors.Join(append(alteredErrors(altered), err)...)
	}
	return altered, err
}

func alteredErrors(altered map[unit]string) (errs []error) {
	for _, u := range slices.SortedFunc(maps.Keys(altered), compareUnits) {
		errs = append(errs, fmt.Errorf("%s: %s was altered: its SHA-256 is not what its manifest says (daybook archive verify mends what can be mended)", u, altered[u]))
	}
	return errs
}

// insertRestored reads files into events_restored.
func (r *Runner) insertRestored(ctx context.Context, p layout.Place, names []string) error {
	// In the order of the key already: nothing is sorted, and parts are large.
	into := strings.Join(schema.EventColumns, ", ")
	for names := range slices.Chunk(names, batchDays) {
		if err := r.exec(ctx, "INSERT INTO "+schema.EventsRestored+" ("+into+") SELECT "+into+" FROM "+p.Source(names...)); err != nil {
			return err
		}
		if err := r.at("restored in part"); err != nil {
			return err
		}
	}
	return nil
}

// Remove deletes the restored days of a range, and returns how many there were.
func (r *Runner) Remove(ctx context.Context, g Range) (int, error) {
	have, err := r.restores(ctx, g)
	if err != nil {
		return 0, err
	}
	var units []unit
	for u, h := range have {
		if h.state != Removed {
			units = append(units, u)
		}
	}
	return len(units), r.removeRestored(ctx, units, have)
}

// removeRestored hides days, then deletes them.
func (r *Runner) removeRestored(ctx context.Context, units []unit, have map[unit]restored) error {
	for units := range slices.Chunk(units, batchDays) {
		states := make([]restored, len(units))
		for i, u := range units {
			states[i] = have[u]
			states[i].state = Removed
		}
		if err := r.mark(ctx, states); err != nil {
			return err
		}
		if err := r.at("removed"); err != nil {
			return err
		}
		if err := r.deleteRestored(ctx, units); err != nil {
			return err
		}
	}
	return nil
}

// deleteRestored deletes what events_restored has of days.
func (r *Runner) deleteRestored(ctx context.Context, units []unit) error {
	for units := range slices.Chunk(units, batchDays) {
		where, args := chosen(units)
		var rows uint64
		if err := r.Conn.QueryRow(statement(ctx), "SELECT count() FROM "+schema.EventsRestored+" WHERE "+where, args...).Scan(&rows); err != nil {
			return fmt.Errorf("count what is restored of %s: %w", named(units), err)
		}
		if rows == 0 {
			continue // A mutation costs more than a look.
		}
		if err := r.exec(ctx, "DELETE FROM "+schema.EventsRestored+" WHERE "+where, args...); err != nil {
			return fmt.Errorf("delete what is restored of %s: %w", named(units), err)
		}
	}
	return nil
}
