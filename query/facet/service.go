package facet

import (
	"net/http"
	"time"

	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/statement"
)

// Service counts values.
type Service struct {
	reader    *statement.Reader
	retention time.Duration
	now       func() time.Time
}

// New returns a service over the events of the given days.
func New(reader *statement.Reader, retentionDays int, now func() time.Time) *Service {
	return &Service{reader: reader, retention: time.Duration(retentionDays) * 24 * time.Hour, now: now}
}

func (s *Service) scope(r *http.Request) filter.Scope {
	return filter.Scope{Tenant: tenant.FromContext(r.Context()), Oldest: s.now().Add(-s.retention)}
}
