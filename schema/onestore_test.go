package schema_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/netfault"
	"daybook/schema"
)

// Two servers that know nothing of each other are no store together; one under two
// names is, also while one of them leads nowhere.
func TestCheck_OneStore(t *testing.T) {
	config := clickhousetest.Start(t)
	another := clickhousetest.Config(t, clickhousetest.Server(t)).Addrs[0]
	alias := netfault.Start(t, config.Addrs[0]).Addr()
	here := config.Addrs[0]

	config.Addrs = []string{here, another}
	require.NoError(t, schema.Up(t.Context(), config))
	err := schema.Check(t.Context(), config)
	require.ErrorContains(t, err, here+" and "+another)
	require.ErrorContains(t, err, "clickhouse.addrs")

	config.Addrs = []string{here, alias, "127.0.0.1:1"}
	require.NoError(t, schema.Check(t.Context(), config))
	config.Addrs = []string{alias, "127.0.0.1:1", another}
	require.ErrorContains(t, schema.Check(t.Context(), config), alias+" and "+another)
}
