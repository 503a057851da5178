package facet

import (
	"net/http"
	"time"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/statement"
)

// Service counts values.
type Service struct {
	reader *statement.Reader
	kept   retention.Policy
	now    func() time.Time

	archive *archived.Archive
}

// New returns a service over the events of the given days.
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
