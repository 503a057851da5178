package embedded

import (
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listenError says in one line what is wrong with an address that a setting gave.
func listenError(setting, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%s: %s is in use by another process; stop it, or set another address", setting, addr)
	}
	return fmt.Errorf("%s: cannot listen on %s: %w", setting, addr, err)
}

// reachable returns the address under which local clients reach a listener:
// the one it has, but for one that stands for every interface.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
