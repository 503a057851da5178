package search

import (
	"context"
	"errors"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/cursor"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

// Service searches the events of the store.
type Service struct {
	reader     *statement.Reader
	kept       retention.Policy
	now        func() time.Time
	profiles   *profiles
	stored     Stored
	countTime  time.Duration // of a capped count
	settleTime time.Duration // how long a log may be behind a cursor before that is refused
	archive    *archived.Archive
}

// New returns a service that shows events for the given days. stored is for
// order=ingest, which is refused where it is nil.
func New(reader *statement.Reader, kept retention.Policy, now func() time.Time, stored Stored) *Service {
	return &Service{
		reader: reader, kept: kept, now: now, stored: stored,
		profiles:  &profiles{reader: reader, now: now, byTenant: map[whose]datedProfile{}},
		countTime: countTime, settleTime: 3 * time.Second,
	}
}

// WithArchive makes the service read what is older than the retention for the
// requests that ask for it.
func (s *Service) WithArchive(a *archived.Archive) *Service {
	s.archive = a
	return s
}

// Request is one page of a search.
type Request struct {
	Tenant tenant.ID
	Filter *filter.Filter
	Order  Order
	Limit  int    // at least 1
	Cursor string // of the page before; empty: the first page
	// Behind is an event that the page begins behind, in the order; nil: the
	// beginning. It is for a first page by time.
	Behind   *event.Event
	Counting Counting
	Archive  bool // with what is older than the retention; not in the order of ingest
}

// Page is the answer to a Request.
type Page struct {
	Events     []event.Event
	NextCursor string // empty: there is nothing more
	// Partial says that time was up before the page was full. What it has is all there
	// is up to where its next cursor goes on.
	Partial bool
	Indexes []string // that narrowed what was read; the key first
	Count   *Count   // nil: none was asked for
	Source  string   // raw, or archive where it was read
	Usage   statement.Usage
}

// Scope returns what every read of a tenant is confined to.
func (s *Service) Scope(id tenant.ID) filter.Scope {
	return filter.ScopeOf(id, s.kept, s.now())
}

// Search returns one page.
func (s *Service) Search(ctx context.Context, r Request) (*Page, error) {
	if r.Order == Ingest {
		if r.Archive {
			return nil, apierror.Invalid(archived.Parameter, "archive can't be read in the order of ingest: ask for order=desc or order=asc")
		}
		return s.searchIngest(ctx, r)
	}
	return s.searchTime(ctx, r)
}

// searchTime reads windows until the page is full, plus one event that tells
// whether there is another page.
func (s *Service) searchTime(ctx context.Context, r Request) (*Page, error) {
	page := &Page{Indexes: indexes(r.Filter), Source: "raw"}
	scope, err := s.archive.Include(ctx, s.Scope(r.Tenant), r.Archive, &page.Usage)
	if err != nil {
		return nil, err
	}
	plan := archived.Of(scope)
	whole := window{from: r.Filter.Lower(scope), to: r.Filter.To.Time}
	log := ""
	if r.Archive {
		log = archived.Value
	}
	bound := binding(r, log)
	var after *at
	if r.Cursor != "" {
		content, err := openCursor(bound, r.Cursor)
		if err != nil {
			return nil, err
		}
		p, err := readAt(content)
		if err != nil {
			return nil, err
		}
		after = &p
	} else if r.Behind != nil {
		p := position(r.Behind)
		after = &p
	}
	if after != nil {
		if r.Order == Newest {
			whole.to = after.created.Add(time.Microsecond)
		} else if after.created.After(whole.from) {
			whole.from = after.created
		}
	}
	known, err := s.profiles.get(ctx, scope, &page.Usage)
	if err != nil {
		return nil, err
	}
	size := firstWindow(r.Filter.Selectivity(), r.Limit)
	left := newWindows(known, whole, r.Order == Newest, plan)
	var done window // The last that was read.
	for w, more := left.next(size); more; w, more = left.next(size) {
		before := len(page.Events)
		if err := s.readWindow(ctx, scope, r, w, after, page); err != nil {
			if done == (window{}) || !isLimit(err) {
				return nil, err
			}
			page.Events, page.Partial = page.Events[:before], true
			page.NextCursor = cursor.Seal(bound, contentOf(done.end(r.Order)))
			break
		}
		done = w
		page.Source = plan.Name(w.of(r.Filter).Lower(scope), w.to, page.Source)
		if len(page.Events) > r.Limit {
			page.Events = page.Events[:r.Limit]
			page.NextCursor = cursor.Seal(bound, contentOf(position(&page.Events[r.Limit-1])))
			break
		}
		if left.capped > 0 {
			size = left.capped
		}
		size = widen(size, len(page.Events)-before, r.Limit+1-len(page.Events))
	}
	first := r.Cursor == "" && r.Behind == nil
	if err := s.count(ctx, scope, r, page, first && page.NextCursor == "", nil); err != nil {
		return nil, err
	}
	for i := range page.Events {
		scope.Mark(&page.Events[i])
	}
	if page.Source == "raw" && (page.Count == nil || page.Count.Source != archived.Value) {
		return page, nil // None of its days was read.
	}
	return page, plan.Unchanged(ctx, &page.Usage)
}

// indexes names what narrows the reads of a search.
func indexes(f *filter.Filter) []string { return append([]string{"key"}, f.Indexes()...) }

func isLimit(err error) bool {
	problem, ok := errors.AsType[*apierror.Error](err)
	return ok && problem.Kind == apierror.KindLimit
}

// readWindow adds the window's events to the page until it has one more than
// its limit. Copies of an event, which the store has until it merges them, are
// adjacent; they count once.
func (s *Service) readWindow(ctx context.Context, scope filter.Scope, r Request, w window, after *at, page *Page) error {
	for {
		missing := r.Limit + 1 - len(page.Events)
		b := timeStatement(scope, r, w, after, missing)
		found, err := statement.Collect(ctx, s.reader, &page.Usage, b, Events())
		if err != nil {
			return err
		}
		for _, e := range found {
			p := position(&e)
			if after == nil || !p.equal(*after) {
				page.Events = append(page.Events, e)
			}
			after = &p
		}
		if len(found) < missing || len(page.Events) > r.Limit {
			return nil
		}
	}
}

// timeStatement selects the events of a window behind a position. The
// position is spelt out, because ClickHouse doesn't use the key for a comparison of
// tuples (#75086).
func timeStatement(scope filter.Scope, r Request, w window, after *at, limit int) *filter.Builder {
	var b filter.Builder
	within := w.of(r.Filter)
	b.Write("SELECT ", Columns, " FROM ")
	within.Table(&b, scope)
	b.Write(" WHERE ")
	within.Where(&b, scope)
	direction, before := " ASC", ">"
	if r.Order == Newest {
		direction, before = " DESC", "<"
	}
	if after != nil {
		b.Write(" AND created_at ", before, "= ")
		b.Time(after.created)
		b.Write(" AND (created_at ", before, " ")
		b.Time(after.created)
		b.Write(" OR event_id ", before, " ")
		b.Text(after.id)
		b.Write(" OR event_id = ")
		b.Text(after.id)
		b.Write(" AND source ", before, " ")
		b.Text(after.source)
		b.Write(")")
	}
	b.Write(" ORDER BY tenant_id", direction, ", created_at", direction, ", event_id", direction, ", source", direction, " LIMIT ")
	b.Int(int64(limit))
	return &b
}

// Event returns one event by its id, also of the archive where that is asked for.
func (s *Service) Event(ctx context.Context, id tenant.ID, eventID string, archive bool, usage *statement.Usage) (*event.Event, error) {
	var b filter.Builder
	b.Write("SELECT ", Columns, " FROM ", schema.Events, " WHERE ")
	(&filter.Filter{}).Where(&b, s.Scope(id))
	b.Write(" AND event_id = ")
	b.Text(eventID)
	b.Write(" ORDER BY tenant_id DESC, created_at DESC LIMIT 1")
	found, err := statement.Collect(ctx, s.reader, usage, &b, Events())
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && archive {
		page, err := s.Search(ctx, Request{Tenant: id, Filter: filter.Is("eventId", eventID), Order: Newest, Limit: 1, Archive: true})
		if err != nil {
			return nil, err
		}
		usage.RowsRead += page.Usage.RowsRead
		found = page.Events
	}
	if len(found) == 0 {
		return nil, apierror.New(apierror.KindNotFound, "there is no event with this id, or it is older than the retention")
	}
	return &found[0], nil
}
