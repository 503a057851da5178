package ingest

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"daybook/schema"
)

// resume is where a partition's new owner begins.
type resume struct {
	offset     int64     // the first offset to read
	last       time.Time // timestamp of the message before it, where known
	forced     int64     // the first block ends exactly here; -1: it does not matter
	doubtBelow int64     // blocks that start below may be in the table, in whole or in part
}

// recover finds out what the partition's former owner left behind. Whatever
// it planned, and whatever the table holds beyond the committed offset, is
// verified rather than believed.
func (w *worker) recover(ctx context.Context) (resume, error) {
	p, committed, err := w.ledger.read(ctx, w.partition)
	if err != nil {
		return resume{}, err
	}
	first, end, err := w.reader.Offsets(ctx)
	if err != nil {
		return resume{}, fmt.Errorf("read the log's bounds of partition %d: %w", w.partition, err)
	}
	if !committed {
		return w.recoverFromTable(ctx, first, end)
	}
	anew, err := w.recreated(ctx, p, first, end)
	if err != nil {
		return resume{}, err
	}
	if anew {
		return w.beginAnew(ctx, first, end)
	}
	if err := w.skipped(ctx, p, first); err != nil {
		return resume{}, err
	}
	from := resume{offset: p.offset, last: p.last, forced: -1, doubtBelow: p.offset}
	if p.pending() {
		from.forced = min(p.end, end-1)
		from.doubtBelow = p.end + 1
	}
	if p.offset < first {
		if err := w.lost(ctx, p.offset, first); err != nil {
			return resume{}, err
		}
		from.offset, from.last = first, time.Time{}
		if from.forced < first {
			from.forced = -1
		}
	}
	// The group's offset may have been set back, by hand or by an older
	// program: what the table holds beyond it is not inserted again.
	top, _, err := w.tableEnd(ctx, from.offset)
	if err != nil {
		return resume{}, err
	}
	dead, err := w.deadEnd(ctx, from.offset)
	if err != nil {
		return resume{}, err
	}
	from.doubtBelow = max(from.doubtBelow, min(max(top, dead), end))
	if from.doubtBelow > from.offset {
		w.log.Info("verifying what may be stored already", zap.Int64("from", from.offset), zap.Int64("below", from.doubtBelow),
			zap.Bool("planned", p.pending()))
	}
	return from, nil
}

// recoverFromTable is for a group that has no offset: it is new, or the
// broker has let its offset expire. Blocks are stored in order, so nothing is
// missing below the last block; how far that one reaches back is bounded.
func (w *worker) recoverFromTable(ctx context.Context, first, end int64) (resume, error) {
	top, last, err := w.tableEnd(ctx, 0)
	if err != nil {
		return resume{}, err
	}
	dead, err := w.deadEnd(ctx, 0)
	if err != nil {
		return resume{}, err
	}
	from := resume{offset: first, forced: -1, doubtBelow: min(max(top, dead), end)}
	if top == 0 {
		return from, nil
	}
	anew, err := w.recreated(ctx, plan{offset: top, last: last}, first, end)
	if err != nil {
		return resume{}, err
	}
	if anew { // Brokers drop a group's offsets with the topic.
		return w.beginAnew(ctx, first, end)
	}
	if back := top - maxBlockRows; back > first {
		from.offset = back
	}
	if top < first {
		if err := w.lost(ctx, top, first); err != nil {
			return resume{}, err
		}
	}
	w.log.Warn("the group has no committed offset but the table has events of the partition: verifying from here",
		zap.Int64("from", from.offset), zap.Int64("table_end", top))
	return from, nil
}

// beginAnew begins at the start of a topic that has replaced another of its
// name. What the table holds of its offsets is the other's, as a rule; but a
// log whose end was cut off looks the same, so all of it is verified.
func (w *worker) beginAnew(ctx context.Context, first, end int64) (resume, error) {
	err := w.reportGap(ctx, Gap{From: first, To: first, Reason: gapRecreated},
		"the topic was made anew: starting at its beginning; what its predecessor held and was not stored is lost")
	return resume{offset: first, forced: -1, doubtBelow: end}, err
}

// recreated reports whether the topic is another one than that of the plan:
// it ends before the plan, or the message before the plan has another
// timestamp than the plan remembers.
func (w *worker) recreated(ctx context.Context, p plan, first, end int64) (bool, error) {
	if p.offset > end {
		return true, nil
	}
	if p.last.IsZero() || p.offset-1 < first {
		return false, nil
	}
	w.reader.SeekTo(p.offset - 1)
	for range 20 {
		fetched, err := w.reader.Fetch(ctx)
		if err != nil {
			return false, fmt.Errorf("read the last message of partition %d that was stored: %w", w.partition, err)
		}
		for _, m := range fetched.Messages {
			return m.Offset == p.offset-1 && m.Time.UnixMilli() != p.last.UnixMilli(), nil
		}
		if fetched.Next > p.offset {
			break
		}
	}
	return false, nil // Compaction took it; there is nothing to compare.
}

// tableEnd returns the offset after the greatest one that the table holds of
// the partition, from the given offset up, and that message's timestamp; 0
// where it holds none.
func (w *worker) tableEnd(ctx context.Context, from int64) (end int64, last time.Time, err error) {
	var rows uint64
	var greatest int64
	err = readTable(ctx, func(ctx context.Context) error {
		return w.in.conn.QueryRow(ctx, `SELECT count(), max(kafka_offset), argMax(ingested_at, kafka_offset) FROM `+schema.Events+`
			WHERE kafka_topic = ? AND kafka_partition = ? AND kafka_offset >= ?`,
			w.in.kafka.Topic, w.partition, from).Scan(&rows, &greatest, &last)
	})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("read where the table ends for partition %d: %w", w.partition, err)
	}
	if rows == 0 {
		return 0, time.Time{}, nil
	}
	return greatest + 1, last, nil
}

// deadEnd returns the offset after that of the partition's last dead letter, from
// the given offset up; 0 where there is none. Blocks of nothing but dead letters
// lie beyond the end of the table of events.
func (w *worker) deadEnd(ctx context.Context, from int64) (end int64, err error) {
	var rows uint64
	var greatest int64
	err = readTable(ctx, func(ctx context.Context) error {
		return w.in.conn.QueryRow(ctx, `SELECT count(), max(offset) FROM `+schema.DeadLetters+`
			WHERE topic = ? AND partition = ? AND offset >= ?`, w.in.kafka.Topic, w.partition, from).Scan(&rows, &greatest)
	})
	if err != nil {
		return 0, fmt.Errorf("read where the dead letters end for partition %d: %w", w.partition, err)
	}
	if rows == 0 {
		return 0, nil
	}
	return greatest + 1, nil
}
