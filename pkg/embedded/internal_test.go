package embedded

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/bytesize"
)

func FuzzReadHello(f *testing.F) {
	f.Add([]byte("\x00\x01c\x01\x01\x01\x07daybook\x07default\x00"))
	f.Add([]byte("\x00\x01c\x01\x01\x01\x00\x07default\x01x"))
	f.Add([]byte("GET / HTTP/1.1\r\n"))
	f.Add([]byte("\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		said, err := readHello(bytes.NewReader(in), map[string]string{defaultUser: ""})
		if err != nil {
			if refused, ok := errors.AsType[refusal](err); ok {
				require.NotEmpty(t, refused.packet())
			}
			return
		}
		require.True(t, bytes.HasPrefix(in, said.bytes), "what goes to ClickHouse is what came")
		require.Contains(t, string(said.bytes), said.database)
	})
}

func TestUsableMemory(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		want  bytesize.Size
	}{
		"nothing known":              {nil, 0},
		"machine":                    {map[string]string{"proc/meminfo": "MemTotal:        4194304 kB\nMemFree: 1 kB\n"}, 4 * bytesize.GiB},
		"container":                  {map[string]string{"proc/meminfo": "MemTotal: 4194304 kB\n", "sys/fs/cgroup/memory.max": "2147483648\n"}, 2 * bytesize.GiB},
		"container without a limit":  {map[string]string{"proc/meminfo": "MemTotal: 4194304 kB\n", "sys/fs/cgroup/memory.max": "max\n"}, 4 * bytesize.GiB},
		"old cgroup":                 {map[string]string{"proc/meminfo": "MemTotal: 4194304 kB\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n"}, bytesize.GiB},
		"old cgroup without a limit": {map[string]string{"proc/meminfo": "MemTotal: 4194304 kB\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 4 * bytesize.GiB},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			for path, text := range test.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, path)), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(root, path), []byte(text), 0o600))
			}
			require.Equal(t, test.want, usableMemory(root))
		})
	}
	require.GreaterOrEqual(t, DefaultMaxMemory(), leastMemory)
	require.LessOrEqual(t, DefaultMaxMemory(), mostMemory)
}

// The child of a killed process that hangs in its shutdown holds up the next
// one only so long.
func TestAwaitLock_HangingHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.lock")
	held, err := awaitLock(t.Context(), path, time.Minute)
	require.NoError(t, err)
	holder := exec.CommandContext(t.Context(), "sleep", "60")
	holder.ExtraFiles = []*os.File{held}
	require.NoError(t, holder.Start())
	require.NoError(t, writePid(held, holder.Process.Pid))
	require.NoError(t, held.Close())

	began := time.Now()
	lock, err := awaitLock(t.Context(), path, 200*time.Millisecond)
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond)
	require.Error(t, holder.Wait(), "it was killed")

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = awaitLock(ctx, path, time.Minute)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.NoError(t, lock.Close())
}
