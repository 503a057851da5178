package schema_test

import (
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	daybookch "daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/schema"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

// migrated returns a database of its own with every migration, and a connection to it.
func migrated(t *testing.T) (daybookch.Config, driver.Conn) {
	t.Helper()
	c := clickhousetest.Start(t)
	require.NoError(t, schema.Up(t.Context(), c))
	conn, err := daybookch.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return c, conn
}
