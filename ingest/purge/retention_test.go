package purge

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

func TestRetention_ShrinkingNeedsConfirmation(t *testing.T) {
	s := open(t)
	s.add("acme", "x", day, 40*day, 400*day)
	s.purge() // 365 days are in force without a word: the store is new.
	require.Equal(t, []time.Duration{day, 40 * day}, s.events("acme"))

	shorter := s.purger(retention.Days(30), Archive{})
	require.NoError(t, shorter.Purge(t.Context()))
	require.Equal(t, []time.Duration{day, 40 * day}, s.events("acme"), "nothing goes before it is confirmed")
	require.Equal(t, []Change{{"", 365, 30}}, shorter.Unconfirmed())
	require.EqualValues(t, 1, s.metric("daybook_retention_unconfirmed"))
	s.addAt("late", "x", s.now.Add(-40*day), s.now.Add(-time.Minute)) // Not within the next purge, but with one soon after.
	s.addDeadLetter("acme", 40*day)
	s.addDeadLetter("", 40*day)
	s.addDeadLetter("acme", day)
	would, err := shorter.Preview(t.Context())
	require.NoError(t, err)
	require.Equal(t, []Preview{{Tenant: "", DeadLetters: 1}, {Tenant: "acme", Events: 1, DeadLetters: 1}, {Tenant: "late", Events: 1}}, would)

	require.NoError(t, Confirm(t.Context(), s.conn, retention.Days(30)))
	require.NoError(t, shorter.Purge(t.Context()))
	require.Equal(t, []time.Duration{day}, s.events("acme"))
	require.Empty(t, shorter.Unconfirmed())
	require.Zero(t, s.metric("daybook_retention_unconfirmed"))
}

func TestRetention_GrowingTakesEffect(t *testing.T) {
	s := open(t)
	s.purge()
	s.add("acme", "x", 400*day, 800*day)
	require.NoError(t, s.purger(retention.Days(730), Archive{}).Purge(t.Context()))
	require.Equal(t, []time.Duration{400 * day}, s.events("acme"))
	// A node that still has the old settings purges by what is in force.
	old := s.purger(retention.Days(365), Archive{})
	require.NoError(t, old.Purge(t.Context()))
	require.Equal(t, []time.Duration{400 * day}, s.events("acme"))
	require.Equal(t, []Change{{"", 730, 365}}, old.Unconfirmed())
}

// Tenants get days of their own, lose them, and others change, in all orders;
// what is in force is never shorter than what was, unless it is confirmed.
func TestRetention_InForce(t *testing.T) {
	named := func(days int, tenants map[tenant.ID]int) retention.Policy {
		return retention.Days(days).Except(tenants)
	}
	s := open(t)
	for name, c := range map[string]struct {
		old, settings, next retention.Policy
		unconfirmed         []Change
	}{
		"the same":               {named(365, nil), named(365, nil), named(365, nil), nil},
		"a tenant gets more":     {named(365, nil), named(365, map[tenant.ID]int{"a": 730}), named(365, map[tenant.ID]int{"a": 730}), nil},
		"a tenant gets less":     {named(365, nil), named(365, map[tenant.ID]int{"a": 30}), named(365, map[tenant.ID]int{"a": 365}), []Change{{"a", 365, 30}}},
		"a tenant loses its":     {named(365, map[tenant.ID]int{"a": 730}), named(365, nil), named(365, map[tenant.ID]int{"a": 730}), []Change{{"a", 730, 365}}},
		"others get less":        {named(365, map[tenant.ID]int{"a": 730}), named(30, map[tenant.ID]int{"a": 730}), named(365, map[tenant.ID]int{"a": 730}), []Change{{"", 365, 30}}},
		"some more, others less": {named(365, map[tenant.ID]int{"a": 30}), named(30, map[tenant.ID]int{"a": 60}), named(365, map[tenant.ID]int{"a": 60}), []Change{{"", 365, 30}}},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, s.conn.Exec(t.Context(), "TRUNCATE TABLE retention"))
			require.NoError(t, Confirm(t.Context(), s.conn, c.old))
			adopted, err := Adopt(t.Context(), s.conn, c.settings)
			require.NoError(t, err)
			require.Equal(t, c.next.Named(), adopted.Named())
			require.Equal(t, c.next.Default(), adopted.Default())
			inForce, known, err := InForce(t.Context(), s.conn)
			require.NoError(t, err)
			require.True(t, known)
			require.Equal(t, c.next.Default(), inForce.Default())
			for _, id := range []tenant.ID{"a", "b"} {
				require.Equal(t, c.next.Of(id), inForce.Of(id), id)
			}
			require.Equal(t, c.unconfirmed, Unconfirmed(c.settings, inForce))
			require.NoError(t, Confirm(t.Context(), s.conn, c.settings))
			inForce, _, err = InForce(t.Context(), s.conn)
			require.NoError(t, err)
			require.Empty(t, Unconfirmed(c.settings, inForce))
			require.Equal(t, c.settings.Named(), inForce.Named())
			require.Equal(t, c.settings.Default(), inForce.Default())
		})
	}
}
