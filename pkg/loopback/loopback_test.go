package loopback

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// taken reports whether a port is someone's: the kernel's rule for those who
// don't say that they may share it, and for those who ask for any port.
func taken(t *testing.T, addr string) bool {
	t.Helper()
	tcp, err := net.ResolveTCPAddr("tcp", addr)
	require.NoError(t, err)
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	defer func() { require.NoError(t, syscall.Close(socket)) }()
	err = syscall.Bind(socket, &syscall.SockaddrInet4{Port: tcp.Port, Addr: [4]byte(tcp.IP.To4())})
	if err != nil {
		require.ErrorIs(t, err, syscall.EADDRINUSE)
	}
	return err != nil
}

func TestPorts_AreHeldWhetherUsedOrNot(t *testing.T) {
	held, err := Hold(3)
	require.NoError(t, err)
	addrs := held.Take(3)
	require.NotEqual(t, addrs[0], addrs[1])
	require.NotEqual(t, addrs[1], addrs[2])
	for _, addr := range addrs {
		require.True(t, taken(t, addr))
		for range 2 {
			listener, err := net.Listen("tcp", addr)
			require.NoError(t, err, "its owner may use it, again and again")
			require.NoError(t, listener.Close())
			require.True(t, taken(t, addr))
		}
	}
	held.Release()
	require.False(t, taken(t, addrs[0]))
}
