package ingest

import (
	"fmt"

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
	// Named like the block's inserts: a repair whose outcome is unknown is waited
	// for before the difference is taken again.
	ctx, done := w.insertContext(b, "rollup", "")
	defer done()
	for _, r := range schema.Rollups {
		changed, err := schema.RepairRollup(ctx, w.conn, r, b.partition, from, to)
		if err != nil {
			return fmt.Errorf("repair rollup %s after block %s: %w", r.Table, b, err)
		}
		w.metrics.rollupRepairs.WithLabelValues(r.Table).Add(float64(changed))
	}
	return nil
}
