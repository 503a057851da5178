package export

import (
	"sync"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/tenant"
)

// slots bounds the exports that run at once: each holds a connection to
// ClickHouse for as long as its caller takes to read. One tenant can have half of them.
type slots struct {
	most int

	mu       sync.Mutex // guards what follows
	taken    int
	byTenant map[tenant.ID]int
}

// retryAfter is when a refused caller should ask again.
const retryAfter = 5 * time.Second

// take returns what gives the slot back, or a problem where there is none.
func (s *slots) take(id tenant.ID) (release func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	perTenant := (s.most + 1) / 2
	if s.taken >= s.most || s.byTenant[id] >= perTenant {
		e := apierror.New(apierror.KindTooMany,
			"%d exports run at once on a node, and %d of one tenant (query.max_exports): try again when one has ended", s.most, perTenant)
		e.RetryAfter = retryAfter
		return nil, e
	}
	s.taken++
	s.byTenant[id]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.taken--
		if s.byTenant[id]--; s.byTenant[id] == 0 {
			delete(s.byTenant, id)
		}
	}, nil
}
