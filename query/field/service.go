package field

import (
	"context"
	"net/http"
	"time"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/search"
	"daybook/query/statement"
)

// Searcher finds the newest events of a filter.
type Searcher interface {
	Search(ctx context.Context, r search.Request) (*search.Page, error)
}

// Service finds fields and their values.
type Service struct {
	reader *statement.Reader
	kept   retention.Policy
	now    func() time.Time
	events Searcher
}

// New returns a service over the events of the given days.
func New(reader *statement.Reader, kept retention.Policy, now func() time.Time, events Searcher) *Service {
	return &Service{reader: reader, kept: kept, now: now, events: events}
}

func (s *Service) scope(r *http.Request) filter.Scope {
	return filter.ScopeOf(tenant.FromContext(r.Context()), s.kept, s.now())
}
