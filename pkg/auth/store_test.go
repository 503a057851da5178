package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/auth"
	"daybook/pkg/tenant"
	"daybook/schema/schematest"
)

// cuttable is a real database that can be made unreachable.
type cuttable struct {
	driver.Conn
	cut   atomic.Bool
	reads atomic.Int64
}

var errCut = errors.New("cut off")

func (c *cuttable) Query(ctx context.Context, query string, args ...any) (driver.Rows, error) {
	c.reads.Add(1)
	if c.cut.Load() {
		return nil, errCut
	}
	return c.Conn.Query(ctx, query, args...)
}

func (c *cuttable) Exec(ctx context.Context, query string, args ...any) error {
	if c.cut.Load() {
		return errCut
	}
	return c.Conn.Exec(ctx, query, args...)
}

func open(t *testing.T) *cuttable {
	t.Helper()
	return &cuttable{Conn: schematest.Open(t)}
}

func newStore(t *testing.T, db auth.DB) *auth.Store {
	t.Helper()
	return auth.NewStore(auth.Config{BootstrapKey: "bootstrap-secret"}, db, zaptest.NewLogger(t))
}

func create(t *testing.T, s *auth.Store, n auth.NewKey) (auth.Key, string) {
	t.Helper()
	key, text, err := s.Create(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return key, text
}

func verify(t *testing.T, s *auth.Store, text string, want error) auth.Principal {
	t.Helper()
	p, err := s.Verify(t.Context(), text)
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("Verify = %v, want %v", err, want)
	}
	return p
}

func TestStore_Lifecycle(t *testing.T) {
	db := open(t)
	s := newStore(t, db)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	far := time.Now().Add(time.Hour).UTC().Truncate(time.Millisecond)
	key, text := create(t, s, auth.NewKey{
		Name: `it's "quoted" \ ключ`, Tenant: "acme", Scopes: []auth.Scope{auth.ScopeEventsRead, auth.ScopeAuditRead}, ExpiresAt: &far,
	})
	if !strings.HasPrefix(text, "dbk_"+key.ID+"_") || len(text) < 64 {
		t.Errorf("the key's text is %d bytes and begins %.24s", len(text), text)
	}

	want := auth.Principal{KeyID: key.ID, Name: key.Name, Tenant: "acme", Scopes: key.Scopes, ExpiresAt: &far}
	if diff := cmp.Diff(want, verify(t, s, text, nil)); diff != "" {
		t.Error(diff)
	}
	other := newStore(t, db) // Another node, that has read nothing yet.
	if diff := cmp.Diff(want, verify(t, other, text, nil)); diff != "" {
		t.Error("on another node:", diff)
	}

	wrong := text[:len(text)-1] + string("ab"[strings.Count("a", text[len(text)-1:])])
	for _, bad := range []string{"", "x", wrong, text + "a", strings.ToUpper(text), "dbk_" + key.ID + "_", "dbk__", strings.Replace(text, key.ID, "aaaaaaaaaaaaaaaa", 1)} {
		verify(t, s, bad, auth.ErrUnknown)
	}

	list, err := other.List(t.Context(), "acme")
	if err != nil || len(list) != 1 || list[0].Name != key.Name || !list[0].ExpiresAt.Equal(far) || list[0].RevokedAt != nil || !list[0].CreatedAt.Equal(key.CreatedAt) {
		t.Errorf("listed: %+v, %v", list, err)
	}
	if list, err := s.List(t.Context(), "other"); err != nil || len(list) != 0 {
		t.Errorf("another tenant sees %d keys, %v", len(list), err)
	}

	if err := s.Revoke(t.Context(), "other", key.ID); !errors.Is(err, auth.ErrNotFound) {
		t.Errorf("another tenant revokes: %v", err)
	}
	if !s.Valid(key.ID) {
		t.Error("not valid before it is revoked")
	}
	for range 2 {
		if err := s.Revoke(t.Context(), "acme", key.ID); err != nil {
			t.Fatal(err)
		}
	}
	verify(t, s, text, auth.ErrRevoked)
	if s.Valid(key.ID) {
		t.Error("still valid after it was revoked")
	}
	if err := other.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	verify(t, other, text, auth.ErrRevoked)
	if list, err := other.List(t.Context(), tenant.All); err != nil || len(list) != 1 || list[0].RevokedAt == nil {
		t.Errorf("listed after revocation: %+v, %v", list, err)
	}
}

func TestStore_SecretsAreNotStored(t *testing.T) {
	db := open(t)
	_, text := create(t, newStore(t, db), auth.NewKey{Name: "n", Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})
	secret := text[strings.LastIndex(text, "_")+1:]
	var rows, found uint64
	err := db.QueryRow(t.Context(), "SELECT count(), countIf(position(concat(id, name, hash, toString(scopes)), ?) > 0) FROM api_keys", secret).Scan(&rows, &found)
	if err != nil || rows != 1 || found != 0 {
		t.Errorf("%d of %d rows hold the secret, %v", found, rows, err)
	}
}

func TestStore_RevocationReachesOtherNodes(t *testing.T) {
	db := open(t)
	here, there := newStore(t, db), newStore(t, db)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- there.Run(ctx) }()
	key, text := create(t, here, auth.NewKey{Name: "n", Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})
	verify(t, there, text, nil)
	if err := here.Revoke(t.Context(), tenant.All, key.ID); err != nil {
		t.Fatal(err)
	}
	require.Eventually(t, func() bool { return !there.Valid(key.ID) }, 5*time.Second, 10*time.Millisecond)
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestStore_ClickHouseDown(t *testing.T) {
	db := open(t)
	s := newStore(t, db)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	soon := time.Now().Add(300 * time.Millisecond)
	_, short := create(t, s, auth.NewKey{Name: "short", Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}, ExpiresAt: &soon})
	_, text := create(t, s, auth.NewKey{Name: "long", Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})

	db.cut.Store(true)
	if err := s.Refresh(t.Context()); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("Refresh = %v", err)
	}
	verify(t, s, text, nil)
	require.Eventually(t, func() bool { return !time.Now().Before(soon) }, 5*time.Second, 10*time.Millisecond)
	verify(t, s, short, auth.ErrExpired)
	verify(t, s, "dbk_aaaaaaaaaaaaaaaa_"+strings.Repeat("a", 52), auth.ErrUnknown)
	if _, _, err := s.Create(t.Context(), auth.NewKey{Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}}); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("Create = %v", err)
	}

	fresh := newStore(t, db)
	verify(t, fresh, text, auth.ErrUnavailable) // Never read: nobody knows.
	verify(t, fresh, "bootstrap-secret", nil)
	if err := fresh.Ready(t.Context()); !errors.Is(err, auth.ErrUnavailable) {
		t.Errorf("Ready = %v", err)
	}
}

func TestStore_UnknownKeysDoNotFloodClickHouse(t *testing.T) {
	db := open(t)
	s := newStore(t, db)
	if err := s.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	began, before := time.Now(), db.reads.Load()
	for range 1000 {
		verify(t, s, "dbk_aaaaaaaaaaaaaaaa_"+strings.Repeat("a", 52), auth.ErrUnknown)
	}
	if reads, most := db.reads.Load()-before, int64(time.Since(began)/(500*time.Millisecond))+11; reads > most {
		t.Errorf("1000 unknown keys caused %d reads, want at most %d", reads, most)
	}
}

func TestStore_Bootstrap(t *testing.T) {
	db := open(t)
	s := newStore(t, db)
	p := verify(t, s, "bootstrap-secret", nil)
	if p.Tenant != tenant.All || !p.May(auth.ScopeEventsWrite) || !s.Valid(auth.BootstrapID) {
		t.Errorf("%+v", p)
	}
	verify(t, s, "bootstrap-secreT", auth.ErrUnknown)
	none := auth.NewStore(auth.Config{}, db, zaptest.NewLogger(t))
	verify(t, none, "", auth.ErrUnknown)
	if none.Valid(auth.BootstrapID) {
		t.Error("valid where none is set")
	}
	if err := s.Revoke(t.Context(), tenant.All, auth.BootstrapID); !errors.Is(err, auth.ErrBootstrap) {
		t.Errorf("Revoke = %v", err)
	}
}

func TestConfig_Validate(t *testing.T) {
	for value, want := range map[string]string{"": "", "long-enough": "", "short": "has 5 bytes", "with space in it": "visible ASCII", "tab\tinside": "visible ASCII"} {
		err := auth.Config{BootstrapKey: value}.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), value)) {
			t.Errorf("%q: %v", value, err)
		}
	}
}
