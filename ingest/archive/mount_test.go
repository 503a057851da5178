package archive

import (
	"syscall"
	"testing"
)

// mountTmpfs puts a file system of a size in a folder for the time of a test.
func mountTmpfs(t *testing.T, dir, size string) error {
	t.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		return err
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return nil
}

func remount(dir, size string) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size="+size)
}
