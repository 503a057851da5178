package facet

import (
	"net/http"
	"time"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/statement"
)

// Service counts values.
type Service struct {
	reader *statement.Reader
	kept   retention.Policy
	now    func() time.Time
}

// New returns a service over the events of the given days.
func New(reader *statement.Reader, kept retention.Policy, now func() time.Time) *Service {
	return &Service{reader: reader, kept: kept, now: now}
}

func (s *Service) scope(r *http.Request) filter.Scope {
	return filter.Scope{Tenant: tenant.FromContext(r.Context()), Oldest: s.kept.Oldest(tenant.FromContext(r.Context()), s.now())}
}
