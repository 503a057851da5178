// Package archivetest starts S3-compatible storage for tests: versitygw over a
// folder, which make s3gateway installs.
package archivetest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/archive"
	"daybook/pkg/loopback"
)

// version is what the Makefile installs.
const version = "v1.8.0"

// patience is how long the gateway may take to start.
const patience = 30 * time.Second

// Gateway is S3-compatible storage of one test, which the test may stop, start
// again, and look into.
type Gateway struct {
	Addr string // of the S3 API
	Dir  string // has a folder for each bucket

	t       testing.TB
	region  string
	program string
	command *exec.Cmd
}

// Credentials that the gateway accepts.
const (
	AccessKey = "daybook-tests"
	SecretKey = "a-secret-of-the-tests"
)

// Start starts a gateway, and ends it with the test.
func Start(t testing.TB) *Gateway { t.Helper(); return StartIn(t, archive.DefaultRegion) }

// StartIn starts a gateway that says it is in a region, and refuses what is signed for
// another.
func StartIn(t testing.TB, region string) *Gateway {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(cache, "daybook", "bin", "versitygw-"+version)
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%v: make s3gateway installs it", err)
		}
		t.Skipf("SKIP: the tests of the archive need S3-compatible storage: make s3gateway installs it (%v)", err)
	}
	ports, err := loopback.Hold(1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Release)
	g := &Gateway{Addr: ports.Take(1)[0], Dir: t.TempDir(), t: t, region: region, program: program}
	g.Run()
	t.Cleanup(g.Stop)
	return g
}

// Run starts the gateway, where it is stopped, and waits until it answers.
func (g *Gateway) Run() {
	g.t.Helper()
	if g.command != nil {
		return
	}
	command := exec.CommandContext(context.WithoutCancel(g.t.Context()), g.program, "--port", g.Addr, "--region", g.region, "--quiet", "posix", g.Dir) //nolint:gosec // Our own program.
	command.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+AccessKey, "ROOT_SECRET_KEY="+SecretKey)
	command.Dir = g.t.TempDir()
	if err := command.Start(); err != nil {
		g.t.Fatalf("start %s: %v", g.program, err)
	}
	g.command = command
	require.Eventually(g.t, func() bool {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(context.WithoutCancel(g.t.Context()), "tcp", g.Addr)
		if err != nil {
			return false
		}
		_ = conn.Close()
		return true
	}, patience, 10*time.Millisecond, "%s does not answer at %s", g.program, g.Addr)
}

// Stop kills the gateway, where it runs.
func (g *Gateway) Stop() {
	if g.command == nil {
		return
	}
	_ = g.command.Process.Kill()
	_ = g.command.Wait()
	g.command = nil
}

// Place makes a bucket and returns it as a place.
func (g *Gateway) Place(bucket string) archive.Place {
	g.t.Helper()
	if err := os.MkdirAll(filepath.Join(g.Dir, bucket), 0o750); err != nil {
		g.t.Fatal(err)
	}
	return archive.Place{
		Endpoint: "http://" + g.Addr, Bucket: bucket, Region: g.region, AccessKey: AccessKey, SecretKey: SecretKey,
	}
}

// File returns the file that an object of a place is kept in.
func (g *Gateway) File(p archive.Place, name string) string {
	return filepath.Join(g.Dir, p.Bucket, filepath.FromSlash(p.Prefix+name))
}
