package archive

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	layout "daybook/pkg/archive"
)

const (
	// graceOfOrphans is how old files without a manifest are before they are deleted:
	// somebody may be writing a younger one.
	graceOfOrphans = 24 * time.Hour
	betweenSweeps  = 24 * time.Hour
)

// sweep compares names with what is known, once a day: it deletes what runs that
// were cut have left and no later one took over, and verifies the days that names are
// missing of.
func (r *Runner) sweep(ctx context.Context) error {
	now := r.Now()
	r.mu.Lock()
	last := r.swept
	r.mu.Unlock()
	if now.Sub(last) < betweenSweeps {
		return nil
	}
	known, err := r.known(ctx, Range{})
	if err != nil {
		return err
	}
	var errs []error
	for p := range r.places() {
		errs = append(errs, r.sweepPlace(ctx, p, known, now.Add(-graceOfOrphans)))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.swept = now
	return nil
}

func (r *Runner) sweepPlace(ctx context.Context, p layout.Place, known map[unit]Known, before time.Time) error {
	b, err := r.bucketOf(ctx, p)
	if err != nil {
		return err
	}
	if _, err := b.abortUploads(ctx, before); err != nil {
		return err
	}
	objects, err := b.list(ctx, "tenant=")
	if err != nil {
		return err
	}
	found := folders(objects)
	for u, objects := range found {
		k := known[u]
		unknown := func(o object) bool {
			name := strings.TrimPrefix(o.name, u.folder())
			return layout.IsData(name) && o.modified.Before(before) && !slices.Contains(k.Files, name)
		}
		if !slices.ContainsFunc(objects, unknown) {
			continue
		}
		s, err := b.look(ctx, u, objects)
		if err != nil {
			continue // Verify says so.
		}
		for _, name := range s.orphans() {
			if s.objects[name].modified.Before(before) && (s.manifest != nil || k.Rows == 0) {
				if err := b.remove(ctx, u.folder()+name); err != nil {
					r.metrics.failures.WithLabelValues("delete").Inc() // It may not: what stays costs, and harms nobody.
				}
			}
		}
	}
	var errs []error
	for u, k := range known {
		if r.Places.Of(u.tenant) == p && k.VerifiedAt != nil && !complete(k, found[u]) {
			_, err := r.Verify(ctx, Range{Tenant: u.tenant, From: u.day, To: u.end()}, nil)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// complete reports whether a folder has every name that is known.
func complete(k Known, objects []object) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(objects, func(o object) bool { return o.name == k.unit.folder()+name })
	}
	if !has(layout.Manifest(int(k.Manifest))) {
		return false
	}
	return !slices.ContainsFunc(k.Files, func(name string) bool { return !has(name) })
}

// places returns every place once.
func (r *Runner) places() map[layout.Place]bool {
	out := map[layout.Place]bool{}
	for p := range r.Places.Each() {
		out[p] = true
	}
	return out
}
