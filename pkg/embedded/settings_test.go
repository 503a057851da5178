package embedded_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	driver "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/stretchr/testify/require"

	"daybook/pkg/bytesize"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/embedded"
)

// Every setting in the files has to be known to ClickHouse under that name and
// to have taken effect; unknown ones it ignores without a word.
func TestClickHouse_SettingsTakeEffect(t *testing.T) {
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.MaxMemory = 1600 * bytesize.MiB })
	conn := open(t, server)
	percent := func(n int64) string { return strconv.FormatInt(1600<<20*n/100, 10) }
	for name, want := range map[string]string{
		"max_server_memory_usage":                       percent(100),
		"merges_mutations_memory_usage_soft_limit":      percent(40),
		"mark_cache_size":                               percent(5),
		"primary_index_cache_size":                      percent(3),
		"index_mark_cache_size":                         percent(3),
		"index_uncompressed_cache_size":                 percent(2),
		"uncompressed_cache_size":                       "0",
		"text_index_tokens_cache_size":                  percent(4),
		"text_index_header_cache_size":                  percent(3),
		"text_index_postings_cache_size":                percent(4),
		"compiled_expression_cache_size":                percent(1),
		"parquet_metadata_cache_size":                   percent(1),
		"vector_similarity_index_cache_size":            "0",
		"unique_key_index_cache_size_bytes":             "0",
		"unique_key_bitmap_cache_size_bytes":            "0",
		"point_in_polygon_cache_size":                   "0",
		"iceberg_metadata_files_cache_size":             "0",
		"paimon_metadata_files_cache_size":              "0",
		"mmap_cache_size":                               "64",
		"background_schedule_pool_size":                 "8",
		"background_merges_mutations_concurrency_ratio": "2",
		"os_threads_nice_value_merge_mutate":            "10",
		"max_connections":                               "1024",
		"max_thread_pool_size":                          "2000",
		"max_thread_pool_free_size":                     "100",
		"shutdown_wait_unfinished":                      "5",
		"logger.level":                                  "error",
		"logger.size":                                   "16M",
		"logger.count":                                  "2",
	} {
		var got string
		if err := conn.QueryRow(t.Context(), "SELECT value FROM system.server_settings WHERE name = ?", name).Scan(&got); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	// As a client has them that sends no settings of its own.
	plain, err := driver.Open(&driver.Options{Addr: []string{server.Addr()}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, plain.Close()) })
	for name, want := range map[string]string{
		"async_insert":                           "0",
		"max_threads_min_free_memory_per_thread": "67108864",
		"max_memory_usage":                       percent(75),
		"max_bytes_before_external_group_by":     percent(35),
		"max_bytes_before_external_sort":         percent(35),
	} {
		var got string
		require.NoError(t, plain.QueryRow(t.Context(), "SELECT value FROM system.settings WHERE name = ?", name).Scan(&got))
		require.Equal(t, want, got, name)
	}
	if runtime.NumCPU() > 1 {
		var pipeline []string
		require.NoError(t, plain.QueryRow(t.Context(), "SELECT groupArray(explain) FROM (EXPLAIN PIPELINE SELECT sum(number) FROM numbers_mt(1000000000))").Scan(&pipeline))
		require.Regexp(t, `NumbersRange.* × \d`, strings.Join(pipeline, "\n"), "one thread of %d", runtime.NumCPU())
	}
	var logs uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT count() FROM system.tables WHERE database = 'system' AND name LIKE '%\\_log'").Scan(&logs))
	require.Zero(t, logs, "logs in tables, which grow without end")
}

// The limit is on the process, whatever is asked of it.
func TestClickHouse_MemoryIsBounded(t *testing.T) {
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.MaxMemory = bytesize.GiB })
	conn := open(t, server)
	pid := server.Pid()
	err := conn.Exec(t.Context(), `SELECT groupArray(toString(number)) FROM numbers(100000000) FORMAT Null
		SETTINGS max_memory_usage = 0, max_bytes_before_external_group_by = 0`)
	require.Equal(t, 241, clickhouse.Code(err), err)
	require.True(t, clickhouse.IsRetriable(err))
	_, isOurs := clickhouse.IsLimit(err)
	require.False(t, isOurs, "the server's limit, not the query's: %v", err)

	require.NoError(t, conn.Ping(t.Context()))
	require.Equal(t, pid, server.Pid())
	peak := highWater(t, pid)
	require.Less(t, peak, 1400*bytesize.MiB, "the highest resident memory, the program's own pages included")
	t.Logf("peak %d MiB", peak/bytesize.MiB)
}

func highWater(t *testing.T, pid int) bytesize.Size {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(t, err)
	_, after, found := strings.Cut(string(status), "VmHWM:")
	require.True(t, found)
	kib, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	require.NoError(t, err)
	return bytesize.Size(kib) * bytesize.KiB
}

func TestClickHouse_HTTP(t *testing.T) {
	closed := clickhousetest.Server(t)
	require.Empty(t, closed.HTTPAddr())

	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.HTTPAddr = "127.0.0.1:0" })
	ask := func() string {
		client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+server.HTTPAddr()+"/?query="+url.QueryEscape("SELECT 40 + 2"), nil)
		require.NoError(t, err)
		response, err := client.Do(request)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return strings.TrimSpace(string(body))
	}
	require.Equal(t, "42", ask())
}

// Two servers that know each other are a cluster of two shards.
func TestClickHouse_Clusters(t *testing.T) {
	one, other := freeAddr(t), freeAddr(t)
	clusters := map[string][][]string{"pair": {{one}, {other}}}
	first := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Addr, c.Clusters = one, clusters })
	second := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Addr, c.Clusters = other, clusters })
	for _, server := range []*embedded.ClickHouse{first, second} {
		require.NoError(t, open(t, server).Exec(t.Context(), "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"))
	}
	conn := open(t, first)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE spread AS t ENGINE = Distributed(pair, daybook, t, a)"))
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO spread SELECT number FROM numbers(1000) SETTINGS distributed_foreground_insert = 1"))
	var all, here uint64
	require.NoError(t, conn.QueryRow(t.Context(), "SELECT (SELECT count() FROM spread), (SELECT count() FROM t)").Scan(&all, &here))
	require.Equal(t, uint64(1000), all)
	require.Equal(t, uint64(500), here)

	_, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{
		Dir: t.TempDir(), Addr: "127.0.0.1:0", Engine: "/no/engine.so", Clusters: map[string][][]string{"a b": nil},
	})
	require.ErrorContains(t, err, `cluster "a b"`)
}

// A folder's name may hold what XML gives a meaning.
func TestClickHouse_FolderWithMarkup(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a & b <c>")
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Dir = dir })
	require.NoError(t, open(t, server).Ping(t.Context()))
	require.DirExists(t, filepath.Join(dir, "store"))
	require.FileExists(t, filepath.Join(dir, "clickhouse.log"))
}
