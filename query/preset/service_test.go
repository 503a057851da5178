package preset

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
)

func TestService_CreateReadChangeDelete(t *testing.T) {
	s := open(t)
	made, err := s.Create(t.Context(), jane, change("  Refunds \t of <today> ", `{"severity": ["WARN", "ERROR"], "q": "refund & \"žluť\\\\\" \u003c", "attr.n": 1.50}`, false))
	require.NoError(t, err)
	require.Equal(t, "Refunds of <today>", made.Name)
	require.JSONEq(t, `{"attr.n": 1.50, "q": "refund & \"žluť\\\\\" <", "severity": ["WARN", "ERROR"]}`, string(made.Filter))
	require.EqualValues(t, 1, made.Version)
	require.Equal(t, "jane", made.Owner)
	require.Equal(t, now, made.CreatedAt)

	read, err := s.Get(t.Context(), jane, made.ID)
	require.NoError(t, err)
	require.Equal(t, made, read)

	changed, err := s.Update(t.Context(), jane, made.ID, ExpectVersion(1), change("Refunds", `{}`, true))
	require.NoError(t, err)
	require.EqualValues(t, 2, changed.Version)
	read, err = newService(s.conn).Get(t.Context(), john, made.ID)
	require.NoError(t, err, "it is shared now")
	require.Equal(t, changed, read)

	_, err = s.Update(t.Context(), jane, made.ID, ExpectVersion(1), change("Lost", `{}`, true))
	requireKind(t, apierror.KindPrecondition, err)
	requireKind(t, apierror.KindPrecondition, s.Delete(t.Context(), jane, made.ID, ExpectVersion(1)))
	require.NoError(t, s.Delete(t.Context(), john, made.ID, ExpectVersion(2)), "what is shared is everybody's")
	_, err = s.Get(t.Context(), jane, made.ID)
	requireKind(t, apierror.KindNotFound, err)
	requireKind(t, apierror.KindNotFound, s.Delete(t.Context(), jane, made.ID, Expect{any: true}))
	_, err = s.Update(t.Context(), jane, made.ID, Expect{any: true}, change("Refunds", `{}`, true))
	requireKind(t, apierror.KindNotFound, err)
	_, err = s.Create(t.Context(), john, change("refunds", `{}`, false))
	require.NoError(t, err, "the name is free again")
}

func TestService_WhoSeesWhat(t *testing.T) {
	s := open(t)
	private, err := s.Create(t.Context(), jane, change("b private", `{}`, false))
	require.NoError(t, err)
	_, err = s.Create(t.Context(), jane, change("A shared", `{}`, true))
	require.NoError(t, err)
	stranger := jane
	stranger.Tenant = "other"
	for _, test := range []struct {
		caller Caller
		sees   []string
	}{
		{jane, []string{"A shared", Starting[0].Name, "b private", Starting[1].Name, Starting[2].Name}},
		{john, []string{"A shared", Starting[0].Name, Starting[1].Name, Starting[2].Name}},
		{admin, []string{"A shared", Starting[0].Name, "b private", Starting[1].Name, Starting[2].Name}},
		{stranger, []string{Starting[0].Name, Starting[1].Name, Starting[2].Name}},
	} {
		list, err := s.List(t.Context(), test.caller)
		require.NoError(t, err)
		require.Equal(t, test.sees, names(list), test.caller.KeyID)
	}
	for _, c := range []Caller{john, stranger} {
		_, err := s.Get(t.Context(), c, private.ID)
		requireKind(t, apierror.KindNotFound, err)
		_, err = s.Update(t.Context(), c, private.ID, Expect{any: true}, change("mine", `{}`, true))
		requireKind(t, apierror.KindNotFound, err)
		requireKind(t, apierror.KindNotFound, s.Delete(t.Context(), c, private.ID, Expect{any: true}))
	}
	require.NoError(t, s.Delete(t.Context(), admin, private.ID, ExpectVersion(1)), "an admin cleans up behind keys that are gone")
}

func TestService_MakePrivate(t *testing.T) {
	s := open(t)
	shared, err := s.Create(t.Context(), jane, change("x", `{}`, true))
	require.NoError(t, err)
	_, err = s.Update(t.Context(), john, shared.ID, ExpectVersion(1), change("x", `{}`, false))
	requireKind(t, apierror.KindForbidden, err)
	_, err = s.Update(t.Context(), admin, Starting[0].ID, ExpectVersion(1), change("x2", `{}`, false))
	requireKind(t, apierror.KindForbidden, err)
	p, err := s.Update(t.Context(), admin, shared.ID, ExpectVersion(1), change("x", `{}`, false))
	require.NoError(t, err)
	require.Equal(t, "jane", p.Owner)
	_, err = s.Update(t.Context(), jane, shared.ID, ExpectVersion(2), change("x", `{}`, true))
	require.NoError(t, err)
	_, err = s.Update(t.Context(), jane, shared.ID, ExpectVersion(3), change("x", `{}`, false))
	require.NoError(t, err)
}

func TestService_NamesAreUnique(t *testing.T) {
	s := open(t)
	_, err := s.Create(t.Context(), jane, change("Straße  ŽLUŤ", `{}`, false))
	require.NoError(t, err)
	other, err := s.Create(t.Context(), john, change("other", `{}`, false))
	require.NoError(t, err)
	for _, name := range []string{"Straße žluť", "STRAßE ŽLUŤ", " straße žluť ", "all AUTH failures today"} {
		_, err := s.Create(t.Context(), john, change(name, `{}`, false))
		requireKind(t, apierror.KindConflict, err)
		_, err = s.Update(t.Context(), john, other.ID, ExpectVersion(1), change(name, `{}`, false))
		requireKind(t, apierror.KindConflict, err)
	}
	_, err = s.Update(t.Context(), john, other.ID, ExpectVersion(1), change("OTHER", `{}`, false))
	require.NoError(t, err, "its own name is no conflict")
	elsewhere := john
	elsewhere.Tenant = "other"
	_, err = s.Create(t.Context(), elsewhere, change("other", `{}`, false))
	require.NoError(t, err, "another tenant has names of its own")
}

func TestService_Faults(t *testing.T) {
	s := open(t)
	long := strings.Repeat("é", maxNameRunes+1)
	for _, test := range []struct{ name, object, field string }{
		{"", `{}`, "name"},
		{" \t", `{}`, "name"},
		{long, `{}`, "name"},
		{"a\u202eb", `{}`, "name"},
		{"a\x00b", `{}`, "name"},
		{"a", ``, "filter"},
		{"a", `null`, "filter"},
		{"a", `[]`, "filter"},
		{"a", `"q"`, "filter"},
		{"a", `{"q": "("}`, "filter.q"},
		{"a", `{"colour": "red"}`, "filter.colour"},
		{"a", `{"limit": 10}`, "filter.limit"},
		{"a", `{"from": "yesterday"}`, "filter.from"},
		{"a", `{"from": "now/d", "tz": "Mars/Olympus"}`, "filter.tz"},
		{"a", `{"preset": "auth-failures-today"}`, "filter.preset"},
		{"a", `{"q": "` + strings.Repeat("x", maxFilterBytes) + `"}`, "filter"},
	} {
		for _, save := range []func() error{
			func() error { _, err := s.Create(t.Context(), jane, change(test.name, test.object, false)); return err },
			func() error {
				_, err := s.Update(t.Context(), jane, Starting[0].ID, ExpectVersion(1), change(test.name, test.object, true))
				return err
			},
		} {
			err := save()
			var problem *apierror.Error
			require.ErrorAs(t, err, &problem, "%.40q %.40s", test.name, test.object)
			require.Equal(t, apierror.KindInvalid, problem.Kind)
			require.Equal(t, test.field, problem.Fields[0].Field, problem.Detail)
		}
	}
	_, err := s.Create(t.Context(), jane, change("", `{"q": "(", "from": "x"}`, false))
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Len(t, problem.Fields, 3, "all faults at once")
}

// A tenant's starting presets are changed and deleted like any other, and
// don't come back.
func TestService_Starting(t *testing.T) {
	s := open(t)
	p, err := s.Update(t.Context(), jane, Starting[0].ID, ExpectVersion(1), change("Failures", `{"from": "now-1h"}`, true))
	require.NoError(t, err)
	require.EqualValues(t, 2, p.Version)
	require.Empty(t, p.Owner)
	require.NoError(t, s.Delete(t.Context(), jane, Starting[1].ID, ExpectVersion(1)))
	list, err := s.List(t.Context(), john)
	require.NoError(t, err)
	require.Equal(t, []string{"Failures", Starting[2].Name}, names(list))
	again, err := s.Get(t.Context(), john, Starting[0].ID)
	require.NoError(t, err)
	require.Equal(t, p, again)
	require.True(t, again.CreatedAt.IsZero())
	_, err = s.Create(t.Context(), jane, change(Starting[1].Name, `{}`, false))
	require.NoError(t, err)
	for _, p := range Starting {
		c := Change{Name: p.Name, Filter: p.Filter, Shared: p.Shared}
		require.NoError(t, c.normalize(t.Context(), now), "as it could be saved")
		require.Equal(t, p.Name, c.Name)
		require.Equal(t, string(p.Filter), string(c.Filter))
	}
}

func TestService_AsManyAsThereMayBe(t *testing.T) {
	s := open(t)
	require.NoError(t, s.conn.Exec(t.Context(), fmt.Sprintf(
		"INSERT INTO presets (tenant_id, seq, writer, id, version, name, filter, owner) SELECT 'acme', number + 1, 'w', toString(number), 1, toString(number), '{}', 'jane' FROM numbers(%d)", maxPerTenant-4)))
	_, err := s.Create(t.Context(), jane, change("last", `{}`, false))
	require.NoError(t, err)
	_, err = s.Create(t.Context(), jane, change("too many", `{}`, false))
	requireKind(t, apierror.KindConflict, err)
	require.NoError(t, s.Delete(t.Context(), jane, "7", ExpectVersion(1)))
	_, err = s.Create(t.Context(), jane, change("not too many", `{}`, false))
	require.NoError(t, err)
}
