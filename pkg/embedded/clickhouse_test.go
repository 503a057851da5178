package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"

	"daybook/pkg/bytesize"
	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/embedded"
)

func TestMain(m *testing.M) {
	switch os.Getenv("DAYBOOK_TEST_ROLE") {
	case "parent":
		parent()
	case "broker":
		brokerProcess()
	case "holder":
		holder()
	default:
		goleak.VerifyTestMain(clickhousetest.Main(m))
	}
}

// parent is a process that runs ClickHouse until it is killed.
func parent() {
	server, err := embedded.StartClickHouse(context.Background(), embedded.ClickHouseConfig{
		Dir: os.Getenv("DAYBOOK_TEST_DIR"), Addr: os.Getenv("DAYBOOK_TEST_ADDR"),
		Executable: os.Getenv("DAYBOOK_TEST_EXECUTABLE"), MaxMemory: bytesize.GiB,
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(server.Pid())
	select {}
}

// startSelf runs this test binary in a role, and returns its first line.
func startSelf(t *testing.T, role string, environment ...string) (*exec.Cmd, string) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), self)
	command.Env = append(os.Environ(), append(environment, "DAYBOOK_TEST_ROLE="+role)...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Kill() // The test may have done so.
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return command, strings.TrimSpace(line)
}

// eventually polls until a condition holds, or fails the test.
func eventually(t *testing.T, within time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		if time.Since(began) > within {
			t.Fatalf("not within %s: %s", within, what)
		}
		<-tick.C
	}
	return time.Since(began)
}

// gone reports whether a process has ended. One that nobody waits for stays as a
// zombie, which has ended too.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

func open(t *testing.T, server *embedded.ClickHouse) driver.Conn {
	t.Helper()
	conn, err := clickhouse.Open(t.Context(), clickhousetest.Config(t, server))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	return conn
}

// others counts what runs, but for this query and the one that keeps ClickHouse alive.
const others = "SELECT count() FROM system.processes WHERE query NOT LIKE '%LineAsString%' AND query_id != queryID()"

func TestClickHouse_KilledComesBack(t *testing.T) {
	server := clickhousetest.Server(t)
	conn := open(t, server)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"))
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO t SELECT number FROM numbers(1000)"))
	for range 3 {
		killed := server.Pid()
		restarts := server.Restarts()
		require.NoError(t, syscall.Kill(killed, syscall.SIGKILL))
		back := eventually(t, 30*time.Second, "ClickHouse is back", func() bool { return server.Restarts() > restarts && server.Pid() != 0 })
		t.Logf("back after %s", back)
		require.NotEqual(t, killed, server.Pid())
		var count uint64
		require.NoError(t, clickhouse.ReadRetry(t.Context(), func() error {
			return conn.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&count)
		}))
		require.Equal(t, uint64(1000), count)
	}
	require.Equal(t, int64(3), server.Restarts())
}

// A crash ends with stack traces that take ClickHouse five seconds to write,
// which nobody has to wait for: it is killed at the first of them.
func TestClickHouse_AbortedComesBack(t *testing.T) {
	core, logged := observer.New(zap.ErrorLevel)
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Log = zap.New(core) })
	require.NoError(t, syscall.Kill(server.Pid(), syscall.SIGABRT))
	eventually(t, 30*time.Second, "ClickHouse is back", func() bool { return server.Restarts() == 1 && server.Pid() != 0 })
	deaths := logged.FilterMessage("embedded ClickHouse died; starting it again").All()
	require.Len(t, deaths, 1)
	require.Equal(t, "signal: killed", deaths[0].ContextMap()["error"])
	require.Contains(t, fmt.Sprint(deaths[0].ContextMap()["log"]), "<Fatal>")
}

// A new connection waits for a ClickHouse that is starting.
func TestClickHouse_ConnectWhileItStarts(t *testing.T) {
	server := clickhousetest.Server(t)
	config := clickhousetest.Config(t, server)
	require.NoError(t, syscall.Kill(server.Pid(), syscall.SIGKILL))
	eventually(t, 5*time.Second, "the kill is noticed", func() bool { return server.Pid() == 0 })
	conn, err := clickhouse.Open(t.Context(), config)
	require.NoError(t, err)
	require.NoError(t, conn.Close())
}

// An engine that no longer starts is tried again, with the reason in the log,
// until it does or until Close.
func TestClickHouse_DoesNotStartAgain(t *testing.T) {
	library, err := embedded.EnginePath()
	if err != nil {
		clickhousetest.Server(t) // Skips or fails, with the reason.
	}
	if !strings.HasSuffix(library, ".so") {
		library = ""
	}
	broken := filepath.Join(t.TempDir(), "broken")
	run := "'" + clickhousetest.Executable(t) + "' engine '" + library + "'"
	if library == "" {
		run = "clickhouse local"
	}
	dir := executableFile(t, "clickhouse", `shift; if [ -e '`+broken+`' ]; then echo "the disk is full" >&2; exit 3; fi; exec `+run+` "$@"`)
	core, logged := observer.New(zap.ErrorLevel)
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) {
		c.Engine, c.Log = filepath.Join(dir, "clickhouse"), zap.New(core)
	})
	require.NoError(t, os.WriteFile(broken, nil, 0o600))
	require.NoError(t, syscall.Kill(server.Pid(), syscall.SIGKILL))
	eventually(t, 10*time.Second, "it is tried again", func() bool { return server.Restarts() >= 3 })
	tries := logged.FilterMessage("embedded ClickHouse does not start; trying again").All()
	require.NotEmpty(t, tries)
	require.Contains(t, tries[0].ContextMap()["error"], "the disk is full")

	require.NoError(t, os.Remove(broken))
	eventually(t, 10*time.Second, "it is back", func() bool { return server.Pid() != 0 })

	require.NoError(t, os.WriteFile(broken, nil, 0o600))
	require.NoError(t, syscall.Kill(server.Pid(), syscall.SIGKILL))
	before := server.Restarts()
	eventually(t, 10*time.Second, "it is tried again", func() bool { return server.Restarts() > before })
	began := time.Now()
	require.NoError(t, server.Close())
	require.Less(t, time.Since(began), 2*time.Second)
}

// Ctrl-C, and what stops a service, reach every process of a group. This one is
// not to stop before what writes to it.
func TestClickHouse_IgnoresSignals(t *testing.T) {
	server := clickhousetest.Server(t)
	conn := open(t, server)
	pid := server.Pid()
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		require.NoError(t, syscall.Kill(pid, signal))
	}
	for range 100 { // Long enough for a server that stops to show it.
		require.NoError(t, conn.Exec(t.Context(), "SELECT sleep(0.01)"))
	}
	require.Equal(t, pid, server.Pid())
	group, err := syscall.Getpgid(pid)
	require.NoError(t, err)
	require.NotEqual(t, syscall.Getpgrp(), group, "the terminal's Ctrl-C")
}

func TestClickHouse_ParentKilled(t *testing.T) {
	dir := t.TempDir()
	addr := freeAddr(t)
	program := clickhousetest.Executable(t)
	for range 3 {
		process, line := startSelf(t, "parent", "DAYBOOK_TEST_DIR="+dir, "DAYBOOK_TEST_ADDR="+addr, "DAYBOOK_TEST_EXECUTABLE="+program)
		pid, err := strconv.Atoi(line)
		require.NoError(t, err, "the process says %q", line)
		require.False(t, gone(pid))
		require.NoError(t, process.Process.Kill())
		_ = process.Wait() // It was killed.
		// No waiting here: the next one has to wait for the child left behind.
		t.Cleanup(func() { eventually(t, 10*time.Second, "the child is gone", func() bool { return gone(pid) }) })
	}
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Dir, c.Addr = dir, addr })
	require.NoError(t, open(t, server).Ping(t.Context()))
}

func TestClickHouse_Close(t *testing.T) {
	dir := t.TempDir()
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Dir = dir })
	conn := open(t, server)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"))
	require.NoError(t, conn.Exec(t.Context(), "INSERT INTO t SELECT number FROM numbers(1000)"))
	var busy sync.WaitGroup
	busy.Go(func() {
		_ = conn.Exec(t.Context(), "SELECT sleepEachRow(1) FROM numbers(100) SETTINGS max_block_size = 1")
	})
	eventually(t, 5*time.Second, "the query runs", func() bool {
		var running uint64
		return conn.QueryRow(t.Context(), others).Scan(&running) == nil && running == 1
	})

	pid := server.Pid()
	began := time.Now()
	require.NoError(t, server.Close())
	require.Less(t, time.Since(began), 10*time.Second, "without force, which comes after 20 s, with a client connected and a query running")
	require.True(t, gone(pid))
	require.Zero(t, server.Pid())
	busy.Wait()
	require.NoError(t, server.Close(), "a second time")

	again := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Dir = dir })
	var count uint64
	require.NoError(t, open(t, again).QueryRow(t.Context(), "SELECT count() FROM t").Scan(&count))
	require.Equal(t, uint64(1000), count)
}

// Without the gate this kills ClickHouse within 40 connections.
func TestClickHouse_SurvivesCutInserts(t *testing.T) {
	server := clickhousetest.Server(t)
	conn := open(t, server)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a"))
	pid := server.Pid()
	insert := func(ctx context.Context) {
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO t")
		if err != nil {
			return
		}
		defer func() { _ = batch.Close() }()
		for j := range 20_000 {
			_ = batch.Append(uint64(j), "some text that is a little longer") // Cut, or not.
		}
		_ = batch.Send()
	}
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for i := range 30 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+(i*7+w*3)%40)*time.Millisecond)
				insert(ctx)
				cancel()
			}
		})
	}
	workers.Wait()
	require.Equal(t, pid, server.Pid())
	require.Zero(t, server.Restarts())
	eventually(t, 10*time.Second, "no query is left", func() bool {
		var running uint64
		return conn.QueryRow(t.Context(), others).Scan(&running) == nil && running == 0
	})
}

// What an insert leaves behind that failed or was given up also must not kill it.
func TestClickHouse_SurvivesFailedInserts(t *testing.T) {
	server := clickhousetest.Server(t)
	conn := open(t, server)
	require.NoError(t, conn.Exec(t.Context(), "CREATE TABLE t (a UInt64, CONSTRAINT c CHECK a > 0) ENGINE = MergeTree ORDER BY a"))
	pid := server.Pid()
	prepared := func(use func(batch driver.Batch)) {
		batch, err := conn.PrepareBatch(t.Context(), "INSERT INTO t")
		require.NoError(t, err)
		defer func() { _ = batch.Close() }()
		use(batch)
	}
	for range 50 {
		prepared(func(batch driver.Batch) {
			require.NoError(t, batch.Append(uint64(0)))
			require.Error(t, batch.Send())
		})
		prepared(func(batch driver.Batch) { require.NoError(t, batch.Abort()) })
	}
	require.NoError(t, conn.Ping(t.Context()))
	require.Equal(t, pid, server.Pid())
}

func TestClickHouse_SurvivesStrangers(t *testing.T) {
	server := clickhousetest.Server(t)
	conn := open(t, server)
	pid := server.Pid()
	for name, test := range map[string]struct{ says, answer string }{
		"nothing":           {"", ""},
		"a browser":         {"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "native protocol"},
		"TLS":               {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", "native protocol"},
		"half a hello":      {"\x00\x08click", ""},
		"an endless name":   {"\x00\xff\xff\xff\xff\x0f", "a name of"},
		"a wrong user":      {"\x00\x01c\x01\x01\x01\x00\x04root\x00", "one user, default"},
		"no such database":  {"\x00\x01c\x01\x01\x01\x07nowhere\x07default\x00", "Database nowhere does not exist"},
		"a wrong password":  {"\x00\x01c\x01\x01\x01\x00\x07default\x01x", "one user, default"},
		"no number in time": {"\x00\x01c\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ""},
	} {
		t.Run(name, func(t *testing.T) {
			stranger, err := net.Dial("tcp", server.Addr())
			require.NoError(t, err)
			_, err = stranger.Write([]byte(test.says))
			require.NoError(t, err)
			require.NoError(t, stranger.(*net.TCPConn).CloseWrite())
			require.NoError(t, stranger.SetReadDeadline(time.Now().Add(5*time.Second)))
			answer, err := io.ReadAll(stranger)
			if err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Fatal(err)
			}
			require.Contains(t, string(answer), test.answer)
			require.NoError(t, stranger.Close())
		})
	}
	require.NoError(t, conn.Ping(t.Context()))
	require.Equal(t, pid, server.Pid())
}

func TestClickHouse_AddressTaken(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	taken := listener.Addr().String()
	_, err = embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{Dir: t.TempDir(), Addr: taken, Engine: "/no/engine.so"})
	require.EqualError(t, err, "embedded.clickhouse_addr: "+taken+" is in use by another process; stop it, or set another address")
	_, err = embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{Dir: t.TempDir(), Addr: "localhost", Engine: "/no/engine.so"})
	require.ErrorContains(t, err, "embedded.clickhouse_addr: cannot listen on localhost")
}

func TestClickHouse_BadEngine(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "libchdb.so")
	require.NoError(t, os.WriteFile(broken, []byte("no library"), 0o600))
	_, err := embedded.StartClickHouse(t.Context(), embedded.ClickHouseConfig{
		Dir: t.TempDir(), Addr: "127.0.0.1:0", Engine: broken, Executable: clickhousetest.Executable(t), Log: zaptest.NewLogger(t),
	})
	require.ErrorContains(t, err, "start the embedded ClickHouse")
	require.ErrorContains(t, err, broken)
	require.NotContains(t, err.Error(), "\n")
}

func freeAddr(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return listener.Addr().String()
}
