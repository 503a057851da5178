package embedded_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/embedded"
)

// holder is a process that holds a data folder until it is killed.
func holder() {
	lock, err := embedded.LockDir(os.Getenv("DAYBOOK_TEST_DIR"))
	fmt.Println(err)
	<-time.After(time.Hour)
	_ = lock
}

func TestLockDir_HeldByAnotherProcess(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	process, line := startSelf(t, "holder", "DAYBOOK_TEST_DIR="+dir)
	require.Equal(t, "<nil>", line)
	_, err := embedded.LockDir(dir)
	require.EqualError(t, err, fmt.Sprintf("embedded.dir: %s is in use by another daybook (process %d); stop it, or set another folder", dir, process.Process.Pid))

	require.NoError(t, process.Process.Kill())
	_ = process.Wait() // It was killed.
	lock, err := embedded.LockDir(dir)
	require.NoError(t, err, "what a killed process held")
	require.NoError(t, lock.Close())
	lock, err = embedded.LockDir(dir)
	require.NoError(t, err, "what was given back")
	require.NoError(t, lock.Close())
}

func TestLockDir_Unusable(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := embedded.LockDir(file)
	require.ErrorContains(t, err, "embedded.dir: cannot create the data folder")
	require.ErrorContains(t, err, file)

	_, err = embedded.LockDir(filepath.Join(file, "below"))
	require.ErrorContains(t, err, "embedded.dir: cannot create the data folder")

	_, err = embedded.LockDir("/proc/self") // Nobody can write there, root included.
	require.ErrorContains(t, err, "embedded.dir: cannot write to the data folder")
}
