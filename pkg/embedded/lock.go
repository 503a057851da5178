package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Lock is the right to use a data folder. The kernel gives it back when the
// process ends, however it ends.
type Lock struct{ file *os.File }

// LockDir creates the data folder where it is missing, makes sure that it can
// be written to, and locks it for this process. The error is one line for the
// user: it names the process that holds the folder, or what is wrong with it.
func LockDir(dir string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("embedded.dir: cannot create the data folder: %w", err)
	}
	path := filepath.Join(dir, "LOCK")
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("embedded.dir: cannot write to the data folder: %w", err)
	}
	switch err := flock(file); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		defer func() { _ = file.Close() }()
		return nil, fmt.Errorf("embedded.dir: %s is in use by another daybook%s; stop it, or set another folder", dir, holder(file))
	case err != nil:
		return nil, errors.Join(fmt.Errorf("embedded.dir: cannot lock the data folder: %w", err), file.Close())
	}
	if err := writePid(file, os.Getpid()); err != nil {
		return nil, errors.Join(fmt.Errorf("embedded.dir: cannot write to the data folder: %w", err), file.Close())
	}
	return &Lock{file: file}, nil
}

// Close gives the folder back. The file stays: removing it would let two
// processes lock two files of the same name.
func (l *Lock) Close() error { return l.file.Close() }

// awaitLock locks a file that a dying process may still hold: it waits, kills
// the holder with force after patience, and fails a little later, or with ctx.
func awaitLock(ctx context.Context, path string, patience time.Duration) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	kill, giveUp := time.After(patience), time.After(patience+5*time.Second)
	for {
		err := flock(file)
		if err == nil {
			return file, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		select {
		case <-tick.C:
		case <-kill:
			// The pid is safe to use: its process still holds the lock.
			if pid := readPid(file); pid > 1 {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		case <-giveUp:
			return nil, errors.Join(fmt.Errorf("%s is held by another process%s", path, holder(file)), file.Close())
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for %s: %w", path, context.Cause(ctx)), file.Close())
		}
	}
}

func flock(file *os.File) error {
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

func writePid(file *os.File, pid int) error {
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err := file.WriteAt([]byte(strconv.Itoa(pid)+"\n"), 0)
	return err
}

func readPid(file *os.File) int {
	text := make([]byte, 20)
	n, _ := file.ReadAt(text, 0) // A short read is the usual case, and an unreadable file has no pid.
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return 0
	}
	return pid
}

func holder(file *os.File) string {
	if pid := readPid(file); pid > 0 {
		return fmt.Sprintf(" (process %d)", pid)
	}
	return ""
}
