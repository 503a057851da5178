package archive

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	layout "daybook/pkg/archive"
	"daybook/pkg/tenant"
)

// archived is a day as the bucket has it.
type archived struct {
	unit     unit
	bucket   *bucket
	seen     seen
	manifest *layout.Day // nil: there is none that can be read
	err      error       // why not
}

// archivedDays are days of the bucket, in order.
type archivedDays struct {
	all []archived // what has a manifest that can be read
	bad []archived
	err error // joins those of bad
}

func (d archivedDays) byPlace(places layout.Places) map[layout.Place][]archived {
	out := map[layout.Place][]archived{}
	for _, a := range d.all {
		p := places.Of(a.unit.tenant)
		out[p] = append(out[p], a)
	}
	return out
}

// manifests lists what the buckets have of a range and reads the manifests. The
// bucket is asked and not archive_days, which may be lost or behind. It fails where
// a bucket does; days that are not what they should be are in bad.
func (r *Runner) manifests(ctx context.Context, g Range) (archivedDays, error) {
	var days archivedDays
	for p := range r.placesOf(g.Tenant) {
		b, err := r.bucketOf(ctx, p)
		if err != nil {
			return days, err
		}
		prefix := "tenant="
		if g.Tenant != "" {
			prefix = layout.TenantFolder(g.Tenant)
		}
		objects, err := b.list(ctx, prefix)
		if err != nil {
			return days, err
		}
		found := folders(objects)
		var mu sync.Mutex // guards days
		group, within := errgroup.WithContext(ctx)
		group.SetLimit(readers)
		for u, objects := range found {
			if !g.has(u) || r.Places.Of(u.tenant) != p {
				continue
			}
			group.Go(func() error {
				s, err := b.look(within, u, objects)
				fault := faultError{}
				if err != nil && !errors.As(err, &fault) {
					return err
				}
				mu.Lock()
				defer mu.Unlock()
				a := archived{unit: u, bucket: b, seen: s, manifest: s.manifest, err: err}
				if a.manifest != nil {
					days.all = append(days.all, a)
				} else {
					days.bad = append(days.bad, a)
				}
				return nil
			})
		}
		if err := group.Wait(); err != nil {
			return days, err
		}
	}
	for _, list := range [][]archived{days.all, days.bad} {
		slices.SortFunc(list, func(a, b archived) int { return compareUnits(a.unit, b.unit) })
	}
	for _, a := range days.bad {
		days.err = errors.Join(days.err, a.err)
	}
	return days, nil
}

func (r *Runner) placesOf(id tenant.ID) map[layout.Place]bool {
	if id == "" {
		return r.places()
	}
	return map[layout.Place]bool{r.Places.Of(id): true}
}

func compareUnits(a, b unit) int {
	return cmp.Or(a.day.Compare(b.day), cmp.Compare(a.tenant, b.tenant))
}

// batched cuts days into what one statement reads.
func batched(days []archived) iter.Seq[[]archived] {
	return func(yield func([]archived) bool) {
		first, events := 0, uint64(0)
		for i, d := range days {
			if i > first && (i-first == batchDays || events+d.manifest.Rows > batchEvents) {
				if !yield(days[first:i]) {
					return
				}
				first, events = i, 0
			}
			events += d.manifest.Rows
		}
		if first < len(days) {
			yield(days[first:])
		}
	}
}
