package field

import (
	"context"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/event"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/rollup"
	"daybook/query/search"
	"daybook/query/statement"
	"daybook/schema"
)

// Bounds of a sample. More windows cost more than more events: each reads a
// granule of every column of every part.
const (
	sampleEvents  = 1200
	leastEvents   = 64     // however rare what matches is
	sampleRows    = 15_000 // that may be read to find those events
	sampleWindows = 4
	sampleBytes   = 8 << 20   // of payloads, and one payload more for each window
	payloadBytes  = 128 << 10 // A longer payload is not looked into.
	rareTypes     = 32        // that the windows have missed and that are looked for
	rareEvents    = 20        // of each of them
	searched      = 1000      // events of a search
)

// mostRead is where ClickHouse gives up reading: where windows hold many times
// what was expected.
const mostRead = 20 * sampleRows

// sampled is an event as the sample has it.
type sampled struct {
	fields  []string // those of filter.Fields, and the severity
	payload []byte
	weight  float64 // how many events it stands for
}

// sample is what an answer is based on.
type sample struct {
	events []sampled
	of     *uint64 // how many match; nil: nobody has counted
	whole  bool    // the sample is everything that matches
	source rollup.Source
}

// typeAt is where the type stands in the fields of a sampled event.
var typeAt = func() int {
	for i, f := range filter.Fields {
		if f.Name == "eventType" {
			return i
		}
	}
	panic("field: events have no type")
}()

// sample reads a sample of what matches. Where rollups know how the matching events are spread, it
// is spread as they are; else it is the newest that match, as only reading tells where those are.
func (s *Service) sample(ctx context.Context, scope filter.Scope, f *filter.Filter, usage *statement.Usage) (*sample, error) {
	if !rollup.Knows(f) {
		return s.newest(ctx, scope.Tenant, f, usage)
	}
	d, err := s.density(ctx, scope, f, true, usage)
	if err != nil {
		return nil, err
	}
	found := &sample{of: &d.events, source: d.source}
	whole := window{from: f.Lower(scope), to: f.To.Time}
	if d.events <= sampleEvents {
		found.events, err = s.read(ctx, usage, sampleStatement(scope, f, []window{whole}, nil, sampleEvents))
		found.whole = uint64(len(found.events)) >= d.events
		return found, err
	}
	size, err := s.size(ctx, scope, f, d.events, usage)
	if err != nil {
		return nil, err
	}
	windows := d.spread(whole, s.now(), sampleWindows, size)
	if found.events, err = s.read(ctx, usage, sampleStatement(scope, f, windows, nil, int(size))); err != nil {
		return nil, err
	}
	if windows, names := d.missed(found.events); names != nil {
		rare, err := s.read(ctx, usage, sampleStatement(scope, f, windows, names, rareEvents))
		if err != nil {
			return nil, err
		}
		found.events = append(found.events, rare...)
	}
	d.weigh(found.events)
	return found, nil
}

// size returns how many events a window should hold: fewer where what matches is
// rare, as the windows must be so much the wider.
func (s *Service) size(ctx context.Context, scope filter.Scope, f *filter.Filter, matching uint64, usage *statement.Usage) (uint64, error) {
	events := uint64(sampleEvents)
	if f.Root != nil {
		all, err := s.density(ctx, scope, &filter.Filter{From: f.From, To: f.To}, false, usage)
		if err != nil {
			return 0, err
		}
		events = min(events, max(leastEvents, sampleRows*matching/max(all.events, 1)))
	}
	return events / sampleWindows, nil
}

// missed returns the types that a sample has nothing of, the most frequent
// first, and where their newest events are.
func (d *density) missed(found []sampled) (windows []window, names []string) {
	seen := map[string]bool{}
	for _, e := range found {
		seen[e.fields[typeAt]] = true
	}
	known := map[time.Time]bool{}
	for _, t := range d.types {
		if seen[t.name] || len(names) == rareTypes {
			continue
		}
		names = append(names, t.name)
		if from := t.newest.Truncate(newestSpan); !known[from] {
			known[from] = true
			windows = append(windows, window{from: from, to: from.Add(newestSpan)})
		}
	}
	return windows, names
}

// weigh makes each event of a sample stand for its part of the events of its
// type: what a payload has in it is decided by the type, as a rule.
func (d *density) weigh(found []sampled) {
	of := map[string]float64{}
	for _, e := range found {
		of[e.fields[typeAt]]++
	}
	for _, t := range d.types {
		if n := of[t.name]; n > 0 {
			of[t.name] = float64(t.events) / n
		}
	}
	for i := range found {
		found[i].weight = of[found[i].fields[typeAt]]
	}
}

// sampleStatement selects events of the windows: at most per of each window, or of
// each of the types. Payloads come up to a number of bytes for each window; ClickHouse gives up reading
// where a window holds many times what was expected.
func sampleStatement(scope filter.Scope, f *filter.Filter, windows []window, types []string, per int) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ")
	for _, field := range filter.Fields {
		b.Write(field.Column, ", ")
	}
	b.Write("toString(severity), body FROM (SELECT *, sum(length(body)) OVER (PARTITION BY part ORDER BY created_at DESC, event_id DESC, source DESC) - length(body) AS before FROM (SELECT created_at, ")
	for _, field := range filter.Fields {
		b.Write(field.Column, ", ")
	}
	b.Write("severity, if(length(payload) > ", strconv.Itoa(payloadBytes), ", '', payload) AS body, ")
	if types != nil {
		b.Write("event_type AS part")
	} else {
		starts := make([]int64, len(windows))
		for i, w := range windows {
			starts[i] = w.from.UnixMicro()
		}
		b.Write("roundDown(toUnixTimestamp64Micro(created_at), ")
		b.Ints(starts)
		b.Write(") AS part")
	}
	b.Write(" FROM ", schema.Events, " WHERE ")
	f.Where(&b, scope)
	if types != nil {
		b.Write(" AND event_type IN ")
		b.Texts(types)
	}
	b.Write(" AND (")
	for i, w := range windows {
		if i > 0 {
			b.Write(" OR ")
		}
		b.Write("created_at >= ")
		b.Time(w.from)
		if !w.to.IsZero() {
			b.Write(" AND created_at < ")
			b.Time(w.to)
		}
	}
	b.Write(") LIMIT ")
	b.Int(int64(per))
	b.Write(" BY part)) WHERE before < ", strconv.Itoa(sampleBytes/len(windows)), " SETTINGS max_rows_to_read = ", strconv.Itoa(mostRead), ", read_overflow_mode = 'break'")
	return &b
}

func (s *Service) read(ctx context.Context, usage *statement.Usage, b *filter.Builder) ([]sampled, error) {
	return statement.Collect(ctx, s.reader, usage, b, func(rows driver.Rows) (sampled, error) {
		e := sampled{fields: make([]string, len(filter.Fields)+1), weight: 1}
		into := make([]any, 0, len(e.fields)+1)
		for i := range e.fields {
			into = append(into, &e.fields[i])
		}
		var payload string
		err := rows.Scan(append(into, &payload)...)
		e.payload = []byte(payload)
		return e, err
	})
}

// newest reads the newest events that match, page by page until there are
// enough of them or of their payloads' bytes.
func (s *Service) newest(ctx context.Context, id tenant.ID, f *filter.Filter, usage *statement.Usage) (*sample, error) {
	found := &sample{}
	request := search.Request{Tenant: id, Filter: f, Order: search.Newest, Limit: searched / 10}
	for bytes := 0; ; {
		page, err := s.events.Search(ctx, request)
		if err != nil {
			return nil, err
		}
		usage.RowsRead += page.Usage.RowsRead
		for i := range page.Events {
			bytes += len(page.Events[i].Payload)
			found.events = append(found.events, sampledOf(&page.Events[i]))
		}
		if page.NextCursor == "" {
			n := uint64(len(found.events))
			found.of, found.whole = &n, true
			return found, nil
		}
		missing := searched - len(found.events)
		if missing <= 0 || bytes >= sampleBytes {
			return found, nil
		}
		request.Cursor = page.NextCursor
		request.Limit = min(missing, 1+(sampleBytes-bytes)*len(found.events)/max(bytes, 1))
	}
}

func sampledOf(e *event.Event) sampled {
	out := sampled{fields: make([]string, 0, len(filter.Fields)+1), payload: e.Payload, weight: 1}
	for _, f := range filter.Fields {
		out.fields = append(out.fields, f.Get(e))
	}
	out.fields = append(out.fields, e.Severity.String())
	return out
}
