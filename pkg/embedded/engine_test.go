package embedded_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/embedded"
)

// executableFile writes a script under a name into a new folder, and returns the folder.
func executableFile(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700))
	return dir
}

func TestEnginePath(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("PATH", "/nowhere")
	t.Setenv(embedded.EngineEnv, "")

	_, err := embedded.EnginePath()
	require.ErrorIs(t, err, embedded.ErrNoEngine)
	require.ErrorContains(t, err, "make engine")

	library := filepath.Join(cache, "daybook", "engine", embedded.EngineVersion, "libchdb.so")
	require.NoError(t, os.MkdirAll(filepath.Dir(library), 0o700))
	require.NoError(t, os.WriteFile(library, nil, 0o600))
	path, err := embedded.EnginePath()
	require.NoError(t, err)
	require.Equal(t, library, path)

	for version, want := range map[string]bool{
		"ClickHouse local version 26.7.3.1 (official build).":  true,
		"ClickHouse local version 26.10.1.1 (official build).": true,
		"ClickHouse local version 27.1.1.1 (official build).":  true,
		"ClickHouse local version 26.6.9.9 (official build).":  false,
		"ClickHouse local version 9.9.1.1 (official build).":   false,
		"something that is no ClickHouse":                      false,
	} {
		dir := executableFile(t, "clickhouse", "echo '"+version+"'")
		t.Setenv("PATH", dir)
		path, err := embedded.EnginePath()
		require.NoError(t, err)
		require.Equal(t, want, path == filepath.Join(dir, "clickhouse"), version)
	}
	t.Setenv("PATH", executableFile(t, "clickhouse", "exit 1"))
	path, err = embedded.EnginePath()
	require.NoError(t, err)
	require.Equal(t, library, path, "a clickhouse that doesn't run")

	t.Setenv(embedded.EngineEnv, "/no/such/engine")
	_, err = embedded.EnginePath()
	require.ErrorContains(t, err, embedded.EngineEnv)
	t.Setenv(embedded.EngineEnv, cache)
	_, err = embedded.EnginePath()
	require.ErrorContains(t, err, "is a folder")
	t.Setenv(embedded.EngineEnv, library)
	path, err = embedded.EnginePath()
	require.NoError(t, err)
	require.Equal(t, library, path)
}

// A clickhouse binary is run as `clickhouse local`, with the same arguments. This
// one hands them to the library.
func TestClickHouse_Binary(t *testing.T) {
	library, err := embedded.EnginePath()
	if err != nil || !strings.HasSuffix(library, ".so") {
		clickhousetest.Server(t) // Skips or fails, with the reason.
		t.Skip("SKIP: the engine is a clickhouse binary, which every other test has run")
	}
	dir := executableFile(t, "clickhouse", `test "$1" = local || exit 9; shift; exec '`+clickhousetest.Executable(t)+`' engine '`+library+`' "$@"`)
	server := clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Engine = filepath.Join(dir, "clickhouse") })
	require.NoError(t, open(t, server).Ping(t.Context()))
}
