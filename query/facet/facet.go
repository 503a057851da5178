package facet

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/rollup"
	"daybook/query/statement"
)

// facet is what a field's values are.
type facet struct {
	values   []value // the most frequent first
	other    uint64  // values that are not among them, as often as they occur
	missing  uint64  // events without a value
	distinct uint64  // how many different values there are
}

type value struct {
	text  string
	count uint64
}

// row is a value of a field as the statements give it.
type row struct {
	field    uint8 // of the statement's
	key      string
	hits     uint64
	all      uint64 // hits of all keys of the field
	distinct uint64 // how many keys the field has
}

// ServeFacets answers GET /api/v1/events/facets.
func (s *Service) ServeFacets(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	request, err := s.parse(r)
	if err != nil {
		return err
	}
	var usage statement.Usage
	scope, err := s.scope(r, request.archive, &usage)
	if err != nil {
		return err
	}
	facets, source, err := s.count(r.Context(), scope, request, &usage)
	if err != nil {
		return err
	}
	if plan := archived.Of(scope); plan.Reads(request.filter.Lower(scope), request.filter.To.Time) {
		source = archived.Value
		if err := plan.Unchanged(r.Context(), &usage); err != nil {
			return err
		}
	}
	out := appendFacets(nil, request, facets)
	out = statement.AppendMeta(append(out, `,"meta":`...), began, usage, source, false)
	return statement.WriteJSON(w, append(out, '}'))
}

// lanes is how many statements of a request run at once: one alone seldom keeps the
// processors busy to its end.
const lanes = 2

// count returns the facets of the request's fields in their order, and where
// they come from.
func (s *Service) count(ctx context.Context, scope filter.Scope, r *request, usage *statement.Usage) ([]facet, string, error) {
	facets := make([]facet, len(r.fields))
	source := "rollup"
	passes := plan(scope, r)
	for _, p := range passes {
		if !p.source.IsRollup() {
			source = p.source.Name()
		}
	}
	var used [lanes]statement.Usage
	all, ctx := errgroup.WithContext(ctx)
	for lane := range used {
		used[lane] = *usage // The statements of a lane share the request's time.
		all.Go(func() error {
			for i := lane; i < len(passes); i += lanes {
				if err := s.pass(ctx, scope, r, passes[i], facets, &used[lane]); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return nil, "", err
	}
	before := usage.RowsRead
	for _, u := range used {
		usage.RowsRead += u.RowsRead - before
	}
	return facets, source, nil
}

// pass counts the fields of one pass, which no other has.
func (s *Service) pass(ctx context.Context, scope filter.Scope, r *request, p pass, facets []facet, usage *statement.Usage) error {
	rows, err := statement.Collect(ctx, s.reader, usage, p.statement(scope, r), func(rows driver.Rows) (v row, err error) {
		return v, rows.Scan(&v.field, &v.key, &v.hits, &v.all, &v.distinct)
	})
	for _, v := range rows {
		p.add(&facets[p.fields[v.field]], v, r.limit)
	}
	return err
}

// longest is how long the JSON text of a string can be that a filter can name,
// with an escape for every byte. All longer ones are counted as one, so that nobody's large texts fill
// the memory of a query.
const longest = 6*filter.MaxValueBytes + 2

// pass is one statement: some of a request's fields from one source.
type pass struct {
	source rollup.Source
	fields []int // of the request's
	path   bool  // one field, in the payload
}

// plan returns how a request is answered: the fields that a rollup knows from
// the rollup, all other fields of the event together, and each of the payload by
// itself, as an array there makes several values of one event.
func plan(scope filter.Scope, r *request) []pass {
	known, read := pass{}, pass{}
	var passes []pass
	for i, f := range r.fields {
		if f.Path != nil {
			passes = append(passes, pass{fields: []int{i}, path: true})
			continue
		}
		if source := rollup.Choose(scope, r.filter, []string{f.Column}, nil); source.IsRollup() {
			known.source, known.fields = source, append(known.fields, i)
		} else {
			read.fields = append(read.fields, i)
		}
	}
	passes = append(passes, known, read)
	return slices.DeleteFunc(passes, func(p pass) bool { return p.fields == nil })
}

// statement returns the statement of a pass. Its rows are those of row; for each field
// the keys that are no values come first, then the most frequent values.
func (p pass) statement(scope filter.Scope, r *request) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT field, key, hits, toUInt64(sum(hits) OVER (PARTITION BY field)) AS of_all, toUInt64(count() OVER (PARTITION BY field)) AS keys FROM (SELECT ")
	if p.path {
		// What stands in the payloads is counted first, so that all but finding it is done once for equal ones.
		b.Write("toUInt8(0) AS field, arrayJoin(")
		filter.KeysSQL(&b)
		b.Write(") AS key, toUInt64(sum(n)) AS hits FROM (SELECT if(startsWith(json, '\"') AND length(json) > ", strconv.Itoa(longest), ", concat('\"', leftPad('', ",
			strconv.Itoa(filter.MaxValueBytes+1), ", 'x'), '\"'), json) AS raw, count() AS n FROM (SELECT ")
		r.fields[p.fields[0]].Path.RawSQL(&b)
		b.Write(" AS json FROM ")
		r.filter.Table(&b, scope)
		b.Write(" WHERE ")
		r.filter.Where(&b, scope)
		b.Write(") GROUP BY raw) GROUP BY key")
	} else {
		p.columns(&b, scope, r)
	}
	special := 1 // Of an event's own field, only the empty text is no value.
	if p.path {
		special = 2
	}
	b.Write(") ORDER BY field, key IN ('")
	if p.path {
		b.Write(filter.KeyMissing, "', '", filter.KeyLong)
	}
	b.Write("') DESC, hits DESC, key LIMIT ")
	b.Int(int64(r.limit + special))
	b.Write(" BY field")
	return &b
}

// columns writes the counts of the values of several fields, in one pass over
// the source.
func (p pass) columns(b *filter.Builder, scope filter.Scope, r *request) {
	columns := make([]string, len(p.fields))
	for i, at := range p.fields {
		columns[i] = r.fields[at].Column
	}
	b.Write("toUInt8(multiIf(")
	for i := range columns {
		b.Write("grouping(k", strconv.Itoa(i), ") = 0, ", strconv.Itoa(i), ", ")
	}
	b.Write("255)) AS field, multiIf(")
	for i := range columns {
		k := "k" + strconv.Itoa(i)
		b.Write("grouping(", k, ") = 0, ", k, ", ") // The others have their column's default there, as INFO.
	}
	b.Write("'') AS key, toUInt64(", p.source.Events(), ") AS hits")
	for i, c := range columns {
		b.Write(", toString(", c, ") AS k", strconv.Itoa(i))
	}
	p.source.From(b, scope, r.filter, columns)
	b.Write(" GROUP BY GROUPING SETS (")
	for i := range columns {
		if i > 0 {
			b.Write(", ")
		}
		b.Write("(k", strconv.Itoa(i), ")")
	}
	b.Write(") HAVING ", p.source.Events(), " > 0") // A rollup that was repaired has groups that come to nothing.
}

// add takes a row into the facet.
func (p pass) add(f *facet, v row, limit int) {
	if f.distinct == 0 && f.missing == 0 && f.other == 0 { // Of the first row.
		f.distinct, f.other = v.distinct, v.all
	}
	switch {
	case v.key == filter.KeyMissing:
		f.missing, f.distinct = v.hits, f.distinct-1
		f.other -= v.hits
	case p.path && v.key == filter.KeyLong: // They stay among the others.
	case len(f.values) < limit:
		text := v.key
		if p.path {
			text = text[len(filter.KeyPrefix):]
		}
		f.values = append(f.values, value{text, v.hits})
		f.other -= v.hits
	}
}

// appendFacets writes the facets, and leaves the object open.
func appendFacets(out []byte, r *request, facets []facet) []byte {
	out = append(out, `{"facets":[`...)
	for i, f := range facets {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendText(append(out, `{"field":`...), r.fields[i].Name), `,"values":[`...)
		for j, v := range f.values {
			if j > 0 {
				out = append(out, ',')
			}
			out = appendText(append(out, `{"value":`...), v.text)
			out = append(strconv.AppendUint(append(out, `,"count":`...), v.count, 10), '}')
		}
		out = strconv.AppendUint(append(out, `],"other":`...), f.other, 10)
		out = strconv.AppendUint(append(out, `,"missing":`...), f.missing, 10)
		out = append(strconv.AppendUint(append(out, `,"distinct":`...), f.distinct, 10), '}')
	}
	return append(out, ']')
}

func appendText(out []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // A string always has a JSON form.
	return append(out, quoted...)
}
