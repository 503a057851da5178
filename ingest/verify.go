package ingest

import (
	"context"
	"fmt"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/event"
	"daybook/schema"
)

// position is where the table says a row came from.
type position struct {
	partition int32
	offset    int64
}

// identity is what an event is known by, wherever it stands: ids are the
// tenant's own, and those of CloudEvents unique only within their source.
type identity struct {
	tenant, source, event string
}

func identify(e *event.Event) identity { return identity{e.TenantID, e.Source, e.EventID} }

// missing returns which rows of the block the table does not hold. A row is
// there when its offset, id and time are: offsets alone repeat when a topic
// is made anew. A row whose copy at another offset has replaced it (the same
// event, sent twice) counts as there.
func (w *writer) missing(ctx context.Context, b *block) ([]int, error) {
	if len(b.rows) == 0 {
		return nil, nil
	}
	type key struct {
		offset  int64
		event   string
		created int64
	}
	from, to := b.span()
	stored := make(map[key]struct{}, len(b.rows))
	err := readTable(ctx, func(ctx context.Context) error {
		clear(stored)
		rows, err := w.conn.Query(ctx, `SELECT kafka_offset, event_id, created_at FROM `+schema.Events+`
			WHERE kafka_topic = ? AND kafka_partition = ? AND kafka_offset BETWEEN ? AND ?
			AND created_at BETWEEN fromUnixTimestamp64Micro(?) AND fromUnixTimestamp64Micro(?)`,
			b.topic, b.partition, b.start, b.end, from.UnixMicro(), to.UnixMicro())
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			var k key
			var created time.Time
			if err := rows.Scan(&k.offset, &k.event, &created); err != nil {
				return err
			}
			k.created = created.UnixMicro()
			stored[k] = struct{}{}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("verify block %s: %w", b, err)
	}
	var missing []int
	for i := range b.rows {
		if _, ok := stored[key{b.pos[i], b.rows[i].EventID, b.rows[i].CreatedAt.UnixMicro()}]; !ok {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return nil, nil
	}
	elsewhere, err := w.lookup(ctx, b, missing)
	if err != nil {
		return nil, err
	}
	still := missing[:0]
	for _, i := range missing {
		// At its own offset it has another time: of a topic that this one has replaced.
		at, ok := elsewhere[identify(&b.rows[i])]
		if !ok || at == (position{b.partition, b.pos[i]}) {
			still = append(still, i)
		}
	}
	return still, nil
}

// lookupSlack is how far apart the times of two copies of an event may be:
// where the producer sends no createdAt, each copy has its message's own.
const lookupSlack = 24 * time.Hour

// lookup returns where the table holds the events of the given rows, by
// tenant and event id.
func (w *writer) lookup(ctx context.Context, b *block, rows []int) (map[identity]position, error) {
	from, to := b.span()
	found := map[identity]position{}
	const step = 10_000 // keeps the statement under the server's max_query_size
	for len(rows) > 0 {
		part := rows[:min(step, len(rows))]
		rows = rows[len(part):]
		ids := make([]string, len(part))
		for i, row := range part {
			ids[i] = b.rows[row].EventID
		}
		err := readTable(ctx, func(ctx context.Context) error {
			answer, err := w.conn.Query(chgo.Context(ctx, chgo.WithSettings(chgo.Settings{"max_query_size": 16 << 20})),
				`SELECT tenant_id, source, event_id, kafka_partition, kafka_offset FROM `+schema.Events+`
				WHERE event_id IN (?) AND created_at BETWEEN fromUnixTimestamp64Micro(?) AND fromUnixTimestamp64Micro(?)`,
				ids, from.Add(-lookupSlack).UnixMicro(), to.Add(lookupSlack).UnixMicro())
			if err != nil {
				return err
			}
			defer func() { _ = answer.Close() }()
			for answer.Next() {
				var id identity
				var at position
				if err := answer.Scan(&id.tenant, &id.source, &id.event, &at.partition, &at.offset); err != nil {
					return err
				}
				found[id] = at
			}
			return answer.Err()
		})
		if err != nil {
			return nil, fmt.Errorf("look up %d event ids of block %s: %w", len(ids), b, err)
		}
	}
	return found, nil
}
