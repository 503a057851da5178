package purge

import (
	"context"
	"fmt"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/clickhouse"
)

// maskedShare is the part of a month's rows that are masked, 1 in so many, at
// which the month is written anew without them.
const maskedShare = 8

// codeNoPart is ClickHouse's answer where a part is there no more.
const codeNoPart = 232

// parts are those of a month that have rows to delete.
type parts struct {
	month   string   // 202511
	whole   []string // have no other rows
	partial bool     // there are others
}

// erase deletes the rows of a table for which a condition holds, and returns
// when they are gone. Parts that have no other rows are dropped: by name, so
// that what ingest adds meanwhile stays. The condition may depend on the month
// (202511) that it is asked for.
func (p *Purger) erase(ctx context.Context, t table, of func(month string) *condition) error {
	months, err := p.doomed(ctx, t, of(""))
	if err != nil {
		return err
	}
	for _, m := range months {
		for _, part := range m.whole {
			switch err := p.conn.Exec(ctx, "ALTER TABLE "+t.name+" DROP PART "+quoted(part)); {
			case clickhouse.Code(err) == codeNoPart:
				m.partial = true // Merged meanwhile, perhaps with what came.
			case err != nil:
				return fmt.Errorf("drop part %s of %s: %w", part, t.name, err)
			}
		}
		if m.partial {
			c := of(m.month)
			statement := "ALTER TABLE " + t.name + " DELETE IN PARTITION ID " + quoted(m.month) + " WHERE " + c.text.String()
			if t.light {
				statement = "DELETE FROM " + t.name + " IN PARTITION ID " + quoted(m.month) + " WHERE " + c.text.String()
			}
			if err := p.conn.Exec(waiting(ctx), statement, c.args...); err != nil {
				return fmt.Errorf("delete from month %s of %s: %w", m.month, t.name, err)
			}
		}
	}
	return nil
}

// waiting returns a context whose mutations are over when they return.
func waiting(ctx context.Context) context.Context {
	return chgo.Context(ctx, chgo.WithSettings(chgo.Settings{"mutations_sync": 2, "lightweight_deletes_sync": 2}))
}

func quoted(name string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "'"
}

// doomed returns the months that have rows for which the condition holds, in order.
func (p *Purger) doomed(ctx context.Context, t table, c *condition) ([]*parts, error) {
	type found struct {
		month, part string
		rows        uint64
	}
	var all []found
	var names []string
	rows, err := p.conn.Query(ctx, "SELECT _partition_id AS month_id, _part AS part_name, count() FROM "+t.name+" WHERE "+c.text.String()+
		" GROUP BY month_id, part_name ORDER BY month_id, part_name", c.args...)
	if err != nil {
		return nil, fmt.Errorf("look for the parts of %s that have expired: %w", t.name, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var f found
		if err := rows.Scan(&f.month, &f.part, &f.rows); err != nil {
			return nil, fmt.Errorf("look for the parts of %s that have expired: %w", t.name, err)
		}
		all, names = append(all, f), append(names, f.part)
	}
	if err := rows.Err(); err != nil || len(all) == 0 {
		return nil, err
	}
	visible, err := p.counts(ctx, t, "_part", names)
	if err != nil {
		return nil, err
	}
	var months []*parts
	for _, f := range all {
		if len(months) == 0 || months[len(months)-1].month != f.month {
			months = append(months, &parts{month: f.month})
		}
		m := months[len(months)-1]
		if visible[f.part] == f.rows {
			m.whole = append(m.whole, f.part)
		} else {
			m.partial = true
		}
	}
	return months, nil
}

// counts returns how many rows that are not masked a table has by part or month.
func (p *Purger) counts(ctx context.Context, t table, by string, names []string) (map[string]uint64, error) {
	rows, err := p.conn.Query(ctx, "SELECT "+by+" AS group_name, count() FROM "+t.name+" WHERE "+by+" IN {names:Array(String)} GROUP BY group_name", chgo.Named("names", names))
	if err != nil {
		return nil, fmt.Errorf("count the rows of %s: %w", t.name, err)
	}
	defer func() { _ = rows.Close() }()
	counts := map[string]uint64{}
	for rows.Next() {
		var name string
		var n uint64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, fmt.Errorf("count the rows of %s: %w", t.name, err)
		}
		counts[name] = n
	}
	return counts, rows.Err()
}

// applyMasks writes the months anew in which many rows are masked, so that they
// leave the disk.
func (p *Purger) applyMasks(ctx context.Context, t table) error {
	stored, months := map[string]uint64{}, []string{}
	rows, err := p.conn.Query(ctx, `SELECT partition_id, sum(rows) FROM system.parts WHERE active AND database = currentDatabase() AND table = ?
		GROUP BY partition_id HAVING max(has_lightweight_delete) = 1 ORDER BY partition_id`, t.name)
	if err != nil {
		return fmt.Errorf("look for masked rows of %s: %w", t.name, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var month string
		var n uint64
		if err := rows.Scan(&month, &n); err != nil {
			return fmt.Errorf("look for masked rows of %s: %w", t.name, err)
		}
		stored[month], months = n, append(months, month)
	}
	if err := rows.Err(); err != nil || len(months) == 0 {
		return err
	}
	visible, err := p.counts(ctx, t, "_partition_id", months)
	if err != nil {
		return err
	}
	for _, month := range months {
		if masked := stored[month] - min(stored[month], visible[month]); masked == 0 || masked*maskedShare < stored[month] {
			continue
		}
		if err := p.conn.Exec(waiting(ctx), "ALTER TABLE "+t.name+" APPLY DELETED MASK IN PARTITION ID "+quoted(month)); err != nil {
			return fmt.Errorf("write month %s of %s anew: %w", month, t.name, err)
		}
	}
	return nil
}
