package preset

import (
	"cmp"
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/tenant"
	"daybook/query/statement"
)

// Service keeps the presets of all tenants.
type Service struct {
	conn   driver.Conn
	reader *statement.Reader
	now    func() time.Time
	known  known
}

// New returns a service over the table presets.
func New(conn driver.Conn, reader *statement.Reader, now func() time.Time) *Service {
	return &Service{conn: conn, reader: reader, now: now, known: known{byTenant: map[tenant.ID]datedState{}}}
}

// Caller is who asks, and for which tenant.
type Caller struct {
	Tenant tenant.ID
	auth.Principal
}

// sees reports whether the preset is there for the caller: shared, its own, or
// anybody's for an admin.
func (c Caller) sees(r row) bool {
	return !r.deleted && (r.Shared || r.Owner == c.KeyID || c.May(auth.ScopeAdmin))
}

// find returns the preset with the id as the caller sees it.
func (s *state) find(c Caller, id string) (row, error) {
	r, ok := s.rows[id]
	if !ok || !c.sees(r) {
		return row{}, apierror.New(apierror.KindNotFound, "there is no preset with this id, or it is another key's private one")
	}
	return r, nil
}

// List returns the presets that the caller sees, by name.
func (s *Service) List(ctx context.Context, c Caller) ([]Preset, error) {
	all, err := read(ctx, s.reader, c.Tenant)
	if err != nil {
		return nil, err
	}
	var list []Preset
	for _, r := range all.rows {
		if c.sees(r) {
			list = append(list, r.Preset)
		}
	}
	slices.SortFunc(list, func(a, b Preset) int {
		return cmp.Or(strings.Compare(foldName(a.Name), foldName(b.Name)), strings.Compare(a.ID, b.ID))
	})
	return list, nil
}

// Get returns the preset with the id.
func (s *Service) Get(ctx context.Context, c Caller, id string) (Preset, error) {
	all, err := read(ctx, s.reader, c.Tenant)
	if err != nil {
		return Preset{}, err
	}
	r, err := all.find(c, id)
	return r.Preset, err
}

// Create saves a new preset of the caller's.
func (s *Service) Create(ctx context.Context, c Caller, to Change) (Preset, error) {
	if err := to.normalize(ctx, s.now()); err != nil {
		return Preset{}, err
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	p := Preset{
		ID: "preset_" + strings.ToLower(rand.Text()[:20]), Name: to.Name, Filter: to.Filter, Shared: to.Shared,
		Owner: c.KeyID, Version: 1, CreatedAt: now, UpdatedAt: now,
	}
	return s.change(ctx, c.Tenant, func(all *state) (row, error) {
		if err := all.room(); err != nil {
			return row{}, err
		}
		return row{Preset: p}, all.nameFree(p)
	})
}

// Update changes the preset with the id, where expect accepts the version
// that it has.
func (s *Service) Update(ctx context.Context, c Caller, id string, expect Expect, to Change) (Preset, error) {
	if err := to.normalize(ctx, s.now()); err != nil {
		return Preset{}, err
	}
	return s.change(ctx, c.Tenant, func(all *state) (row, error) {
		r, err := all.expected(c, id, expect)
		if err != nil {
			return row{}, err
		}
		if r.Shared && !to.Shared && r.Owner != c.KeyID && (r.Owner == "" || !c.May(auth.ScopeAdmin)) {
			return row{}, apierror.New(apierror.KindForbidden, "shared: only the key that has saved a preset, or an admin, can make it private; save a copy of your own instead")
		}
		r.Name, r.Filter, r.Shared = to.Name, to.Filter, to.Shared
		return s.next(r), all.nameFree(r.Preset)
	})
}

// Delete removes the preset with the id, where expect accepts the version
// that it has.
func (s *Service) Delete(ctx context.Context, c Caller, id string, expect Expect) error {
	_, err := s.change(ctx, c.Tenant, func(all *state) (row, error) {
		r, err := all.expected(c, id, expect)
		r.deleted = true
		return s.next(r), err
	})
	return err
}

func (s *Service) next(r row) row {
	r.Version++
	r.UpdatedAt = s.now().UTC().Truncate(time.Millisecond)
	return r
}

// expected returns the preset that the caller wants to change.
func (s *state) expected(c Caller, id string, expect Expect) (row, error) {
	r, err := s.find(c, id)
	if err == nil && !expect.accepts(r.Version) {
		err = apierror.New(apierror.KindPrecondition, "the preset has version %d now, which is not what If-Match names: read it again, then decide again", r.Version)
	}
	return r, err
}

func (s *state) room() error {
	live := 0
	for _, r := range s.rows {
		if !r.deleted {
			live++
		}
	}
	if live >= maxPerTenant {
		return apierror.New(apierror.KindConflict, "the tenant has %d presets, which is as many as it may have: delete some first", live)
	}
	return nil
}

func (s *state) nameFree(p Preset) error {
	name := foldName(p.Name)
	for _, r := range s.rows {
		if !r.deleted && r.ID != p.ID && foldName(r.Name) == name {
			const message = "is the name of another preset of the tenant, perhaps of another key's private one: choose another name"
			return &apierror.Error{Kind: apierror.KindConflict, Detail: "name: " + message, Fields: []apierror.Field{{Field: "name", Message: message}}}
		}
	}
	return nil
}

// maxTries is how often a change is tried that others get in before.
const maxTries = 50

// change makes the change that decide derives from what there is. It is
// derived anew for as long as somebody else's change comes first.
func (s *Service) change(ctx context.Context, id tenant.ID, decide func(*state) (row, error)) (Preset, error) {
	defer s.known.forget(id)
	writer := rand.Text()
	var unknown error // why nobody can say whether the last try was stored
	last, again := uint64(0), 0
	for range maxTries {
		all, err := read(ctx, s.reader, id)
		if err == nil {
			for _, r := range all.rows {
				if r.writer == writer {
					return r.Preset, nil
				}
			}
		}
		if unknown != nil {
			return Preset{}, &apierror.Error{
				Kind: apierror.KindUnavailable, Cause: unknown, RetryAfter: 2 * time.Second,
				Detail: "the event store did not say whether the preset was saved: read the presets before you try again",
			}
		}
		if err != nil {
			return Preset{}, err
		}
		next, err := decide(all)
		if err != nil {
			return Preset{}, err
		}
		next.seq, next.writer = all.seq+1, writer
		if again++; next.seq != last {
			last, again = next.seq, 0
		}
		unknown = add(ctx, s.conn, id, next, again)
	}
	return Preset{}, &apierror.Error{Kind: apierror.KindUnavailable, RetryAfter: time.Second, Detail: "the tenant's presets are being changed too fast; try again"}
}
