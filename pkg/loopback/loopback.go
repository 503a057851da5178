// Package loopback holds ports on 127.0.0.1 for servers that are started as
// processes, or that come back on the port they had. A port that was merely free
// a moment ago may be somebody else's by the time the server binds it.
package loopback

import (
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// Ports are addresses that only those get who ask for them by number. Each is
// held by a socket that is bound to it and doesn't listen, beside which a server
// that sets SO_REUSEADDR may listen, while the kernel gives the port to nobody who asks
// for any.
type Ports struct {
	addrs   []string
	sockets []int
}

// Hold holds n ports until Release.
func Hold(n int) (_ *Ports, err error) {
	p := &Ports{}
	defer func() {
		if err != nil {
			p.Release()
		}
	}()
	for range n {
		syscall.ForkLock.RLock() // As net does: a child must not inherit it.
		socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		if err == nil {
			syscall.CloseOnExec(socket)
		}
		syscall.ForkLock.RUnlock()
		if err != nil {
			return nil, fmt.Errorf("hold a port: %w", err)
		}
		p.sockets = append(p.sockets, socket)
		if err := syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
			return nil, fmt.Errorf("hold a port: %w", err)
		}
		if err := syscall.Bind(socket, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
			return nil, fmt.Errorf("hold a port: %w", err)
		}
		name, err := syscall.Getsockname(socket)
		if err != nil {
			return nil, fmt.Errorf("hold a port: %w", err)
		}
		p.addrs = append(p.addrs, net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port)))
	}
	return p, nil
}

// Take returns the next n addresses.
func (p *Ports) Take(n int) []string {
	taken := p.addrs[:n]
	p.addrs = p.addrs[n:]
	return taken
}

// Release gives the ports up. Who listens on them goes on.
func (p *Ports) Release() {
	for _, socket := range p.sockets {
		_ = syscall.Close(socket) // It has no data.
	}
	p.sockets = nil
}
