package archive

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	layout "daybook/pkg/archive"
	"daybook/schema"
)

// identity is what makes an event itself, as one number.
const identity = "sipHash64(tenant_id, event_id, source, created_at)"

// columns are those of the files; where a table has another type, they convert.
var columns = func() string {
	names := slices.Clone(schema.EventColumns)
	names[slices.Index(names, "severity")] = "toString(severity)"
	return strings.Join(names, ", ")
}()

// measured is what is summed up of rows, for each Kafka partition.
var measured = "count(), sum(" + identity + "), sum(cityHash64(" + columns + ")), min(created_at), max(created_at), " +
	"toString(kafka_topic), kafka_partition, min(kafka_offset), max(kafka_offset)"

// chosen is the condition that units and nothing else fulfil.
func chosen(units []unit) (text string, args []any) {
	first, last := units[0].day, units[0].end()
	tenants := make([]string, 0, len(units))
	for _, u := range units {
		if u.day.Before(first) {
			first = u.day
		}
		if u.end().After(last) {
			last = u.end()
		}
		tenants = append(tenants, string(u.tenant))
	}
	slices.Sort(tenants)
	text = "tenant_id IN (?) AND created_at >= ? AND created_at < ?"
	args = []any{slices.Compact(tenants), first, last}
	if len(units) == 1 {
		return text, args
	}
	pairs := make([]string, len(units))
	for i, u := range units {
		pairs[i] = "(?, ?)"
		args = append(args, string(u.tenant), u.day.Format(time.DateOnly))
	}
	return text + " AND (tenant_id, toDate(created_at)) IN (" + strings.Join(pairs, ", ") + ")", args
}

// notIn leaves out what files have.
func notIn(place layout.Place, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return " AND " + identity + " NOT IN (SELECT " + identity + " FROM " + place.Source(names...) + ")"
}

// tableTotals sums up what a table has of units, less what the named files have. A
// unit that it has nothing of is missing.
func (r *Runner) tableTotals(ctx context.Context, table string, units []unit, less string) (map[unit]layout.Totals, error) {
	where, args := chosen(units)
	days := make(map[string]unit, len(units))
	for _, u := range units {
		days[string(u.tenant)+"\x00"+u.day.Format(time.DateOnly)] = u
	}
	text := "SELECT toString(tenant_id) || '\\0' || toString(toDate(created_at)) AS of, " + measured + " FROM " + table +
		" WHERE " + where + less + " GROUP BY of, kafka_topic, kafka_partition"
	sums, err := r.measure(ctx, text, args)
	if err != nil {
		return nil, fmt.Errorf("sum up %s in %s: %w", named(units), table, err)
	}
	out := make(map[unit]layout.Totals, len(sums))
	for of, t := range sums {
		out[days[of]] = t
	}
	return out, nil
}

// fileTotals reads files back through ClickHouse and sums them up, by name. Bytes
// are not among it.
func (r *Runner) fileTotals(ctx context.Context, place layout.Place, names []string) (map[string]layout.Totals, error) {
	text := "SELECT _path AS of, " + measured + " FROM " + place.Source(names...) + " GROUP BY of, kafka_topic, kafka_partition"
	sums, err := r.measure(ctx, text, nil)
	if err != nil {
		return nil, fmt.Errorf("the archive at %s: read back %s: %w%s", place.URL(), names[0], err, place.Advice(err))
	}
	within := place.Bucket + "/" + place.Prefix
	out := make(map[string]layout.Totals, len(sums))
	for path, t := range sums {
		out[strings.TrimPrefix(path, within)] = t
	}
	return out, nil
}

func (r *Runner) measure(ctx context.Context, text string, args []any) (map[string]layout.Totals, error) {
	var out map[string]layout.Totals
	err := r.eachRow(ctx, text, args, func() { out = map[string]layout.Totals{} }, func(rows driver.Rows) error {
		of, one, err := scanTotals(rows)
		if err == nil {
			out[of] = plus(out[of], one)
		}
		return err
	})
	return out, err
}

func scanTotals(rows driver.Rows) (of string, t layout.Totals, err error) {
	var o layout.Offsets
	var ids, content uint64
	err = rows.Scan(&of, &t.Rows, &ids, &content, &t.First, &t.Last, &o.Topic, &o.Partition, &o.First, &o.Last)
	t.IDs, t.Content, t.Offsets = layout.Sum(ids), layout.Sum(content), []layout.Offsets{o}
	return of, t, err
}

// plus adds up.
func plus(a, b layout.Totals) layout.Totals {
	switch {
	case a.Rows == 0:
		b.Bytes += a.Bytes
		return b
	case b.Rows == 0:
		a.Bytes += b.Bytes
		return a
	}
	a.Rows, a.Bytes, a.IDs, a.Content = a.Rows+b.Rows, a.Bytes+b.Bytes, a.IDs+b.IDs, a.Content+b.Content
	if b.First.Before(a.First) {
		a.First = b.First
	}
	if b.Last.After(a.Last) {
		a.Last = b.Last
	}
	a.Offsets = slices.Clone(a.Offsets)
	for _, o := range b.Offsets {
		i := slices.IndexFunc(a.Offsets, func(p layout.Offsets) bool { return p.Topic == o.Topic && p.Partition == o.Partition })
		if i < 0 {
			a.Offsets = append(a.Offsets, o)
			continue
		}
		a.Offsets[i].First, a.Offsets[i].Last = min(a.Offsets[i].First, o.First), max(a.Offsets[i].Last, o.Last)
	}
	slices.SortFunc(a.Offsets, func(p, q layout.Offsets) int {
		if p.Topic != q.Topic {
			return strings.Compare(p.Topic, q.Topic)
		}
		return int(p.Partition) - int(q.Partition)
	})
	return a
}

// same reports whether two totals are of the same events.
func same(a, b layout.Totals) bool {
	return a.Rows == b.Rows && a.IDs == b.IDs && a.Content == b.Content
}

func sum(files []layout.File) (t layout.Totals) {
	for _, f := range files {
		t = plus(t, f.Totals)
	}
	return t
}

func named(units []unit) string {
	if len(units) == 1 {
		return units[0].String()
	}
	return fmt.Sprintf("%d days from %s", len(units), units[0])
}
