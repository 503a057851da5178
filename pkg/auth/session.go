package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"daybook/pkg/apierror"
	"daybook/pkg/tenant"
)

// SessionLength is how long a browser stays signed in at most. A session never
// outlives its key.
const SessionLength = 12 * time.Hour

const (
	sessionPrefix = "dbs_" // not that of keys: a session's text is nothing for an Authorization header
	// maxSessions bounds how often one key signs in within SessionLength: every
	// node reads every session every two seconds.
	maxSessions = 1000
)

// SignIn makes a session of the key with the text, for the tenant, which only
// a key of every tenant may choose; empty: that of the key. It returns whom
// the session stands for and its text, which is never stored.
func (s *Store) SignIn(ctx context.Context, keyText string, of tenant.ID) (Principal, string, error) {
	if strings.HasPrefix(keyText, sessionPrefix) {
		return Principal{}, "", apierror.New(apierror.KindUnauthenticated, "that is the secret of a session: sign in with a key")
	}
	p, err := s.Verify(ctx, keyText)
	if err != nil {
		return Principal{}, "", err
	}
	if of != "" {
		if p.Tenant, err = narrow(p.Tenant, of); err != nil {
			return Principal{}, "", err
		}
	}
	parent, err := s.keyOf(p.KeyID)
	if err != nil {
		return Principal{}, "", err
	}
	now := s.now().UTC().Truncate(time.Millisecond)
	if err := s.roomFor(p.KeyID, now); err != nil {
		return Principal{}, "", err
	}
	expires := now.Add(SessionLength)
	if p.ExpiresAt != nil && p.ExpiresAt.Before(expires) {
		expires = *p.ExpiresAt
	}
	id, text := newSecret(sessionPrefix)
	session := Key{
		ID: id, sessionOf: p.KeyID, Name: p.Name, Tenant: p.Tenant, Scopes: p.Scopes, CreatedAt: now, ExpiresAt: &expires,
		hash: sessionHash(text, parent), version: uint64(now.UnixNano()),
	}
	if err := s.write(ctx, session); err != nil {
		return Principal{}, "", fmt.Errorf("sign in: %w", err)
	}
	p.Session, p.ExpiresAt = id, &expires
	return p, text, nil
}

// narrow returns the tenant that a session is bound to.
func narrow(of, named tenant.ID) (tenant.ID, error) {
	if of != tenant.All && named != of {
		const message = "the key does not allow this tenant"
		return "", &apierror.Error{
			Kind: apierror.KindForbidden, Detail: "tenantId: " + message, Fields: []apierror.Field{{Field: "tenantId", Message: message}},
		}
	}
	if err := named.Validate(); err != nil {
		return "", apierror.Invalid("tenantId", "%s", err)
	}
	return named, nil
}

// roomFor returns nil where the key may sign in once more.
func (s *Store) roomFor(keyID string, now time.Time) error {
	keys := s.keys.Load()
	if keys == nil {
		return nil // Nothing was read yet, so the session can't be written either, or is the first.
	}
	count, next := 0, now.Add(SessionLength)
	for _, k := range *keys {
		if k.sessionOf == keyID && k.ExpiresAt.After(now) {
			count++
			if k.ExpiresAt.Before(next) {
				next = *k.ExpiresAt
			}
		}
	}
	if count < maxSessions {
		return nil
	}
	return &apierror.Error{
		Kind: apierror.KindTooMany, RetryAfter: next.Sub(now),
		Detail: fmt.Sprintf("the key has signed in %d times within %s, which is the most there may be; use another key", count, SessionLength),
	}
}

// VerifySession returns whom the session's text stands for, or ErrUnknown,
// ErrRevoked, ErrExpired or ErrUnavailable. A session is worth nothing once
// its key is revoked, has expired or is gone.
func (s *Store) VerifySession(ctx context.Context, text string) (Principal, error) {
	session, err := s.find(ctx, sessionPrefix, text)
	if err != nil {
		return Principal{}, err
	}
	parent, parentState := s.keyOf(session.sessionOf)
	if parent == nil {
		return Principal{}, ErrUnknown
	}
	hash := sessionHash(text, parent)
	if subtle.ConstantTimeCompare(hash[:], session.hash[:]) != 1 {
		return Principal{}, ErrUnknown
	}
	for _, err := range []error{parentState, session.state(s.now())} {
		if err != nil {
			return Principal{}, err
		}
	}
	p := parent.principal()
	p.Tenant, p.Session, p.ExpiresAt = session.Tenant, session.ID, session.ExpiresAt
	return p, nil
}

// SignOut ends the session with the text: on this node at once, on every other
// within 5 s. That there is none, or none any more, is no error.
func (s *Store) SignOut(ctx context.Context, text string) error {
	p, err := s.VerifySession(ctx, text)
	switch {
	case errors.Is(err, ErrUnavailable):
		return err
	case err != nil:
		return nil
	}
	session, known := s.key(p.Session)
	if !known {
		return nil
	}
	if err := s.end(ctx, session); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// keyOf returns a key, not a session, and why it may not be used at the moment.
func (s *Store) keyOf(id string) (*Key, error) {
	if id == BootstrapID && s.bootstrap != nil {
		return s.bootstrap, nil
	}
	key, known := s.key(id)
	if !known || key.sessionOf != "" {
		return nil, ErrUnknown
	}
	return key, key.state(s.now())
}

// sessionHash returns the hash of a session's text. The key's is part of it, so
// that a session ends with the key's secret, also where that is changed in the
// settings (auth.bootstrap_key).
func sessionHash(text string, of *Key) [sha256.Size]byte {
	return sha256.Sum256(append([]byte(text), of.hash[:]...))
}
