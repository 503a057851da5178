package scripts

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	ossignal "os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/embedded"
)

// fetch is a folder to run engine.sh in: its own pins, cache and commands.
type fetch struct {
	dir, cache, bin string
	library         []byte
	tarball         []byte
}

func newFetch(t *testing.T) *fetch {
	t.Helper()
	f := &fetch{dir: t.TempDir(), cache: t.TempDir(), bin: t.TempDir(), library: []byte("a library")}
	f.tarball = packed(t, f.library)
	for _, name := range []string{"engine.sh", "fetch.sh"} {
		script, err := os.ReadFile(name)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(f.dir, name), script, 0o600))
	}
	f.pin(t, f.tarball, f.library)
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "served.tgz"), f.tarball, 0o600))
	// What the script needs of the system, and nothing else.
	for tool := range strings.FieldsSeq("bash sh env uname sed head grep stat tar sha256sum flock mkdir rm df awk mktemp kill du cut sleep find chmod mv cat touch dirname node cp gzip sync") {
		path, err := exec.LookPath(tool)
		require.NoError(t, err)
		require.NoError(t, os.Symlink(path, filepath.Join(f.bin, tool)))
	}
	f.command(t, "uname", `if [ "$1" = -m ]; then echo x86_64; else echo Linux; fi`)
	f.npm(t, `cp `+filepath.Join(f.dir, "served.tgz")+` "$4/engine.tgz"`)
	return f
}

// packed is an npm package that holds a library.
func packed(t *testing.T, library []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	require.NoError(t, archive.WriteHeader(&tar.Header{Name: "package/libchdb.so", Mode: 0o755, Size: int64(len(library))}))
	_, err := archive.Write(library)
	require.NoError(t, err)
	require.NoError(t, archive.Close())
	require.NoError(t, zipped.Close())
	return out.Bytes()
}

// pin writes the hashes that the script compares with.
func (f *fetch) pin(t *testing.T, tarball, library []byte) {
	t.Helper()
	integrity, sum := sha512.Sum512(tarball), sha256.Sum256(library)
	line := fmt.Sprintf("# pins\nx86_64 @chdb/lib 1.2.3 sha512-%s %d %s %d\n", base64.StdEncoding.EncodeToString(integrity[:]), len(tarball), hex.EncodeToString(sum[:]), len(f.library))
	require.NoError(t, os.WriteFile(filepath.Join(f.dir, "engine.pins"), []byte(line), 0o600))
}

// command replaces one of the commands that the script calls.
func (f *fetch) command(t *testing.T, name, script string) {
	t.Helper()
	path := filepath.Join(f.bin, name)
	require.NoError(t, os.RemoveAll(path))
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700))
}

// npm is called as `npm pack PACKAGE@VERSION --pack-destination DIR …`.
func (f *fetch) npm(t *testing.T, script string) {
	t.Helper()
	f.command(t, "npm", `[ "$1 $2 $3" = "pack @chdb/lib@1.2.3 --pack-destination" ] || exit 9; echo called >>`+filepath.Join(f.dir, "calls")+"\n"+script)
}

func (f *fetch) calls(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dir, "calls"))
	if !os.IsNotExist(err) {
		require.NoError(t, err)
	}
	return strings.Count(string(text), "called")
}

func (f *fetch) start(t *testing.T) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "bash", filepath.Join(f.dir, "engine.sh"))
	command.Env = []string{"PATH=" + f.bin, "XDG_CACHE_HOME=" + f.cache, "HOME=/nowhere"}
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	require.NoError(t, command.Start())
	return command, &out
}

func (f *fetch) run(t *testing.T) (string, error) {
	t.Helper()
	command, out := f.start(t)
	err := command.Wait()
	return out.String(), err
}

func (f *fetch) installed() string { return filepath.Join(f.cache, "daybook/engine/1.2.3/libchdb.so") }

// requireNothing checks that nothing was installed or left.
func (f *fetch) requireNothing(t *testing.T) {
	t.Helper()
	require.NoFileExists(t, f.installed())
	left, err := filepath.Glob(filepath.Join(f.cache, "daybook/engine/.fetch-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestEngine_FetchedOnce(t *testing.T) {
	f := newFetch(t)
	out, err := f.run(t)
	require.NoError(t, err, out)
	got, err := os.ReadFile(f.installed())
	require.NoError(t, err)
	require.Equal(t, f.library, got)
	entries, err := os.ReadDir(filepath.Join(f.cache, "daybook/engine"))
	require.NoError(t, err)
	require.Len(t, entries, 2, "the version's folder and the lock; no tarball")

	out, err = f.run(t)
	require.NoError(t, err)
	require.Equal(t, "engine: ClickHouse 1.2.3 is in "+f.installed()+"\n", out)
	require.Equal(t, 1, f.calls(t))
}

func TestEngine_CutLibraryIsFetchedAgain(t *testing.T) {
	f := newFetch(t)
	require.NoError(t, os.MkdirAll(filepath.Dir(f.installed()), 0o700))
	require.NoError(t, os.WriteFile(f.installed(), f.library[:3], 0o600))
	out, err := f.run(t)
	require.NoError(t, err, out)
	got, err := os.ReadFile(f.installed())
	require.NoError(t, err)
	require.Equal(t, f.library, got)
}

func TestEngine_Faults(t *testing.T) {
	for name, test := range map[string]struct {
		change func(t *testing.T, f *fetch)
		says   string
	}{
		"another tarball": {func(t *testing.T, f *fetch) {
			require.NoError(t, os.WriteFile(filepath.Join(f.dir, "served.tgz"), packed(t, []byte("malicious")), 0o600))
		}, "the tarball of @chdb/lib@1.2.3 has the wrong hash; nothing was installed\n  expected sha512-"},
		"another library": {func(t *testing.T, f *fetch) { f.pin(t, f.tarball, []byte("malicious")) }, "libchdb.so has the wrong hash; nothing was installed"},
		"no library": {func(t *testing.T, f *fetch) {
			empty := []byte("no archive")
			require.NoError(t, os.WriteFile(filepath.Join(f.dir, "served.tgz"), empty, 0o600))
			f.pin(t, empty, f.library)
		}, "the tarball holds no libchdb.so; nothing was installed"},
		"npm fails":         {func(t *testing.T, f *fetch) { f.npm(t, "echo 'npm error network is down' >&2; exit 1") }, "npm error network is down\nengine: npm could not fetch @chdb/lib@1.2.3; nothing was installed\n"},
		"npm gives nothing": {func(t *testing.T, f *fetch) { f.npm(t, "exit 0") }, "npm left no tarball"},
		"no npm":            {func(t *testing.T, f *fetch) { require.NoError(t, os.Remove(filepath.Join(f.bin, "npm"))) }, "engine: npm is not installed, and it fetches the embedded ClickHouse; install Node.js 20 or newer with npm\n"},
		"another machine":   {func(t *testing.T, f *fetch) { f.command(t, "uname", "echo riscv64") }, "no embedded ClickHouse is pinned for riscv64 on riscv64; install ClickHouse 26.7 or newer"},
		"full disk":         {func(t *testing.T, f *fetch) { f.command(t, "df", "echo; echo a b c 1024 d") }, "MiB of free space while fetching, and has 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFetch(t)
			test.change(t, f)
			out, err := f.run(t)
			require.Error(t, err)
			require.Contains(t, out, test.says)
			f.requireNothing(t)
		})
	}
}

func TestEngine_CutOff(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			// Whoever runs the tests may have it ignored, as nohup does; what is started here is told by it all the same.
			told := make(chan os.Signal, 1)
			ossignal.Notify(told, signal)
			defer ossignal.Stop(told)
			f := newFetch(t)
			began := filepath.Join(f.dir, "began")
			f.npm(t, `echo part >"$4/engine.tgz"; echo $$ >`+began+`.new; mv `+began+`.new `+began+`; exec sleep 60`)
			command, out := f.start(t)
			npm := waitForPid(t, began)
			require.NoError(t, command.Process.Signal(signal))
			require.Error(t, command.Wait())
			if signal == syscall.SIGKILL {
				require.NoError(t, syscall.Kill(npm, syscall.SIGKILL))
			} else {
				require.Contains(t, out.String(), "cut off; nothing was installed")
				require.ErrorIs(t, syscall.Kill(npm, 0), syscall.ESRCH, "npm goes on")
				f.requireNothing(t)
			}
			f.npm(t, `cp `+filepath.Join(f.dir, "served.tgz")+` "$4/engine.tgz"`)
			again, err := f.run(t)
			require.NoError(t, err, again)
			require.FileExists(t, f.installed())
			require.NoError(t, os.Remove(f.installed()))
			f.requireNothing(t)
		})
	}
}

func waitForPid(t *testing.T, path string) (pid int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := os.ReadFile(path); err == nil {
			_, err := fmt.Sscan(string(text), &pid)
			require.NoError(t, err)
			return pid
		}
		require.True(t, time.Now().Before(deadline), "%s does not appear", path)
		<-tick.C
	}
}

func TestEngine_TwoAtOnce(t *testing.T) {
	f := newFetch(t)
	began, go1 := filepath.Join(f.dir, "began"), filepath.Join(f.dir, "go")
	require.NoError(t, syscall.Mkfifo(go1, 0o600))
	f.npm(t, `echo $$ >`+began+`.new; mv `+began+`.new `+began+`; cat `+go1+` >/dev/null; cp `+filepath.Join(f.dir, "served.tgz")+` "$4/engine.tgz"`)
	first, _ := f.start(t)
	waitForPid(t, began)
	second, said := f.start(t)
	require.NoError(t, os.WriteFile(go1, []byte("go"), 0o600))
	require.NoError(t, first.Wait())
	require.NoError(t, second.Wait())
	require.Contains(t, said.String(), "ClickHouse 1.2.3 is in")
	require.Equal(t, 1, f.calls(t))
}

func TestEngine_OtherEngines(t *testing.T) {
	f := newFetch(t)
	f.command(t, "clickhouse", "echo 'ClickHouse local version 26.8.1.1 (official build).'")
	out, err := f.run(t)
	require.NoError(t, err)
	require.Equal(t, "engine: using "+filepath.Join(f.bin, "clickhouse")+" (ClickHouse 26.8)\n", out)
	f.requireNothing(t)

	f.command(t, "clickhouse", "echo 'ClickHouse local version 25.3.1.1 (official build).'")
	out, err = f.run(t)
	require.NoError(t, err)
	require.Contains(t, out, "which is older than ClickHouse 26.7")
	require.FileExists(t, f.installed())
}

func TestEngine_PinsAreOfTheVersionInUse(t *testing.T) {
	pins, err := os.ReadFile("engine.pins")
	require.NoError(t, err)
	for line := range strings.Lines(string(pins)) {
		if !strings.HasPrefix(line, "#") {
			require.Equal(t, embedded.EngineVersion, strings.Fields(line)[2])
		}
	}
}
