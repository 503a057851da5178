package archived

import (
	"strings"
	"time"

	"daybook/pkg/archive"
	"daybook/query/filter"
	"daybook/schema"
)

// severityType is that of the table: filters compare severities by their order, which
// the texts of the files don't have.
const severityType = `Enum8(\'INFO\' = 1, \'WARN\' = 2, \'ERROR\' = 3, \'CRITICAL\' = 4)`

// mostFiles is how many names one s3() has.
const mostFiles = 500

// From writes what a statement on a tenant's events of a range reads from: the table
// where nothing else has any, and else all of what has some, each confined to the tenant and
// to its part of the range, so that keys and row groups narrow what is read. A zero
// to is no end.
func (p *Plan) From(b *filter.Builder, from, to time.Time) {
	var tables [storedDay + 1][]piece
	for _, of := range p.pieces(from, to) {
		tables[of.kind] = append(tables[of.kind], of)
	}
	if tables[restoredDay] == nil && tables[storedDay] == nil {
		b.Write(schema.Events)
		return
	}
	b.Write("(")
	next := ""
	for k, name := range []string{schema.Events, schema.EventsRestored} {
		if tables[k] != nil {
			b.Write(next, "SELECT ", strings.Join(schema.EventColumns, ", "), " FROM ", name)
			p.where(b, tables[k])
			next = " UNION ALL "
		}
	}
	for _, files := range p.files(tables[storedDay]) {
		b.Write(next, "SELECT ", storedColumns, " FROM ", files)
		stored := tables[storedDay]
		p.where(b, []piece{{from: stored[0].from, to: stored[len(stored)-1].to}}) // Between them the names alone say which days.
		next = " UNION ALL "
	}
	b.Write(")")
	if tables[storedDay] != nil {
		b.ReadsArchive(p.fault, p.archive.forget)
	}
}

// storedColumns are the columns of the files as the table has them.
var storedColumns = func() string {
	columns := make([]string, len(schema.EventColumns))
	for i, c := range schema.EventColumns {
		if columns[i] = c; c == "severity" {
			columns[i] = "CAST(severity, '" + severityType + "') AS severity"
		}
	}
	return strings.Join(columns, ", ")
}()

// where confines a branch to the tenant and to the pieces.
func (p *Plan) where(b *filter.Builder, pieces []piece) {
	b.Write(" WHERE tenant_id = ")
	b.Text(string(p.scope.Tenant))
	b.Write(" AND (")
	for i, of := range pieces {
		if i > 0 {
			b.Write(" OR ")
		}
		b.Write("created_at >= ")
		b.Time(of.from)
		if !of.to.IsZero() {
			b.Write(" AND created_at < ")
			b.Time(of.to)
		}
	}
	b.Write(")")
}

// files returns the s3() of the days' files, mostFiles in each.
func (p *Plan) files(pieces []piece) (sources []string) {
	if len(pieces) == 0 || p.fault != nil {
		return nil
	}
	place := p.archive.places.Of(p.scope.Tenant)
	within := archive.TenantFolder(p.scope.Tenant)
	var names []string
	end := func() {
		switch {
		case len(names) == 1:
			sources = append(sources, place.Source(within+names[0]))
		case len(names) > 1:
			sources = append(sources, place.Source(within+"{"+strings.Join(names, ",")+"}"))
		}
		names = names[:0]
	}
	for _, of := range pieces {
		for _, d := range of.days {
			folder := strings.TrimPrefix(archive.Folder(p.scope.Tenant, d.from), within)
			for _, f := range d.files {
				if names = append(names, folder+f); len(names) == mostFiles {
					end()
				}
			}
		}
	}
	end()
	return sources
}
