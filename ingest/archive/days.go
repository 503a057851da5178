package archive

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	layout "daybook/pkg/archive"
	"daybook/pkg/tenant"
	"daybook/schema"
)

// Known is what is known of a day of the archive.
type Known struct {
	Tenant   tenant.ID `json:"tenant"`
	Day      string    `json:"day"`
	Manifest uint32    `json:"manifest"`
	Files    []string  `json:"files"`
	layout.Totals
	WrittenAt  time.Time  `json:"writtenAt"`
	VerifiedAt *time.Time `json:"verifiedAt,omitempty"` // nil: it is not what it should be
	Fault      string     `json:"fault,omitempty"`
	RestoredTo *time.Time `json:"restoredUntil,omitempty"`

	unit     unit
	fileRows []uint64
}

// known reads archive_days.
func (r *Runner) known(ctx context.Context, g Range) (map[unit]Known, error) {
	where, args := g.where("day")
	out := map[unit]Known{}
	text := "SELECT tenant_id, day, manifest, rows, bytes, ids, content, first, last, files, file_rows, written_at, verified_at, fault FROM " +
		schema.ArchiveDays + " FINAL WHERE " + where
	err := r.eachRow(ctx, text, args, func() { clear(out) }, func(rows driver.Rows) error {
		var k Known
		var id string
		var ids, content uint64
		var verified time.Time
		if err := rows.Scan(&id, &k.unit.day, &k.Manifest, &k.Rows, &k.Bytes, &ids, &content, &k.First, &k.Last, &k.Files, &k.fileRows, &k.WrittenAt, &verified, &k.Fault); err != nil {
			return err
		}
		k.IDs, k.Content = layout.Sum(ids), layout.Sum(content)
		k.Tenant, k.Day, k.unit = tenant.ID(id), k.unit.day.Format(time.DateOnly), unit{tenant.ID(id), k.unit.day.UTC()}
		if verified.Unix() > 0 {
			k.VerifiedAt = &verified
		}
		out[k.unit] = k
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", schema.ArchiveDays, err)
	}
	return out, nil
}

// settled is what is to be remembered of a day.
type settled struct {
	unit     unit
	manifest *layout.Day // nil: there is none that can be read
	fault    string      // empty: it is verified
}

// remember writes archive_days. It comes after the manifest, always: what is not
// remembered is found again in the bucket.
func (r *Runner) remember(ctx context.Context, days []settled) error {
	if len(days) == 0 {
		return nil
	}
	versions, err := r.versions(ctx, days)
	if err != nil {
		return fmt.Errorf("remember what is archived: %w", err)
	}
	batch, err := r.Conn.PrepareBatch(context.WithoutCancel(ctx), "INSERT INTO "+schema.ArchiveDays+
		" (tenant_id, day, manifest, rows, bytes, ids, content, first, last, files, file_rows, written_at, verified_at, fault, version)")
	if err != nil {
		return fmt.Errorf("remember what is archived: %w", err)
	}
	defer func() { _ = batch.Close() }()
	now := r.Now().UTC()
	for _, s := range days {
		m := s.manifest
		if m == nil {
			m = &layout.Day{}
		}
		files, rows := []string{}, []uint64{}
		for _, f := range m.Files {
			files, rows = append(files, f.Name), append(rows, f.Rows)
		}
		verified := now
		if s.fault != "" {
			verified = time.Unix(0, 0)
		}
		first, last := m.First, m.Last
		if m.Rows == 0 {
			first, last = time.Unix(0, 0), time.Unix(0, 0)
		}
		written := m.WrittenAt
		if written.IsZero() {
			written = time.Unix(0, 0)
		}
		if err := batch.Append(string(s.unit.tenant), s.unit.day, uint32(m.Number), m.Rows, m.Bytes, uint64(m.IDs), uint64(m.Content), first, last,
			files, rows, written, verified, s.fault, max(versions[s.unit]+1, uint64(now.UnixMicro()))); err != nil {
			return fmt.Errorf("remember what is archived: %w", err)
		}
	}
	if err := batch.Send(); err != nil {
		return fmt.Errorf("remember what is archived: %w", err)
	}
	return nil
}

// versions returns the greatest version of what is remembered of days. What is written
// next has a greater one, whatever the nodes' clocks say.
func (r *Runner) versions(ctx context.Context, days []settled) (map[unit]uint64, error) {
	var tenants, dates []string
	for _, s := range days {
		tenants, dates = append(tenants, string(s.unit.tenant)), append(dates, s.unit.day.UTC().Format(time.DateOnly))
	}
	slices.Sort(tenants)
	slices.Sort(dates)
	tenants, dates = slices.Compact(tenants), slices.Compact(dates)
	out := map[unit]uint64{}
	text := "SELECT tenant_id, day, max(version) FROM " + schema.ArchiveDays + " WHERE tenant_id IN (?) AND day IN (?) GROUP BY tenant_id, day"
	err := r.eachRow(ctx, text, []any{tenants, dates}, func() { clear(out) }, func(rows driver.Rows) error {
		var id string
		var day time.Time
		var version uint64
		if err := rows.Scan(&id, &day, &version); err != nil {
			return err
		}
		out[unit{tenant.ID(id), day.UTC()}] = version
		return nil
	})
	return out, err
}
