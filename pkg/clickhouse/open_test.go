package clickhouse_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

func TestOpen(t *testing.T) {
	config := clickhousetest.Start(t)
	conn, err := clickhouse.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })

	var async, database string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT toString(getSetting('async_insert')), currentDatabase()").Scan(&async, &database))
	require.Equal(t, "false", async)
	require.Equal(t, config.Database, database)
}
