package clickhouse_test

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }

func TestOpen(t *testing.T) {
	config := clickhousetest.Start(t)
	conn, err := clickhouse.Open(t.Context(), config, clickhouse.WithSettings(map[string]any{"max_threads": 1}), clickhouse.WithCompression(), clickhouse.WithMaxOpenConns(1))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })

	var async, threads, database string
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT toString(getSetting('async_insert')), toString(getSetting('max_threads')), currentDatabase()").Scan(&async, &threads, &database))
	require.Equal(t, "false", async)
	require.Equal(t, "1", threads)
	require.Equal(t, config.Database, database)
	require.Equal(t, 1, conn.Stats().MaxOpenConns)
}

func TestOpen_Errors(t *testing.T) {
	_, err := clickhouse.Open(t.Context(), clickhouse.DefaultConfig())
	require.ErrorContains(t, err, "clickhouse.addrs")

	config := clickhousetest.Start(t)
	missing := config
	missing.Database = "nowhere"
	_, err = clickhouse.Open(t.Context(), missing)
	require.Equal(t, 81, clickhouse.Code(err), err)

	away := config
	away.Addrs = []string{"127.0.0.1:1"}
	_, err = clickhouse.Open(t.Context(), away)
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, err, "127.0.0.1:1")
	require.True(t, clickhouse.IsRetriable(err))

	password := config
	password.Password = "wrong"
	_, err = clickhouse.Open(t.Context(), password)
	require.Equal(t, 516, clickhouse.Code(err), err)
	require.NotContains(t, err.Error(), "wrong")
	require.ErrorContains(t, err, "clickhouse.password")
}

func TestOpenDB(t *testing.T) {
	config := clickhousetest.Start(t)
	db, err := clickhouse.OpenDB(config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	var async sql.NullString
	require.NoError(t, db.QueryRowContext(t.Context(), "SELECT toString(getSetting('async_insert'))").Scan(&async))
	require.Equal(t, "false", async.String)
	require.Equal(t, config.MaxOpenConns, db.Stats().MaxOpenConnections)
}

func TestCreateDatabase(t *testing.T) {
	config := clickhousetest.Start(t)
	require.NoError(t, clickhouse.CreateDatabase(t.Context(), config), "a second time")
	config.Database = "x; DROP DATABASE y"
	require.ErrorContains(t, clickhouse.CreateDatabase(t.Context(), config), "clickhouse.database")
}

func TestStart_DatabasesAreApart(t *testing.T) {
	one, other := clickhousetest.Start(t), clickhousetest.Start(t)
	require.Equal(t, one.Addrs, other.Addrs)
	require.NotEqual(t, one.Database, other.Database)
}

// Reads go on as if nothing had happened while ClickHouse is killed again and
// again.
func TestReadRetry_ServerKilled(t *testing.T) {
	server := clickhousetest.Server(t)
	conn, err := clickhouse.Open(t.Context(), clickhousetest.Config(t, server))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })

	const kills = 3
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var readers sync.WaitGroup
	var faults sync.Map
	var answers [4]atomic.Int64
	for i := range answers {
		readers.Go(func() {
			for ctx.Err() == nil && server.Restarts() < kills {
				var sum uint64
				err := clickhouse.ReadRetry(ctx, func() error {
					return conn.QueryRow(ctx, "SELECT sum(number) FROM numbers(1000000)").Scan(&sum)
				})
				if err == nil && sum != 499999500000 {
					err = context.Canceled // Any: a wrong answer.
				}
				if err != nil {
					faults.Store(err.Error(), true)
				}
				answers[i].Add(1)
			}
		})
	}
	for killed := int64(0); killed < kills; {
		if pid := server.Pid(); pid != 0 && server.Restarts() == killed {
			require.NoError(t, conn.Ping(ctx))
			// A read survives one restart, not two: those that the last kill met
			// must have ended.
			for i := range answers {
				before := answers[i].Load()
				require.Eventually(t, func() bool { return answers[i].Load() > before }, 20*time.Second, time.Millisecond)
			}
			require.NoError(t, syscall.Kill(pid, syscall.SIGKILL))
			killed++
		}
		require.NoError(t, ctx.Err())
	}
	readers.Wait()
	faults.Range(func(fault, _ any) bool { t.Errorf("a read noticed: %v", fault); return true })
}
