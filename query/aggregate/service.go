package aggregate

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
)

// Service computes aggregates of the store's events.
type Service struct {
	reader *statement.Reader
	kept   retention.Policy
	now    func() time.Time

	archive *archived.Archive
}

// New returns a service that counts the events of the given days.
func New(reader *statement.Reader, kept retention.Policy, now func() time.Time) *Service {
	return &Service{reader: reader, kept: kept, now: now}
}

// WithArchive makes the service count what is older than the retention for the
// requests that ask for it.
func (s *Service) WithArchive(a *archived.Archive) *Service {
	s.archive = a
	return s
}

func (s *Service) scope(r *http.Request, archive bool, usage *statement.Usage) (filter.Scope, error) {
	return s.archive.Include(r.Context(), filter.ScopeOf(tenant.FromContext(r.Context()), s.kept, s.now()), archive, usage)
}

// ServeAggregate answers POST /api/v1/events/aggregate.
func (s *Service) ServeAggregate(w http.ResponseWriter, r *http.Request) error {
	began := time.Now()
	request, err := parseRequest(r, s.now())
	if err != nil {
		return err
	}
	var usage statement.Usage
	c, found, err := s.compute(r, request, &usage)
	if err != nil {
		return err
	}
	source := c.sourceName()
	var before *result
	if request.compare {
		p, err := c.previous()
		if err != nil {
			return err
		}
		if before, err = p.run(r.Context()); err != nil {
			return err
		}
		found.pair(before)
		if name := p.sourceName(); name != rollupName && source != archived.Value {
			source = name
		}
	}
	if err := c.unchanged(r.Context(), source); err != nil {
		return err
	}
	return statement.WriteJSON(w, appendAnswer(nil, request, found, before, source, usage, began))
}

// compute answers a request for its own range. Where that has no end, what the
// last event of the tenant is is looked up meanwhile: it rarely changes the statements.
func (s *Service) compute(r *http.Request, request *request, usage *statement.Usage) (*computation, *result, error) {
	now := s.now()
	scope, err := s.scope(r, request.archive, usage)
	if err != nil {
		return nil, nil, err
	}
	var c *computation
	var found *result
	last, lookup := now, statement.Usage{}
	both, ctx := errgroup.WithContext(r.Context())
	if request.filter.To.IsZero() {
		both.Go(func() (err error) {
			last, err = lastEvent(ctx, s.reader, &lookup, scope, now)
			return err
		})
	}
	both.Go(func() (err error) {
		if c, err = prepare(ctx, s.reader, usage, scope, request, now); err == nil {
			found, err = c.ranked(ctx)
		}
		return err
	})
	if err := both.Wait(); err != nil {
		return nil, nil, err
	}
	usage.RowsRead += lookup.RowsRead
	if !last.After(now) {
		return c, found, nil
	}
	later, differs, err := c.extend(last)
	if err != nil {
		return nil, nil, err
	}
	if found.grid = later.grid; differs {
		found, err = later.ranked(r.Context())
	}
	return later, found, err
}

// rollupName is what rollup.Source.Name says of one.
const rollupName = "rollup"

// sourceName is what the meta of an answer says.
func (c *computation) sourceName() string {
	return archived.Of(c.scope).Name(c.filter.Lower(c.scope), c.filter.To.Time, c.source.Name())
}

// unchanged fails where the archive was read and has changed meanwhile.
func (c *computation) unchanged(ctx context.Context, source string) error {
	if source != archived.Value {
		return nil
	}
	return archived.Of(c.scope).Unchanged(ctx, c.usage)
}

// ranked finds the top groups, where only those are asked for, and their numbers.
func (c *computation) ranked(ctx context.Context) (*result, error) {
	if c.top > 0 {
		if err := c.rank(ctx); err != nil {
			return nil, err
		}
	}
	return c.run(ctx)
}

// pair gives each series that of the period before. Groups that only that
// period had become series without events now.
func (r *result) pair(before *result) {
	byKey := map[string]*series{}
	key := func(s *series) string { return groupKey(s.keys) }
	for _, s := range r.series {
		byKey[key(s)] = s
	}
	for _, b := range before.series {
		s := byKey[key(b)]
		if s == nil {
			s = &series{keys: b.keys, other: b.other, points: make([][]*float64, r.grid.count())}
			r.series = append(r.series, s)
		}
		s.previous = b
	}
}
