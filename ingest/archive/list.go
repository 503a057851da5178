package archive

import (
	"context"
	"slices"
)

// List returns what is known of the archive in a range, in order. It reads
// archive_days alone: Verify reads the bucket.
func (r *Runner) List(ctx context.Context, g Range) ([]Known, error) {
	known, err := r.known(ctx, g)
	if err != nil {
		return nil, err
	}
	have, err := r.restores(ctx, g)
	if err != nil {
		return nil, err
	}
	out := make([]Known, 0, len(known))
	for u, k := range known {
		if h, ok := have[u]; ok && h.state == Done {
			k.RestoredTo = &h.expires
		}
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Known) int { return compareUnits(a.unit, b.unit) })
	return out, nil
}

// Waiting returns how many closed days of the range are not archived, or lack events.
func (r *Runner) Waiting(ctx context.Context, g Range) (int, error) {
	days, err := r.pending(ctx, g)
	return len(days), err
}
