package httpserver

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/auth"
	"daybook/schema/schematest"
)

// openKeys returns a real store, with a bootstrap key.
func openKeys(t *testing.T) *auth.Store {
	t.Helper()
	store := auth.NewStore(auth.Config{BootstrapKey: "bootstrap-secret"}, schematest.Open(t), zaptest.NewLogger(t))
	require.NoError(t, store.Refresh(context.WithoutCancel(t.Context())))
	return store
}

// startKeys serves the keys of a real store.
func startKeys(t *testing.T) string {
	t.Helper()
	store := openKeys(t)
	return serve(t, Config{Addr: "127.0.0.1:0"}, Deps{
		Log: zaptest.NewLogger(t), Registry: prometheus.NewRegistry(), Keys: store, Ready: NewReadiness(), Routes: KeyRoutes(store),
	})
}

const bootstrap = "Bearer bootstrap-secret"

func makeKey(t *testing.T, url, authorization, body string) keyAnswer {
	t.Helper()
	got := do(t, "POST", url+"/api/v1/keys", body, "Authorization", authorization)
	require.Equal(t, 201, got.StatusCode, got.body)
	var key keyAnswer
	require.NoError(t, json.Unmarshal([]byte(got.body), &key))
	if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Location") != "/api/v1/keys/"+key.ID {
		t.Errorf("headers: %v", got.Header)
	}
	return key
}

func listKeys(t *testing.T, url string, headers ...string) []string {
	t.Helper()
	got := do(t, "GET", url+"/api/v1/keys", "", headers...)
	require.Equal(t, 200, got.StatusCode, got.body)
	if strings.Contains(got.body, `"key"`) || strings.Contains(got.body, "dbk_") {
		t.Errorf("the list shows secrets: %s", got.body)
	}
	var answer struct{ Keys []keyAnswer }
	require.NoError(t, json.Unmarshal([]byte(got.body), &answer))
	ids := make([]string, 0, len(answer.Keys))
	for _, k := range answer.Keys {
		ids = append(ids, k.ID)
	}
	return ids
}

func TestKeys_TenantsAreApart(t *testing.T) {
	url := startKeys(t)
	admin := makeKey(t, url, bootstrap, `{"tenantId": "acme", "name": "acme's admin", "scopes": ["admin"], "expiresAt": null}`)
	other := makeKey(t, url, bootstrap, `{"tenantId": "other", "scopes": ["admin"], "expiresAt": "2099-01-31T12:00:00.123456+02:00"}`)
	if admin.Key == "" || admin.TenantID != "acme" || admin.Name != "acme's admin" || admin.ExpiresAt != nil {
		t.Errorf("%+v", admin)
	}
	if want := time.Date(2099, 1, 31, 10, 0, 0, 123e6, time.UTC); other.ExpiresAt == nil || !other.ExpiresAt.Equal(want) {
		t.Errorf("expires at %v, want %v", other.ExpiresAt, want)
	}
	acme := "Bearer " + admin.Key

	reader := makeKey(t, url, acme, `{"scopes": ["events:read"]}`) // Its tenant is the only one it can be.
	if reader.TenantID != "acme" {
		t.Errorf("made for %s", reader.TenantID)
	}
	for body, want := range map[string]int{
		`{"tenantId": "other", "scopes": ["events:read"]}`: 403,
		`{"tenantId": "*", "scopes": ["events:read"]}`:     403,
	} {
		got := do(t, "POST", url+"/api/v1/keys", body, "Authorization", acme)
		if p := got.problem(t); got.StatusCode != want || len(p.Errors) != 1 || p.Errors[0].Field != "tenantId" {
			t.Errorf("%s: %s", body, got.body)
		}
	}
	if got := listKeys(t, url, "Authorization", acme); len(got) != 2 || slices.Contains(got, other.ID) {
		t.Errorf("the admin of acme sees %v", got)
	}
	if got := listKeys(t, url, "Authorization", bootstrap); len(got) != 3 {
		t.Errorf("the admin of all sees %v", got)
	}
	if got := listKeys(t, url, "Authorization", bootstrap, TenantHeader, "other"); len(got) != 1 || got[0] != other.ID {
		t.Errorf("the admin of all, asking for other, sees %v", got)
	}
	if got := do(t, "GET", url+"/api/v1/keys", "", "Authorization", "Bearer "+reader.Key); got.StatusCode != 403 {
		t.Errorf("a reader lists keys: %d", got.StatusCode)
	}

	for _, c := range []struct {
		authorization, id string
		status            int
	}{
		{acme, other.ID, 404},
		{acme, auth.BootstrapID, 404},
		{bootstrap, auth.BootstrapID, 409},
		{bootstrap, "nosuchkey", 404},
		{acme, reader.ID, 204},
		{acme, reader.ID, 204},
	} {
		if got := do(t, "DELETE", url+"/api/v1/keys/"+c.id, "", "Authorization", c.authorization); got.StatusCode != c.status {
			t.Errorf("DELETE %s: %d %s", c.id, got.StatusCode, got.body)
		}
	}
	if got := do(t, "GET", url+"/api/v1/keys", "", "Authorization", "Bearer "+reader.Key); got.StatusCode != 401 || !strings.Contains(got.body, "revoked") {
		t.Errorf("a revoked key: %d %s", got.StatusCode, got.body)
	}
	if got := do(t, "GET", url+"/api/v1/keys", "", "Authorization", "Bearer "+other.Key); got.StatusCode != 200 {
		t.Errorf("the key that nobody revoked: %d %s", got.StatusCode, got.body)
	}
}

func TestKeys_Faults(t *testing.T) {
	url := startKeys(t)
	long := strings.Repeat("n", 257)
	for body, fields := range map[string][]string{
		``:                                      {"body"},
		`{`:                                     {"body"},
		`nonsense`:                              {"body"},
		`[]`:                                    {"body"},
		`{"tenantId": "a"} {}`:                  {"body"},
		`{}`:                                    {"tenantId", "scopes"},
		`{"tenantId": "", "scopes": ["admin"]}`: {"tenantId"},
		`{"tenantId": "_daybook", "scopes": ["admin"]}`:                                                       {"tenantId"},
		`{"tenantId": 7, "scopes": ["admin"]}`:                                                                {"tenantId"},
		`{"tenantId": "a", "scopes": "admin"}`:                                                                {"scopes"},
		`{"tenantId": "a", "scopes": ["admin", "root"]}`:                                                      {"scopes"},
		`{"tenantId": "a", "scopes": ["admin", "admin"]}`:                                                     {"scopes"},
		`{"tenantId": "a", "scopes": ["admin"], "expires": null}`:                                             {"expires"},
		`{"tenantId": "a", "scopes": ["admin"], "expiresAt": "soon"}`:                                         {"expiresAt"},
		`{"tenantId": "a", "scopes": ["admin"], "expiresAt": "2020-01-01T00:00:00Z"}`:                         {"expiresAt"},
		`{"tenantId": "a", "scopes": ["admin"], "expiresAt": "2300-01-01T00:00:00Z"}`:                         {"expiresAt"},
		`{"tenantId": "a\u0000b", "name": "` + long + `", "scopes": [], "expiresAt": "2020-01-01T00:00:00Z"}`: {"tenantId", "name", "scopes", "expiresAt"},
	} {
		got := do(t, "POST", url+"/api/v1/keys", body, "Authorization", bootstrap)
		p := got.problem(t)
		var named []string
		for _, f := range p.Errors {
			named = append(named, f.Field)
		}
		slices.Sort(named)
		slices.Sort(fields)
		if got.StatusCode != 400 || !slices.Equal(named, fields) {
			t.Errorf("%s: %d names %v, want %v: %s", body, got.StatusCode, named, fields, got.body)
		}
	}
	if got := do(t, "POST", url+"/api/v1/keys", `{}`, "Authorization", bootstrap, "Content-Type", "text/plain"); got.StatusCode != 415 {
		t.Errorf("text/plain: %d", got.StatusCode)
	}
}
