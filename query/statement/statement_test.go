package statement

import (
	"context"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/apierror"
	"daybook/pkg/bytesize"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/query/filter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

func open(t *testing.T, config clickhouse.Config) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

func scanOne(rows driver.Rows) (n uint64, err error) { return n, rows.Scan(&n) }

func collect(ctx context.Context, r *Reader, sql string) ([]uint64, Usage, error) {
	var b filter.Builder
	b.Write(sql)
	var usage Usage
	found, err := Collect(ctx, r, &usage, &b, scanOne)
	return found, usage, err
}

func TestCollect(t *testing.T) {
	r := NewReader(open(t, clickhousetest.Start(t)), DefaultConfig())
	found, usage, err := collect(t.Context(), r, "SELECT number FROM numbers(3)")
	require.NoError(t, err)
	require.Equal(t, []uint64{0, 1, 2}, found)
	require.EqualValues(t, 3, usage.RowsRead)
}

func TestCollect_LimitsNameTheirSetting(t *testing.T) {
	conn := open(t, clickhousetest.Start(t))
	for name, test := range map[string]struct {
		change func(*Config)
		sql    string
	}{
		"query.max_duration":  {func(c *Config) { c.MaxDuration, c.MaxRowsRead = 300*time.Millisecond, 0 }, "SELECT count() FROM numbers(1e12) WHERE NOT ignore(sipHash64(number))"},
		"query.max_memory":    {func(c *Config) { c.MaxMemory = 16 * bytesize.MiB }, "SELECT uniqExact(number) FROM numbers(1e7)"},
		"query.max_rows_read": {func(c *Config) { c.MaxRowsRead = 1000 }, "SELECT max(number) FROM numbers(1e6)"},
	} {
		config := DefaultConfig()
		test.change(&config)
		_, _, err := collect(t.Context(), NewReader(conn, config), test.sql)
		var problem *apierror.Error
		require.ErrorAs(t, err, &problem, name)
		require.Equal(t, apierror.KindLimit, problem.Kind)
		require.Contains(t, problem.Detail, name)
	}
}

func TestCollect_CannotWrite(t *testing.T) {
	conn := open(t, clickhousetest.Start(t))
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE t (n UInt64) ENGINE = MergeTree ORDER BY n"))
	_, _, err := collect(t.Context(), NewReader(conn, DefaultConfig()), "ALTER TABLE t DELETE WHERE 1")
	require.ErrorContains(t, err, "readonly")
}

func TestCollect_ClickHouseAway(t *testing.T) {
	server := clickhousetest.Server(t)
	conn := open(t, clickhousetest.Config(t, server))
	require.NoError(t, server.Close())
	_, _, err := collect(t.Context(), NewReader(conn, DefaultConfig()), "SELECT 1")
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Equal(t, apierror.KindUnavailable, problem.Kind)
	require.Positive(t, problem.RetryAfter)
}

func TestCollect_CallerGivesUp(t *testing.T) {
	config := DefaultConfig()
	config.MaxRowsRead = 0
	r := NewReader(open(t, clickhousetest.Start(t)), config)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, _, err := collect(ctx, r, "SELECT count() FROM numbers(1e12) WHERE NOT ignore(sipHash64(number))")
	require.ErrorIs(t, err, context.Canceled)
}

func TestConfig_Validate(t *testing.T) {
	require.NoError(t, DefaultConfig().Validate())
	err := Config{}.Validate()
	for _, setting := range []string{"query.max_duration", "query.max_memory", "query.max_limit", "query.max_exports"} {
		require.ErrorContains(t, err, setting)
	}
}

// The statements of a request share its time.
func TestCollect_TimeOfARequest(t *testing.T) {
	config := DefaultConfig()
	config.MaxDuration, config.MaxRowsRead = 300*time.Millisecond, 0
	r := NewReader(open(t, clickhousetest.Start(t)), config)
	var long, short filter.Builder
	long.Write("SELECT count() FROM numbers(1e12) WHERE NOT ignore(sipHash64(number))")
	short.Write("SELECT toUInt64(1)")
	var usage Usage
	_, err := Collect(t.Context(), r, &usage, &long, scanOne)
	require.ErrorContains(t, err, "query.max_duration")
	_, err = Collect(t.Context(), r, &usage, &short, scanOne)
	require.ErrorContains(t, err, "query.max_duration")
	_, err = Collect(t.Context(), r, &Usage{}, &short, scanOne)
	require.NoError(t, err, "another request has its own")
}
