package statement

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/query/filter"
)

func text(sql string) func() *filter.Builder {
	return func() *filter.Builder {
		var b filter.Builder
		b.Write(sql)
		return &b
	}
}

// Limits of time and rows are for answers that somebody waits for.
func TestEach_NotLimited(t *testing.T) {
	config := DefaultConfig()
	config.MaxRowsRead, config.MaxDuration = 10, 100*time.Millisecond
	r := NewReader(open(t, clickhousetest.Start(t)), config)
	n := 0
	require.NoError(t, Each(t.Context(), r, 100, text("SELECT number, sleepEachRow(0.0001) FROM numbers(10000)"), func(driver.Rows) error {
		n++
		return nil
	}))
	require.Equal(t, 10_000, n)
}

func TestEach_MemoryIsLimited(t *testing.T) {
	config := DefaultConfig()
	config.MaxMemory = 16 << 20
	r := NewReader(open(t, clickhousetest.Start(t)), config)
	err := Each(t.Context(), r, 100, text("SELECT groupArray(number) FROM numbers(1e7)"), func(driver.Rows) error { return nil })
	var problem *apierror.Error
	require.ErrorAs(t, err, &problem)
	require.Contains(t, problem.Detail, "query.max_memory")
}

// Whoever stops early doesn't wait for the rest, and the server neither.
func TestEach_Stops(t *testing.T) {
	conn := open(t, clickhousetest.Start(t))
	r := NewReader(conn, DefaultConfig())
	enough := errors.New("enough")
	for name, end := range map[string]func(context.CancelFunc) error{
		"by its own":    func(context.CancelFunc) error { return enough },
		"by the caller": func(cancel context.CancelFunc) error { cancel(); return nil },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		err := Each(ctx, r, 100, text("SELECT number AS endless FROM system.numbers"), func(driver.Rows) error { return end(cancel) })
		cancel()
		require.Error(t, err, name)
		require.True(t, errors.Is(err, enough) || errors.Is(err, context.Canceled), "%s: %v", name, err)
		require.Eventually(t, func() bool {
			var running uint64
			require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE '%AS endless%' AND query NOT LIKE '%processes%'").Scan(&running))
			return running == 0
		}, 5*time.Second, 10*time.Millisecond, name)
	}
}
