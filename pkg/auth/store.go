package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/time/rate"

	"daybook/pkg/tenant"
)

// Why a key is not accepted.
var (
	ErrUnknown     = errors.New("the key is unknown")
	ErrRevoked     = errors.New("the key is revoked")
	ErrExpired     = errors.New("the key has expired")
	ErrUnavailable = errors.New("the keys can't be read at the moment")
	ErrNotFound    = errors.New("there is no such key")
	ErrBootstrap   = errors.New("the bootstrap key is revoked by removing auth.bootstrap_key from the settings")
)

const (
	// refreshEvery keeps a revocation's way to other nodes below 5 s: one
	// interval plus one read.
	refreshEvery = 2 * time.Second
	readTimeout  = 2 * time.Second
	// An unknown key causes a read, so that a key works on every node the moment
	// it is made. These bound how many such reads made-up keys can cause.
	missInterval = 500 * time.Millisecond
	missBurst    = 10
)

// Store keeps the keys and their sessions: in ClickHouse, with a copy in memory
// that is read again every two seconds. While ClickHouse is away those known go
// on working, until they expire.
type Store struct {
	table     table
	log       *zap.Logger
	now       func() time.Time
	bootstrap *Key // nil: there is none

	keys atomic.Pointer[map[string]*Key] // nil until they were read once; never changed in place

	misses *rate.Limiter

	mu       sync.Mutex // serializes reads of the table; guards what follows
	lastRead time.Time  // when the last read began, successful or not
	failing  bool
}

// NewStore returns a store that has read nothing yet: Run or Refresh does.
func NewStore(c Config, db DB, log *zap.Logger) *Store {
	s := &Store{table: table{db}, log: log, now: time.Now, misses: rate.NewLimiter(rate.Every(missInterval), missBurst)}
	if c.BootstrapKey != "" {
		s.bootstrap = &Key{
			ID: BootstrapID, Name: BootstrapID, Tenant: tenant.All, Scopes: []Scope{ScopeAdmin}, hash: sha256.Sum256([]byte(c.BootstrapKey)),
		}
	}
	return s
}

// Run keeps the copy in memory fresh until ctx is done.
func (s *Store) Run(ctx context.Context) error {
	ticker := time.NewTicker(refreshEvery)
	defer ticker.Stop()
	for {
		_ = s.Refresh(ctx) // Logged there; the keys known so far go on working.
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// Refresh reads the keys now.
func (s *Store) Refresh(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshLocked(ctx)
}

// refreshLocked reads the keys; the caller holds mu. As reads never overlap,
// one that began before a revocation can't replace what was read after it.
func (s *Store) refreshLocked(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	s.lastRead = s.now()
	keys, err := s.table.readAll(ctx, s.lastRead)
	if err != nil {
		if !s.failing && !errors.Is(err, context.Canceled) {
			s.failing = true
			s.log.Warn("the keys can't be read, those known go on working", zap.Error(err))
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if s.failing {
		s.failing = false
		s.log.Info("the keys can be read again")
	}
	s.keys.Store(&keys)
	return nil
}

// Ready returns an error until the keys were read once.
func (s *Store) Ready(context.Context) error {
	if s.keys.Load() == nil {
		return ErrUnavailable
	}
	return nil
}

// Verify returns whom the key's text stands for, or ErrUnknown, ErrRevoked,
// ErrExpired or ErrUnavailable. What it takes does not depend on how much of
// a secret is right.
func (s *Store) Verify(ctx context.Context, text string) (Principal, error) {
	hash := sha256.Sum256([]byte(text))
	if s.bootstrap != nil && subtle.ConstantTimeCompare(hash[:], s.bootstrap.hash[:]) == 1 {
		return s.bootstrap.principal(), nil
	}
	key, err := s.find(ctx, keyPrefix, text)
	if err != nil {
		return Principal{}, err
	}
	if subtle.ConstantTimeCompare(hash[:], key.hash[:]) != 1 {
		return Principal{}, ErrUnknown
	}
	if err := key.state(s.now()); err != nil {
		return Principal{}, err
	}
	return key.principal(), nil
}

// find returns the key or the session that the text, which begins with the
// prefix, names. Whether the text has its secret is not looked at: as the
// prefix is part of what is hashed, a key's text is never a session's.
func (s *Store) find(ctx context.Context, prefix, text string) (*Key, error) {
	id, ok := idOf(prefix, text)
	if !ok {
		return nil, ErrUnknown
	}
	key, known := s.key(id)
	if !known {
		if err := s.refreshOnMiss(ctx); err != nil {
			return nil, err
		}
		if key, known = s.key(id); !known {
			return nil, ErrUnknown
		}
	}
	return key, nil
}

// Valid reports whether the key or the session with the id may still be used:
// what a long-lived stream asks now and then.
func (s *Store) Valid(id string) bool {
	if id == BootstrapID {
		return s.bootstrap != nil
	}
	key, known := s.key(id)
	if !known || key.state(s.now()) != nil {
		return false
	}
	if key.sessionOf == "" {
		return true
	}
	_, err := s.keyOf(key.sessionOf)
	return err == nil
}

func (s *Store) key(id string) (*Key, bool) {
	keys := s.keys.Load()
	if keys == nil {
		return nil, false
	}
	key, ok := (*keys)[id]
	return key, ok
}

// refreshOnMiss reads the keys for the sake of an unknown id. It fails only
// where keys were never read: an unknown key is unknown then only perhaps.
func (s *Store) refreshOnMiss(ctx context.Context) error {
	missed := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	// A read that began while this call waited serves it as well.
	if !s.lastRead.After(missed) && s.misses.Allow() {
		// Detached: others wait for this read, the caller that began it may leave.
		_ = s.refreshLocked(context.WithoutCancel(ctx))
	}
	return s.Ready(ctx)
}

// Create makes a key. The text is returned this once and never stored.
func (s *Store) Create(ctx context.Context, n NewKey) (Key, string, error) {
	if fault := n.Validate(s.now()); fault != nil {
		return Key{}, "", fault
	}
	id, text := newSecret(keyPrefix)
	now := s.now().UTC().Truncate(time.Millisecond)
	key := Key{
		ID: id, Name: n.Name, Tenant: n.Tenant, Scopes: n.Scopes, CreatedAt: now, ExpiresAt: n.ExpiresAt,
		hash: sha256.Sum256([]byte(text)), version: uint64(now.UnixNano()),
	}
	if err := s.write(ctx, key); err != nil {
		return Key{}, "", fmt.Errorf("create key: %w", err)
	}
	return key, text, nil
}

// List returns the keys of a tenant, or of all with tenant.All, newest first.
// Revoked ones are among them, sessions are not.
func (s *Store) List(ctx context.Context, of tenant.ID) ([]Key, error) {
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	var list []Key
	for _, key := range *s.keys.Load() {
		if key.sessionOf == "" && (of == tenant.All || key.Tenant == of) {
			list = append(list, *key)
		}
	}
	slices.SortFunc(list, func(a, b Key) int {
		if c := b.CreatedAt.Compare(a.CreatedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, nil
}

// Revoke ends a key of the tenant, or of any with tenant.All, on this node at
// once and on every other within 5 s. Another tenant's key is ErrNotFound.
// Revoking twice is no error.
func (s *Store) Revoke(ctx context.Context, of tenant.ID, id string) error {
	if id == BootstrapID && of == tenant.All {
		return ErrBootstrap
	}
	if err := s.Refresh(ctx); err != nil {
		return err
	}
	known, ok := s.key(id)
	if !ok || known.sessionOf != "" || of != tenant.All && known.Tenant != of {
		return ErrNotFound
	}
	if known.RevokedAt != nil {
		return nil
	}
	if err := s.end(ctx, known); err != nil {
		return fmt.Errorf("revoke key %s: %w", id, err)
	}
	return nil
}

// end stores that a key or a session is revoked.
func (s *Store) end(ctx context.Context, known *Key) error {
	key := *known
	now := s.now().UTC().Truncate(time.Millisecond)
	key.RevokedAt = &now
	key.version = max(key.version+1, uint64(now.UnixNano()))
	return s.write(ctx, key)
}

// write stores a state of a key, and then in memory too, so that it holds on
// this node when the call returns.
func (s *Store) write(ctx context.Context, key Key) error {
	if err := s.table.write(ctx, key); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.keys.Load(); known != nil {
		keys := maps.Clone(*known)
		keys[key.ID] = &key
		s.keys.Store(&keys)
	}
	return nil
}
