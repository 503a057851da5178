package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"go.uber.org/zap"

	"daybook/pkg/clickhouse"
	"daybook/schema"
)

// Gap is a range of offsets that ingest never stored and never will: events
// that are lost, or were skipped by hand, and said to be.
type Gap struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	From      int64     `json:"from"`     // first offset lost
	To        int64     `json:"to"`       // first offset not lost
	Messages  int64     `json:"messages"` // at most so many
	Reason    string    `json:"reason"`
	Noticed   time.Time `json:"noticed"`
}

// Reasons of a Gap.
const (
	gapRetention = "retention"       // Kafka's retention took them before they were read
	gapRecreated = "topic_recreated" // the topic was deleted and made anew, or its end was cut off
	gapSkipped   = "offset_set"      // a tool has set the group's offset past what is stored
)

// Gaps are shown for a week after they were noticed, the newest 100.
const (
	maxGaps   = 100
	gapsShown = 7 * 24 * time.Hour
)

// reportGap makes a loss known: in the log, in the metrics, in the table of
// gaps and, through Gaps, in /readyz. Ingest goes on behind a gap only when it
// is in the table; after a crash in between it is noticed again.
func (w *worker) reportGap(ctx context.Context, g Gap, why string) error {
	g.Topic, g.Partition, g.Noticed = w.in.kafka.Topic, w.partition, time.Now().UTC()
	insert := chgo.Context(context.WithoutCancel(ctx), chgo.WithSettings(chgo.Settings{"async_insert": 0}))
	if err := w.in.conn.Exec(insert, "INSERT INTO "+schema.Gaps+" (topic, partition, from_offset, to_offset, messages, reason, noticed_at) VALUES (?, ?, ?, ?, ?, ?, fromUnixTimestamp64Milli(?))",
		g.Topic, g.Partition, g.From, g.To, g.Messages, g.Reason, g.Noticed.UnixMilli()); err != nil {
		return fmt.Errorf("note a gap in partition %d: %w", w.partition, err)
	}
	w.log.Error(why, zap.String("reason", g.Reason), zap.Int64("from", g.From), zap.Int64("to", g.To), zap.Int64("messages", g.Messages))
	w.in.metrics.gaps.WithLabelValues(g.Reason).Inc()
	w.in.metrics.gapMessages.WithLabelValues(g.Reason).Add(float64(g.Messages))
	w.in.mu.Lock()
	defer w.in.mu.Unlock()
	w.in.gaps = append(w.in.gaps, g)
	if len(w.in.gaps) > maxGaps {
		w.in.gaps = w.in.gaps[1:]
	}
	return nil
}

// Gaps returns the losses that this node noticed in the last seven days, and
// at its start those of every node, oldest first, at most 100.
func (in *Ingest) Gaps() []Gap {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.gaps = slices.DeleteFunc(in.gaps, func(g Gap) bool { return time.Since(g.Noticed) > gapsShown })
	return slices.Clone(in.gaps)
}

// loadGaps reads what was noticed before this start.
func (in *Ingest) loadGaps(ctx context.Context) error {
	return in.untilRead(ctx, "read the gaps", func() error {
		rows, err := in.conn.Query(ctx, `SELECT topic, partition, from_offset, to_offset, max(messages), reason, min(noticed_at) AS noticed
			FROM `+schema.Gaps+` WHERE topic = ? GROUP BY topic, partition, from_offset, to_offset, reason
			HAVING noticed > fromUnixTimestamp64Milli(?) ORDER BY noticed DESC LIMIT ?`,
			in.kafka.Topic, time.Now().Add(-gapsShown).UnixMilli(), maxGaps)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		var gaps []Gap
		for rows.Next() {
			var g Gap
			if err := rows.Scan(&g.Topic, &g.Partition, &g.From, &g.To, &g.Messages, &g.Reason, &g.Noticed); err != nil {
				return err
			}
			gaps = append(gaps, g)
		}
		slices.Reverse(gaps)
		in.mu.Lock()
		defer in.mu.Unlock()
		in.gaps = gaps
		return rows.Err()
	})
}

// lost reports what the log no longer holds of [from, first), less what is
// stored of it.
func (w *worker) lost(ctx context.Context, from, first int64) error {
	stored, err := w.countStored(ctx, from, first)
	if err != nil {
		return err
	}
	gone := first - from - stored // stored is at most the length of the gap.
	if gone <= 0 {
		return nil
	}
	return w.reportGap(ctx, Gap{From: from, To: first, Messages: gone, Reason: gapRetention},
		"Kafka's retention took messages before they were stored: they are lost")
}

// skipped reports what a tool has skipped that set the group's offset past what
// is stored. It may be less than it says: repetitions of producers are not stored.
func (w *worker) skipped(ctx context.Context, p plan, first int64) error {
	if !p.foreign {
		return nil
	}
	top, _, err := w.tableEnd(ctx, 0)
	if err != nil {
		return err
	}
	from := max(top, first)
	if p.offset <= from {
		return nil
	}
	stored, err := w.countStored(ctx, from, p.offset)
	if err != nil || p.offset-from <= stored {
		return err
	}
	return w.reportGap(ctx, Gap{From: from, To: p.offset, Messages: p.offset - from - stored, Reason: gapSkipped},
		"the group's offset was set past what is stored: the messages between are skipped; set it back to have them")
}

// countStored returns how many offsets of [from, to) are events or dead letters.
func (w *worker) countStored(ctx context.Context, from, to int64) (int64, error) {
	var stored uint64
	err := readTable(ctx, func(ctx context.Context) error {
		return w.in.conn.QueryRow(ctx, `SELECT uniqExact(o) FROM
			(
				SELECT kafka_offset AS o FROM `+schema.Events+` WHERE kafka_topic = ? AND kafka_partition = ? AND kafka_offset >= ? AND kafka_offset < ?
				UNION ALL
				SELECT offset AS o FROM `+schema.DeadLetters+` WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ?
			)`,
			w.in.kafka.Topic, w.partition, from, to, w.in.kafka.Topic, w.partition, from, to).Scan(&stored)
	})
	if err != nil {
		return 0, fmt.Errorf("count what is stored of a gap in partition %d: %w", w.partition, err)
	}
	return int64(stored), nil
}

// readPatience bounds a read of the table. A server, or a way to it, that says
// nothing would hold the partition until the connection's own time-out.
const readPatience = 30 * time.Second

// readTable runs a read that starts from nothing each time, bounded, and once
// more over a restart of the server.
func readTable(ctx context.Context, read func(ctx context.Context) error) error {
	return clickhouse.ReadRetry(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, readPatience)
		defer cancel()
		return read(ctx)
	})
}
