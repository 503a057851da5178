package field

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/query/filter"
	"daybook/query/rollup"
	"daybook/query/statement"
	"daybook/schema"
)

// The newest events that are looked at for values: first a few, which is
// enough for what is frequent, and then many.
var (
	columnSteps = []uint64{200_000, 1_000_000}
	pathSteps   = []uint64{30_000}
	needleSteps = []uint64{20_000, 100_000} // where the text index finds what was typed
)

// mostPayloads is how many payloads are read as JSON.
const mostPayloads = 50_000

// leastNeedle is the shortest text that the text index finds.
const leastNeedle = 4

// longestRaw bounds the JSON text of a value, or of an array, that is looked at.
const longestRaw = 64 << 10

type value struct {
	text     string
	count    uint64
	accepted bool // It is one that was asked for.
}

// values is the answer to a request: the most frequent that were found in a
// part of the range.
type values struct {
	list   []value
	more   bool
	source rollup.Source
	events uint64  // that were looked at, of those that the range has
	of     *uint64 // that the range has
	whole  bool
}

// ServeValues answers GET /api/v1/events/values.
func (s *Service) ServeValues(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	request, given, err := s.parse(r, defaultValues, "field")
	if err != nil {
		return err
	}
	name, fault := one(given, "field")
	if fault != nil {
		return fault
	}
	of, ok := filter.ParseValued(name)
	switch {
	case name == "":
		return apierror.Invalid("field", "is needed: a field of an event, or payload.PATH, as /api/v1/events/fields names them")
	case !ok:
		return apierror.Invalid("field", "%.200q is not a field of an event, nor payload.PATH", name)
	}
	var usage statement.Usage
	found, err := s.values(r.Context(), s.scope(r), of, request, &usage)
	if err != nil {
		return err
	}
	out := appendText([]byte(`{"field":`), name)
	out = append(out, `,"values":[`...)
	for i, v := range found.list {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendText(append(out, `{"value":`...), v.text)
		out = append(strconv.AppendUint(append(out, `,"count":`...), v.count, 10), '}')
	}
	out = strconv.AppendBool(append(out, `],"more":`...), found.more)
	out = appendSample(append(out, `,"sample":`...), found.events, found.of, found.whole)
	out = statement.AppendMeta(append(out, `,"meta":`...), began, usage, found.source.Name(), !found.whole)
	return statement.WriteJSON(w, append(out, '}'))
}

// values finds values in the rollups where those know all of them, and else in
// the newest events: in more of them while there are fewer values than asked for.
func (s *Service) values(ctx context.Context, scope filter.Scope, of filter.Valued, r *request, usage *statement.Usage) (*values, error) {
	if of.Column != "" {
		if source := rollup.Choose(scope, r.filter, []string{of.Column}, nil); source.IsRollup() {
			found, err := s.collectValues(ctx, r, usage, rollupStatement(scope, of, r, source))
			if err != nil {
				return nil, err
			}
			found.source, found.whole, found.of = source, true, &found.events
			return found, nil
		}
	}
	counted := r.filter
	if !rollup.Knows(counted) { // How the events of the range are spread, whether they match or not.
		counted = &filter.Filter{From: counted.From, To: counted.To}
	}
	d, err := s.density(ctx, scope, counted, false, usage)
	if err != nil {
		return nil, err
	}
	steps := columnSteps
	if of.Path != nil {
		if steps = pathSteps; needle(r.typed) != "" {
			steps = needleSteps
		}
	}
	whole := window{from: r.filter.Lower(scope), to: r.filter.To.Time}
	for i, size := range steps {
		w, events := d.newest(whole, size)
		found, err := s.collectValues(ctx, r, usage, eventsStatement(scope, of, r, w))
		if err != nil {
			return nil, err
		}
		found.events, found.of = events, &d.events
		found.whole = w == whole && (of.Path == nil || events <= mostPayloads)
		if found.more || found.whole || i == len(steps)-1 {
			return found, nil
		}
	}
	panic("field: no steps")
}

func (s *Service) collectValues(ctx context.Context, r *request, usage *statement.Usage, b *filter.Builder) (*values, error) {
	found := &values{}
	list, err := statement.Collect(ctx, s.reader, usage, b, func(rows driver.Rows) (v value, err error) {
		return v, rows.Scan(&v.text, &v.count, &v.accepted, &found.events)
	})
	if err != nil {
		return nil, err
	}
	found.list = slices.DeleteFunc(list, func(v value) bool { return !v.accepted })
	found.more = len(found.list) > r.limit
	found.list = found.list[:min(r.limit, len(found.list))]
	return found, nil
}

// rollupStatement selects values, and beside each whether it is accepted and how
// many events there are in all. What isn't accepted comes last.
func rollupStatement(scope filter.Scope, of filter.Valued, r *request, source rollup.Source) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT value, hits, value != ''")
	r.typed.where(&b)
	b.Write(" AS accepted, toUInt64(sum(hits) OVER ()) AS of_all FROM (SELECT toString(", of.Column, ") AS value, toUInt64(", source.Events(), ") AS hits")
	source.From(&b, scope, r.filter, []string{of.Column})
	b.Write(" GROUP BY value HAVING ", source.Events(), " > 0) ORDER BY accepted DESC, hits DESC, value LIMIT ")
	b.Int(int64(r.limit + 1))
	return &b
}

// eventsStatement selects the values that are accepted, from the events of a window.
func eventsStatement(scope filter.Scope, of filter.Valued, r *request, w window) *filter.Builder {
	var b filter.Builder
	within := &filter.Filter{Root: r.filter.Root, From: filter.Moment{Time: w.from}, To: filter.Moment{Time: w.to}}
	if of.Path == nil {
		b.Write("SELECT value, toUInt64(count()) AS hits, true, toUInt64(0) FROM (SELECT toString(", of.Column, ") AS value FROM ", schema.Events, " WHERE ")
		within.Where(&b, scope)
		b.Write(") WHERE value != ''")
	} else {
		if text := needle(r.typed); text != "" {
			within = within.And(filter.Has(text))
		}
		b.Write("SELECT substring(key, ", strconv.Itoa(len(filter.KeyPrefix)+1), ") AS value, toUInt64(sum(n)) AS hits, true, toUInt64(0) FROM (SELECT arrayJoin(")
		filter.KeysSQL(&b)
		b.Write(") AS key, n FROM (SELECT raw, count() AS n FROM (SELECT ")
		of.Path.RawSQL(&b)
		b.Write(" AS raw FROM ", schema.Events, " WHERE ")
		within.Where(&b, scope)
		b.Write(" LIMIT ", strconv.Itoa(mostPayloads), ") WHERE length(raw) BETWEEN 1 AND ", strconv.Itoa(longestRaw), " GROUP BY raw)) WHERE startsWith(key, '", filter.KeyPrefix, "')")
	}
	r.typed.where(&b)
	b.Write(" GROUP BY value ORDER BY hits DESC, value LIMIT ")
	b.Int(int64(r.limit + 1))
	return &b
}

// where writes the condition that a value has what was typed in it.
func (t typed) where(b *filter.Builder) {
	if t.prefix != "" {
		b.Write(" AND startsWith(", lower(t.prefix), "(value), ")
		b.Text(t.prefix)
		b.Write(")")
	}
	if t.within != "" {
		b.Write(" AND position(", lower(t.within), "(value), ")
		b.Text(t.within)
		b.Write(") > 0")
	}
}

// lower returns the function that brings a value into the case of what was
// typed: that of ASCII, which is much the faster, where that is enough.
func lower(typed string) string {
	for i := range len(typed) {
		if typed[i] >= 0x80 {
			return "lowerUTF8"
		}
	}
	return "lower"
}

// needle returns what every payload has in it of which a value has what was
// typed; empty where there is nothing that the text index finds. A number may stand there in
// another form than a filter takes.
func needle(t typed) string {
	text := t.prefix
	if len(t.within) > len(text) {
		text = t.within
	}
	if strings.Trim(text, "0123456789+-.e") == "" {
		return ""
	}
	if text = event.FoldText(text); len(text) < leastNeedle {
		return ""
	}
	return text
}
