package auth

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/tenant"
)

// DB is what the store needs of ClickHouse.
type DB interface {
	Query(ctx context.Context, query string, args ...any) (driver.Rows, error)
	Exec(ctx context.Context, query string, args ...any) error
}

// table is api_keys: one row for each state of a key or a session, the highest
// version of which counts.
type table struct{ db DB }

const (
	// Sessions that have expired are of no use to anybody; keys are listed.
	readKeys = `SELECT id, session_of, tenant_id, name, scopes, hash, created_at, expires_at, revoked_at, version FROM api_keys FINAL
WHERE session_of = '' OR expires_at > fromUnixTimestamp64Milli(toInt64(?))`

	// A SELECT rather than VALUES: it moves no block from the client, which
	// the embedded ClickHouse would not survive being cut off in.
	writeKey = `INSERT INTO api_keys (id, session_of, tenant_id, name, scopes, hash, created_at, expires_at, revoked_at, version)
SELECT ?, ?, ?, ?, ?, toFixedString(unhex(?), 32), fromUnixTimestamp64Milli(toInt64(?)),
       if(? = 0, NULL, fromUnixTimestamp64Milli(toInt64(?))), if(? = 0, NULL, fromUnixTimestamp64Milli(toInt64(?))), toUInt64(?)`
)

func (t table) readAll(ctx context.Context, now time.Time) (map[string]*Key, error) {
	rows, err := t.db.Query(ctx, readKeys, now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	defer func() { _ = rows.Close() }()
	keys := map[string]*Key{}
	for rows.Next() {
		var (
			key    Key
			owner  string
			scopes []string
			hash   string
		)
		if err := rows.Scan(&key.ID, &key.sessionOf, &owner, &key.Name, &scopes, &hash, &key.CreatedAt, &key.ExpiresAt, &key.RevokedAt, &key.version); err != nil {
			return nil, fmt.Errorf("read a key: %w", err)
		}
		if len(hash) != len(key.hash) {
			return nil, fmt.Errorf("the hash of key %s has %d bytes", key.ID, len(hash))
		}
		copy(key.hash[:], hash)
		key.Tenant = tenant.ID(owner)
		for _, s := range scopes {
			key.Scopes = append(key.Scopes, Scope(s))
		}
		keys[key.ID] = &key
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	return keys, nil
}

// write adds a row. It can be repeated: the same version is the same row.
func (t table) write(ctx context.Context, key Key) error {
	scopes := make([]string, len(key.Scopes))
	for i, s := range key.Scopes {
		scopes[i] = string(s)
	}
	expires, revoked := milli(key.ExpiresAt), milli(key.RevokedAt)
	// Not cancelled with the request: whether a key was made or revoked must
	// not depend on the caller's patience.
	return t.db.Exec(context.WithoutCancel(ctx), writeKey,
		key.ID, key.sessionOf, string(key.Tenant), key.Name, scopes, fmt.Sprintf("%X", key.hash[:]), key.CreatedAt.UnixMilli(),
		expires, expires, revoked, revoked, key.version)
}

func milli(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMilli()
}
