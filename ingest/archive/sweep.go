package archive

import (
	"context"
	"errors"
	"time"

	layout "daybook/pkg/archive"
)

// graceOfOrphans is how old files without a manifest are before they are deleted:
// somebody may be writing a younger one.
const graceOfOrphans = 24 * time.Hour

// sweep deletes what runs that were cut have left and no later one took over.
func (r *Runner) sweep(ctx context.Context) error {
	before := r.Now().Add(-graceOfOrphans)
	var errs []error
	for p := range r.places() {
		b, err := r.bucketOf(ctx, p)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if _, err := b.abortUploads(ctx, before); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// places returns every place once.
func (r *Runner) places() map[layout.Place]bool {
	out := map[layout.Place]bool{}
	if r.Places.All.Bucket != "" {
		out[r.Places.All] = true
	}
	for _, p := range r.Places.Own {
		out[p] = true
	}
	return out
}
