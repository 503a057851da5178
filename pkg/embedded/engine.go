package embedded

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// EngineVersion is the version of the embedded ClickHouse that `make engine`
// fetches; scripts/engine.sh pins its hashes.
const EngineVersion = "26.7.3-stable.1"

// EngineEnv names the environment variable that says which engine to run: a
// libchdb.so or a clickhouse binary.
const EngineEnv = "DAYBOOK_ENGINE"

// The oldest clickhouse on PATH that is used: what Daybook is tested with.
const minMajor, minMinor = 26, 7

const libraryName = "libchdb.so"

// ErrNoEngine says that no embedded ClickHouse was found on this machine.
var ErrNoEngine = errors.New("the embedded ClickHouse is not here: run `make engine` to fetch it")

// EnginePath returns the engine to run: what DAYBOOK_ENGINE names, else a
// clickhouse binary on PATH of version 26.7 or newer, else the library that
// `make engine` keeps in the user's cache folder.
// It returns ErrNoEngine where there is none of them.
func EnginePath() (string, error) {
	if named := os.Getenv(EngineEnv); named != "" {
		if info, err := os.Stat(named); err != nil {
			return "", fmt.Errorf("%s: %w", EngineEnv, err)
		} else if info.IsDir() {
			return "", fmt.Errorf("%s: %s is a folder, not a libchdb.so or a clickhouse binary", EngineEnv, named)
		}
		return filepath.Abs(named)
	}
	if binary, err := exec.LookPath("clickhouse"); err == nil && recent(binary) {
		return filepath.Abs(binary)
	}
	folder, err := cacheFolder()
	if err != nil {
		return "", fmt.Errorf("%w (%w)", ErrNoEngine, err)
	}
	library := filepath.Join(folder, "engine", EngineVersion, libraryName)
	if _, err := os.Stat(library); errors.Is(err, fs.ErrNotExist) {
		return "", ErrNoEngine
	} else if err != nil {
		return "", fmt.Errorf("the embedded ClickHouse: %w", err)
	}
	return library, nil
}

// cacheFolder is where downloads are kept, shared by all clones of a user.
func cacheFolder() (string, error) {
	if dir := os.Getenv("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "daybook"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".cache", "daybook"), nil
}

var versionPattern = regexp.MustCompile(`version (\d+)\.(\d+)\.`)

// recent reports whether a clickhouse binary is new enough to be used.
func recent(binary string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "local", "--version").Output()
	if err != nil {
		return false
	}
	m := versionPattern.FindSubmatch(out)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	return major > minMajor || major == minMajor && minor >= minMinor
}

// isLibrary tells a libchdb.so, which our own child loads, from a binary.
func isLibrary(engine string) bool {
	name := filepath.Base(engine)
	return strings.HasSuffix(name, ".so") || strings.Contains(name, ".so.")
}
