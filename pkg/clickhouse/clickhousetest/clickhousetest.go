// Package clickhousetest gives tests a real ClickHouse: the one that Daybook
// embeds, started once per test binary, with an empty database for each test.
//
// Where the engine was not fetched (`make engine`), a test that asks for it is
// skipped with the reason; with CI=true in the environment it fails instead.
package clickhousetest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap/zaptest"

	"daybook/pkg/bytesize"
	"daybook/pkg/clickhouse"
	"daybook/pkg/embedded"
)

const timeout = time.Minute

// shared is what the tests of this binary share. Without Main it ends with the
// binary: the kernel then closes the standard input that keeps ClickHouse alive.
var shared struct {
	sync.Mutex // guards all of it
	dir        string
	lock       *embedded.Lock
	server     *embedded.ClickHouse
	err        error // of the first start: every test after it fails at once
}

func sharedServer() (*embedded.ClickHouse, error) {
	program, err := executable()
	if err != nil {
		return nil, err
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil && shared.err == nil {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		shared.server, shared.err = embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{
			Dir: filepath.Join(shared.dir, "clickhouse"), Addr: "127.0.0.1:0", Executable: program, MaxMemory: 2 * bytesize.GiB,
		})
	}
	return shared.server, shared.err
}

// Main wraps what TestMain is given: after the tests it ends the shared
// ClickHouse and removes its files. Without it they stay until the next test
// binary starts, and goleak sees the goroutines that wait for ClickHouse.
//
//	func TestMain(m *testing.M) { goleak.VerifyTestMain(clickhousetest.Main(m)) }
func Main(m Runner) Runner { return runner{m} }

// Runner is what a *testing.M is to TestMain.
type Runner interface{ Run() int }

type runner struct{ tests Runner }

func (r runner) Run() int {
	code := r.tests.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.server != nil {
		_ = shared.server.Close() // It never fails.
	}
	if shared.lock != nil {
		_ = os.RemoveAll(shared.dir)
		_ = shared.lock.Close()
	}
	return code
}

var databases atomic.Int64

// Start returns the settings of an empty database on the test binary's shared
// ClickHouse, with that database created. It is dropped when the test ends.
func Start(t testing.TB) clickhouse.Config {
	t.Helper()
	needEngine(t)
	server, err := sharedServer()
	if err != nil {
		t.Fatalf("start ClickHouse: %v", err)
	}
	config := clickhouse.DefaultConfig()
	config.Addrs = []string{server.Addr()}
	config.Database = databaseName(t)
	config.MaxOpenConns = 16
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := clickhouse.CreateDatabase(ctx, config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		conn, err := clickhouse.Open(ctx, config)
		if err != nil {
			t.Errorf("drop the test's database: %v", err)
			return
		}
		defer func() { _ = conn.Close() }()
		if err := conn.Exec(ctx, "DROP DATABASE "+config.Database+" SYNC"); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	return config
}

// Server starts a ClickHouse of the test's own, which it may kill, and closes
// it when the test ends. Its log goes to the test's. Each option may change the
// settings before the start.
func Server(t testing.TB, options ...func(*embedded.ClickHouseConfig)) *embedded.ClickHouse {
	t.Helper()
	needEngine(t)
	config := embedded.ClickHouseConfig{
		Dir: t.TempDir(), Addr: "127.0.0.1:0", Executable: Executable(t), MaxMemory: bytesize.GiB, Log: zaptest.NewLogger(t),
	}
	for _, option := range options {
		option(&config)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	server, err := embedded.StartClickHouse(ctx, config)
	if err != nil {
		t.Fatalf("start ClickHouse: %v", err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close ClickHouse: %v", err)
		}
	})
	return server
}

// Config returns the settings for a server of the test's own, with its
// database created.
func Config(t testing.TB, server *embedded.ClickHouse) clickhouse.Config {
	t.Helper()
	config := clickhouse.DefaultConfig()
	config.Addrs = []string{server.Addr()}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := clickhouse.CreateDatabase(ctx, config); err != nil {
		t.Fatal(err)
	}
	return config
}

// Executable returns a program that has the command `engine`, for
// embedded.ClickHouseConfig.
func Executable(t testing.TB) string {
	t.Helper()
	program, err := executable()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// executable builds pkg/embedded/enginechild, once: a test binary has no command
// `engine`, and ClickHouse must not be loaded into it.
func executable() (string, error) {
	shared.Lock()
	defer shared.Unlock()
	if shared.dir == "" {
		dir, err := os.MkdirTemp("", tempPrefix)
		if err != nil {
			return "", err
		}
		if shared.lock, err = embedded.LockDir(dir); err != nil {
			return "", err
		}
		shared.dir = dir
		sweep()
	}
	program := filepath.Join(shared.dir, "enginechild")
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	build := exec.Command("go", "build", "-o", program, "daybook/pkg/embedded/enginechild") //nolint:gosec,noctx // The go command and a path of ours; the test binary's own timeout bounds it.
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the engine's child: %w\n%s", err, out)
	}
	return program, nil
}

func needEngine(t testing.TB) {
	t.Helper()
	if _, err := embedded.EnginePath(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no ClickHouse to test with: %v", err)
		}
		t.Skipf("SKIP: no ClickHouse to test with: %v", err)
	}
}

var nonWord = regexp.MustCompile(`\W+`)

// databaseName is readable in what the server says about it, and never used twice.
func databaseName(t testing.TB) string {
	t.Helper()
	name := strings.ToLower(nonWord.ReplaceAllString(t.Name(), "_"))
	return fmt.Sprintf("%s_%d", name[:min(len(name), 60)], databases.Add(1))
}

const tempPrefix = "daybook-clickhousetest-"

// sweep removes what earlier test binaries without Main have left.
func sweep() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*")) // The pattern is valid.
	for _, dir := range left {
		info, err := os.Stat(dir)
		if err != nil || time.Since(info.ModTime()) < time.Minute {
			continue // A new one may not have its lock yet.
		}
		if lock, err := embedded.LockDir(dir); err == nil {
			_ = os.RemoveAll(dir)
			_ = lock.Close()
		}
	}
}
