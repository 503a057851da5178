package preset

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/tenant"
	"daybook/query/filter"
)

const (
	// knownAge is how long a preset may be out of date for a filter that uses it.
	knownAge   = 2 * time.Second
	maxTenants = 1000
)

// known keeps the presets of tenants whose filters use some, so that preset=ID
// costs nothing in most calls. What manages presets doesn't use it.
type known struct {
	mu       sync.Mutex // guards byTenant
	byTenant map[tenant.ID]datedState
}

type datedState struct {
	*state
	read time.Time
}

func (k *known) get(id tenant.ID) (datedState, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.byTenant[id]
	return s, ok
}

func (k *known) put(id tenant.ID, s datedState) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.byTenant) >= maxTenants {
		clear(k.byTenant) // They come back within a few milliseconds each.
	}
	k.byTenant[id] = s
}

func (k *known) forget(id tenant.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.byTenant, id)
}

// Asking returns the request with a context in which filters know who asks
// and find the caller's presets. The request's context must carry the caller, and
// the tenant.
func (s *Service) Asking(r *http.Request) *http.Request {
	ctx := r.Context()
	return r.WithContext(filter.NewContext(ctx, filter.Asker{KeyID: callerOf(ctx).KeyID, Preset: s.saved}))
}

func callerOf(ctx context.Context) Caller {
	principal, _ := auth.FromContext(ctx) // Always there: every route needs a scope.
	return Caller{Tenant: tenant.FromContext(ctx), Principal: principal}
}

// saved returns the filter of a preset. A new preset is found at once on every
// node, a change within two seconds. While ClickHouse is away the presets that
// are known go on working: the live stream doesn't need it.
func (s *Service) saved(ctx context.Context, id string) (json.RawMessage, error) {
	c := callerOf(ctx)
	now := s.now()
	old, ok := s.known.get(c.Tenant)
	if ok && now.Sub(old.read) < knownAge {
		if r, err := old.find(c, id); err == nil {
			return r.Filter, nil
		}
	}
	all, err := read(ctx, s.reader, c.Tenant)
	switch {
	case err == nil:
		s.known.put(c.Tenant, datedState{all, now})
	case ok && apierror.From(err).Kind == apierror.KindUnavailable:
		all = old.state
	default:
		return nil, err
	}
	r, err := all.find(c, id)
	if err != nil {
		return nil, apierror.Invalid("preset", "names no preset of the tenant, or another key's private one")
	}
	return r.Filter, nil
}
