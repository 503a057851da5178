package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/tenant"
)

func signIn(t *testing.T, s *auth.Store, key string, of tenant.ID) (auth.Principal, string) {
	t.Helper()
	p, text, err := s.SignIn(t.Context(), key, of)
	require.NoError(t, err)
	return p, text
}

func verifySession(t *testing.T, s *auth.Store, text string, want error) auth.Principal {
	t.Helper()
	p, err := s.VerifySession(t.Context(), text)
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("VerifySession = %v, want %v", err, want)
	}
	return p
}

func TestSession_IsItsKey(t *testing.T) {
	db := open(t)
	s, other := newStore(t, db), newStore(t, db)
	require.NoError(t, s.Refresh(t.Context()))
	key, text := create(t, s, auth.NewKey{Name: "ops", Tenant: "acme", Scopes: []auth.Scope{auth.ScopeEventsRead, auth.ScopeAuditRead}})
	made, session := signIn(t, s, text, "")
	require.Regexp(t, `^dbs_[a-z2-7]{16}_[a-z2-7]{52}$`, session)
	require.WithinDuration(t, time.Now().Add(auth.SessionLength), *made.ExpiresAt, time.Minute)

	want := auth.Principal{KeyID: key.ID, Name: "ops", Tenant: "acme", Scopes: key.Scopes, ExpiresAt: made.ExpiresAt, Session: made.Session}
	for _, diff := range []string{cmp.Diff(want, made), cmp.Diff(want, verifySession(t, s, session, nil)), cmp.Diff(want, verifySession(t, other, session, nil))} {
		require.Empty(t, diff)
	}
	require.NotEqual(t, made.KeyID, made.Credential())
	require.Equal(t, key.ID, verify(t, s, text, nil).Credential())
	require.True(t, s.Valid(made.Session))

	verify(t, s, session, auth.ErrUnknown) // It is nothing for an Authorization header.
	verifySession(t, s, text, auth.ErrUnknown)
	for _, bad := range []string{"", "x", session + "a", session[:len(session)-2] + "77", strings.Replace(session, made.Session, "aaaaaaaaaaaaaaaa", 1), "dbs_" + key.ID + text[len("dbk_")+len(key.ID):], "dbk_" + made.Session + session[len("dbs_")+len(made.Session):]} {
		verifySession(t, s, bad, auth.ErrUnknown)
		verify(t, s, bad, auth.ErrUnknown)
	}

	list, err := other.List(t.Context(), tenant.All)
	require.NoError(t, err)
	require.Len(t, list, 1, "sessions are no keys")
	require.Equal(t, key.ID, list[0].ID)
	require.ErrorIs(t, s.Revoke(t.Context(), tenant.All, made.Session), auth.ErrNotFound)

	var rows, found uint64
	require.NoError(t, db.QueryRow(t.Context(), "SELECT count(), countIf(position(concat(id, name, hash, session_of, toString(scopes)), ?) > 0) FROM api_keys", session[len(session)-52:]).Scan(&rows, &found))
	require.Equal(t, []uint64{2, 0}, []uint64{rows, found}, "rows, and those that hold the secret")
}

func TestSession_Tenants(t *testing.T) {
	s := newStore(t, open(t))
	require.NoError(t, s.Refresh(t.Context()))
	_, one := create(t, s, auth.NewKey{Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})
	_, all := create(t, s, auth.NewKey{Tenant: tenant.All, Scopes: []auth.Scope{auth.ScopeAdmin}})
	for _, c := range []struct {
		name, key string
		of, want  tenant.ID
		status    int
	}{
		{"its own", one, "", "acme", 0},
		{"its own, named", one, "acme", "acme", 0},
		{"another", one, "other", "", http.StatusForbidden},
		{"all, with a key of one", one, tenant.All, "", http.StatusForbidden},
		{"all", all, "", tenant.All, 0},
		{"one of all", all, "acme", "acme", 0},
		{"all, named", all, tenant.All, "", http.StatusBadRequest},
		{"no tenant", all, "a\nb", "", http.StatusBadRequest},
		{"one of the bootstrap key's", "bootstrap-secret", "acme", "acme", 0},
	} {
		p, session, err := s.SignIn(t.Context(), c.key, c.of)
		if c.status != 0 {
			require.Equal(t, c.status, apierror.From(err).Status(), "%s: %v", c.name, err)
			require.Equal(t, "tenantId", apierror.From(err).Fields[0].Field, c.name)
			continue
		}
		require.NoError(t, err, c.name)
		require.Equal(t, c.want, p.Tenant, c.name)
		require.Equal(t, c.want, verifySession(t, s, session, nil).Tenant, c.name)
	}
	_, session := signIn(t, s, one, "")
	for text, want := range map[string]string{"": "unknown", "dbk_x": "unknown", session: "secret of a session"} {
		_, _, err := s.SignIn(t.Context(), text, "")
		require.ErrorContains(t, err, want)
	}
}

// A session ends by itself, with its key, and by signing out.
func TestSession_Ends(t *testing.T) {
	db := open(t)
	now := time.Now()
	s, other := newStore(t, db), newStore(t, db)
	for _, store := range []*auth.Store{s, other} {
		store.SetNow(func() time.Time { return now })
		require.NoError(t, store.Refresh(t.Context()))
	}
	soon := now.Add(time.Hour)
	_, short := create(t, s, auth.NewKey{Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}, ExpiresAt: &soon})
	key, long := create(t, s, auth.NewKey{Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})
	ofShort, shortSession := signIn(t, s, short, "")
	require.WithinDuration(t, soon, *ofShort.ExpiresAt, time.Millisecond, "never after its key")
	ofLong, longSession := signIn(t, s, long, "")
	left, leftSession := signIn(t, s, long, "")

	require.NoError(t, s.SignOut(t.Context(), leftSession))
	require.NoError(t, s.SignOut(t.Context(), leftSession), "twice")
	require.NoError(t, s.SignOut(t.Context(), "dbs_nonsense"))
	verifySession(t, s, leftSession, auth.ErrRevoked)
	require.False(t, s.Valid(left.Session))
	require.NoError(t, other.Refresh(t.Context()))
	verifySession(t, other, leftSession, auth.ErrRevoked)
	verifySession(t, other, longSession, nil)

	now = now.Add(time.Hour)
	verifySession(t, s, shortSession, auth.ErrExpired)
	require.False(t, s.Valid(ofShort.Session))
	verifySession(t, s, longSession, nil)
	now = now.Add(auth.SessionLength - time.Hour - time.Millisecond)
	require.True(t, s.Valid(ofLong.Session))
	now = now.Add(time.Second)
	verifySession(t, s, longSession, auth.ErrExpired)
	require.False(t, s.Valid(ofLong.Session))
	verify(t, s, long, nil)

	again, session := signIn(t, s, long, "")
	verifySession(t, other, session, nil)
	require.NoError(t, s.Revoke(t.Context(), "acme", key.ID))
	verifySession(t, s, session, auth.ErrRevoked)
	require.False(t, s.Valid(again.Session))
	_, _, err := s.SignIn(t.Context(), long, "")
	require.ErrorIs(t, err, auth.ErrRevoked)
}

func TestSession_RevocationOfTheKeyReachesOtherNodes(t *testing.T) {
	db := open(t)
	here, there := newStore(t, db), newStore(t, db)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- there.Run(ctx) }()
	key, text := create(t, here, auth.NewKey{Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})
	p, session := signIn(t, here, text, "")
	verifySession(t, there, session, nil)
	require.NoError(t, here.Revoke(t.Context(), tenant.All, key.ID))
	require.Eventually(t, func() bool { return !there.Valid(p.Session) }, 5*time.Second, 10*time.Millisecond)
	verifySession(t, there, session, auth.ErrRevoked)
	stop()
	require.NoError(t, <-done)
}

// Whoever changes auth.bootstrap_key ends the sessions of the old one.
func TestSession_OfAnotherBootstrapKey(t *testing.T) {
	db := open(t)
	_, session := signIn(t, newStore(t, db), "bootstrap-secret", "acme")
	verifySession(t, newStore(t, db), session, nil)
	for _, c := range []auth.Config{{BootstrapKey: "another-secret"}, {}} {
		verifySession(t, auth.NewStore(c, db, zaptest.NewLogger(t)), session, auth.ErrUnknown)
	}
}

func TestSession_Many(t *testing.T) {
	db := open(t)
	s := newStore(t, db)
	key, text := create(t, s, auth.NewKey{Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})
	require.NoError(t, db.Exec(t.Context(), `INSERT INTO api_keys (id, session_of, tenant_id, expires_at)
SELECT concat('s', toString(number)), ?, 'acme', now64() + INTERVAL 1 HOUR FROM numbers(999)`, key.ID))
	require.NoError(t, s.Refresh(t.Context()))
	_, session := signIn(t, s, text, "")
	_, _, err := s.SignIn(t.Context(), text, "")
	fault := apierror.From(err)
	require.Equal(t, http.StatusTooManyRequests, fault.Status(), err)
	require.InDelta(t, 3600, fault.RetrySeconds(), 60)
	require.NoError(t, s.SignOut(t.Context(), session), "what signing out leaves counts too: it is a row that every node reads")
	_, _, err = s.SignIn(t.Context(), text, "")
	require.Equal(t, http.StatusTooManyRequests, apierror.From(err).Status())
}

// What has expired is neither read nor kept; keys are.
func TestSession_Purged(t *testing.T) {
	db := open(t)
	require.NoError(t, db.Exec(t.Context(), `INSERT INTO api_keys (id, session_of, expires_at)
SELECT concat(of, toString(days)), of, now64() - toIntervalDay(days) FROM (SELECT arrayJoin(['', 'key']) AS of, arrayJoin([0, 2]) AS days)`))
	require.NoError(t, db.Exec(t.Context(), "OPTIMIZE TABLE api_keys FINAL"))
	var left []string
	require.NoError(t, db.QueryRow(t.Context(), "SELECT groupArray(id) FROM (SELECT id FROM api_keys ORDER BY id)").Scan(&left))
	require.Equal(t, []string{"0", "2", "key0"}, left)
}

func TestSession_ClickHouseDown(t *testing.T) {
	db := open(t)
	s := newStore(t, db)
	_, text := create(t, s, auth.NewKey{Tenant: "acme", Scopes: []auth.Scope{auth.ScopeAdmin}})
	require.NoError(t, s.Refresh(t.Context()))
	_, session := signIn(t, s, text, "")
	db.cut.Store(true)
	verifySession(t, s, session, nil)
	_, _, err := s.SignIn(t.Context(), text, "")
	require.ErrorIs(t, err, auth.ErrUnavailable)
	require.ErrorIs(t, s.SignOut(t.Context(), session), auth.ErrUnavailable)
	verifySession(t, newStore(t, db), session, auth.ErrUnavailable)
}
