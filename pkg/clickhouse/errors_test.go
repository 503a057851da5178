package clickhouse_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
)

// The server's own errors, provoked in a real one.
func TestErrors_Server(t *testing.T) {
	config := clickhousetest.Start(t)
	conn, err := clickhouse.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a"))
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE constrained (a UInt8, CONSTRAINT small CHECK a < 5) ENGINE = MergeTree ORDER BY a"))

	for name, test := range map[string]struct {
		sql       string
		code      int
		unknown   bool // meaningful for inserts
		retriable bool
		data      bool
		limit     string
	}{
		"syntax":          {sql: "INSERT INTO TABLE INTO", code: 62},
		"no database":     {sql: "INSERT INTO nowhere.t SELECT 1", code: 81},
		"no table":        {sql: "INSERT INTO nothing SELECT 1", code: 60, unknown: true},
		"no column":       {sql: "INSERT INTO t (b) SELECT 1", code: 16, unknown: true},
		"constraint":      {sql: "INSERT INTO constrained SELECT 9", code: 469, unknown: true, data: true},
		"no number":       {sql: "INSERT INTO t SELECT 'x'", code: 6, unknown: true, data: true},
		"rows to read":    {sql: "SELECT count() FROM numbers(1000000) WHERE number % 3 = 0 SETTINGS max_rows_to_read = 10", code: 158, unknown: true, limit: "query.max_rows_read"},
		"bytes to read":   {sql: "SELECT count() FROM numbers(1000000) WHERE number % 3 = 0 SETTINGS max_bytes_to_read = 10", code: 307, unknown: true, limit: "query.max_rows_read"},
		"rows of result":  {sql: "SELECT number FROM numbers(1000000) SETTINGS max_result_rows = 10", code: 396, unknown: true, limit: "query.max_limit"},
		"time":            {sql: "SELECT sum(sleepEachRow(0.001)) FROM numbers(100000) SETTINGS max_execution_time = 0.1, max_block_size = 10", code: 159, unknown: true, retriable: true, limit: "query.max_duration"},
		"memory of query": {sql: "SELECT uniqExact(number) FROM numbers(10000000) SETTINGS max_memory_usage = 10000000", code: 241, unknown: true, retriable: true, limit: "query.max_memory"},
		"set size":        {sql: "SELECT 1 IN (SELECT number FROM numbers(1000)) SETTINGS max_rows_in_set = 10", code: 191, unknown: true, limit: "query.max_memory"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := conn.Query(t.Context(), test.sql)
			if err == nil {
				for rows.Next() {
				}
				err = rows.Err()
				_ = rows.Close()
			}
			require.Error(t, err)
			err = fmt.Errorf("wrapped: %w", err)
			require.Equal(t, test.code, clickhouse.Code(err), err)
			require.Equal(t, test.unknown, clickhouse.IsUnknownOutcome(err), "unknown outcome")
			require.Equal(t, test.retriable, clickhouse.IsRetriable(err), "retriable")
			require.Equal(t, test.data, clickhouse.IsData(err), "data")
			limit, ok := clickhouse.IsLimit(err)
			require.Equal(t, test.limit, limit)
			require.Equal(t, test.limit != "", ok)
		})
	}
}

func TestErrors_Client(t *testing.T) {
	_, dialError := net.DialTimeout("tcp", "127.0.0.1:1", time.Second)
	for name, test := range map[string]struct {
		err                error
		unknown, retriable bool
		limit              string
	}{
		"none":           {nil, false, false, ""},
		"refused":        {dialError, false, true, ""},
		"end":            {io.EOF, true, true, ""},
		"cut":            {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, true, true, ""},
		"broken pipe":    {&net.OpError{Op: "write", Err: syscall.EPIPE}, true, true, ""},
		"time-out":       {context.DeadlineExceeded, true, true, "query.max_duration"},
		"given up":       {context.Canceled, true, false, ""},
		"pool is full":   {driver.ErrAcquireConnTimeout, false, true, ""},
		"server's limit": {&driver.Exception{Code: 241, Message: "(total) memory limit exceeded"}, true, true, ""},
		"too many parts": {&driver.Exception{Code: 252}, true, true, ""},
		"status unknown": {&driver.Exception{Code: 319}, true, true, ""},
		"no access":      {&driver.Exception{Code: 516}, false, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := test.err
			if err != nil {
				err = fmt.Errorf("wrapped: %w", err)
			}
			require.Equal(t, test.unknown, clickhouse.IsUnknownOutcome(err), "unknown outcome")
			require.Equal(t, test.retriable, clickhouse.IsRetriable(err), "retriable")
			limit, _ := clickhouse.IsLimit(err)
			require.Equal(t, test.limit, limit)
		})
	}
}

// Why an insert that failed with an ordinary exception has an unknown outcome:
// its rows can be there, and only what follows from them has failed.
func TestErrors_ViewFailsAfterInsert(t *testing.T) {
	config := clickhousetest.Start(t)
	conn, err := clickhouse.Open(t.Context(), config)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	for _, sql := range []string{
		"CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a",
		"CREATE TABLE counts (n UInt64) ENGINE = MergeTree ORDER BY n",
		"CREATE MATERIALIZED VIEW v TO counts AS SELECT throwIf(count() > 0, 'the view fails') AS n FROM t",
	} {
		require.NoError(t, conn.Exec(t.Context(), sql))
	}
	batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
	require.NoError(t, err)
	defer func() { _ = batch.Close() }()
	require.NoError(t, batch.Append(uint8(1)))
	err = batch.Send()
	require.ErrorContains(t, err, "the view fails")
	require.True(t, clickhouse.IsUnknownOutcome(err))

	var rows uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&rows))
	require.Equal(t, uint64(1), rows, "the failed insert's row")
}

func TestReadRetry(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	cut := &net.OpError{Op: "read", Err: syscall.ECONNRESET}
	exception := &driver.Exception{Code: 60}
	for name, test := range map[string]struct {
		answers []error // of one call after the other
		want    error
	}{
		"answers":                    {[]error{nil}, nil},
		"exception":                  {[]error{exception}, exception},
		"cut once":                   {[]error{cut, nil}, nil},
		"cut, then away for a while": {[]error{cut, refused, refused, refused, nil}, nil},
		"away from the start":        {[]error{refused, refused, nil}, nil},
		"away, then cut":             {[]error{refused, cut, nil}, nil},
		"kills the server":           {[]error{cut, refused, cut}, cut},
		"exception afterwards":       {[]error{cut, exception}, exception},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			err := clickhouse.ReadRetry(t.Context(), func() error {
				calls++
				return test.answers[calls-1]
			})
			require.Equal(t, test.want, err)
			require.Len(t, test.answers, calls)
		})
	}
}

func TestReadRetry_CallerGivesUp(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := clickhouse.ReadRetry(ctx, func() error { cancel(); return io.EOF })
	require.ErrorIs(t, err, io.EOF)
	ctx, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err = clickhouse.ReadRetry(ctx, func() error { return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} })
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestReadRetry_ServerStaysAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		err := clickhouse.ReadRetry(t.Context(), func() error { return &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED} })
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		require.InDelta(t, 5, time.Since(began).Seconds(), 0.1)
	})
}
