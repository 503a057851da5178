package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"time"

	"daybook/pkg/tenant"
)

// Key is what is kept of an API key: everything but its secret.
type Key struct {
	ID        string
	Name      string
	Tenant    tenant.ID // tenant.All for a key of every tenant
	Scopes    []Scope
	CreatedAt time.Time
	ExpiresAt *time.Time // nil: never
	RevokedAt *time.Time // nil: not revoked

	sessionOf string // the id of the key that a session is of; empty: this is a key itself
	hash      [sha256.Size]byte
	version   uint64
}

// principal returns whom the key stands for.
func (k *Key) principal() Principal {
	return Principal{KeyID: k.ID, Name: k.Name, Tenant: k.Tenant, Scopes: slices.Clone(k.Scopes), ExpiresAt: k.ExpiresAt}
}

// state returns nil where the key may be used at the time.
func (k *Key) state(now time.Time) error {
	switch {
	case k.RevokedAt != nil:
		return ErrRevoked
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		return ErrExpired
	}
	return nil
}

// BootstrapID is the id of the key in auth.bootstrap_key.
const BootstrapID = "bootstrap"

const (
	keyPrefix   = "dbk_"
	idBytes     = 10
	secretBytes = 32 // 256 random bits: a plain hash of it can't be reversed by guessing.
)

var base32Lower = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// newSecret returns the id and the text of a new key, dbk_<id>_<secret>, in
// letters and digits that a double click selects as one word; or of a session,
// by its own prefix.
func newSecret(prefix string) (id, text string) {
	random := make([]byte, idBytes+secretBytes)
	_, _ = rand.Read(random) // Never fails: see crypto/rand.
	id = base32Lower.EncodeToString(random[:idBytes])
	return id, prefix + id + "_" + base32Lower.EncodeToString(random[idBytes:])
}

// idOf returns the id within the text of a key or a session, and false where
// the text is none with the prefix that Daybook made.
func idOf(prefix, text string) (string, bool) {
	rest, ok := strings.CutPrefix(text, prefix)
	if !ok {
		return "", false
	}
	id, secret, ok := strings.Cut(rest, "_")
	return id, ok && len(id) == base32Lower.EncodedLen(idBytes) && len(secret) == base32Lower.EncodedLen(secretBytes)
}
