package ingest

import (
	"fmt"
	"time"

	"daybook/schema"
)

// repairRollups makes the rollups of the block's partition agree with the
// events, over the block's time. A materialized view writes its part after
// the events' own; a server that dies in between leaves the rollup short, and
// a block that is verified later is not inserted again. The rollups' key has
// the Kafka partition, which only its owner writes, so that nothing else
// changes the counts while they are compared.
func (w *writer) repairRollups(b *block) error {
	if len(b.rows) == 0 {
		return nil
	}
	from, to := b.span()
	for _, r := range schema.Rollups {
		if err := w.repairRollup(b, r, from, to); err != nil {
			return fmt.Errorf("repair rollup %s after block %s: %w", r.Table, b, err)
		}
	}
	return nil
}

// repairRollup names its statement like the block's inserts: a repair whose outcome is
// unknown is waited for before the difference is taken again. No two have one name: the
// server gives a name back a moment after its answer.
func (w *writer) repairRollup(b *block, r schema.Rollup, from, to time.Time) error {
	ctx, done := w.insertContext(b, r.Table, "")
	defer done()
	corrected, err := schema.RepairRollup(ctx, w.conn, r, b.partition, from, to)
	w.metrics.rollupRepairs.WithLabelValues(r.Table).Add(float64(corrected))
	return err
}
