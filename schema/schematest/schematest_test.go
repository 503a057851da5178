package schematest

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

// A database that was made at once is the one that migrations make, and lacks none.
func TestUp_IsWhatMigrationsMake(t *testing.T) {
	migrated := clickhousetest.Start(t)
	require.NoError(t, schema.Up(t.Context(), migrated))
	for range 2 {
		config := clickhousetest.Start(t)
		Up(t, config)
		require.NoError(t, schema.Check(t.Context(), config))
		require.Equal(t, definitions(t, migrated), definitions(t, config))
	}
}

func definitions(t *testing.T, config clickhouse.Config) (out []string) {
	t.Helper()
	conn, err := clickhouse.Open(t.Context(), config)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT arraySort(groupArray(create_table_query)) FROM system.tables WHERE database = currentDatabase()").Scan(&out))
	require.Greater(t, len(out), 10)
	for i := range out {
		out[i] = strings.ReplaceAll(out[i], config.Database+".", "")
	}
	return out
}
