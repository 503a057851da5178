package kafkatest

import (
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// ports are addresses on loopback that only those get who ask for them: brokers
// and proxies that end and come back on the same one. Each is held by a socket
// that is bound to it and doesn't listen, beside which another may listen, while
// the kernel gives the port to nobody who asks for any.
type ports struct {
	addrs   []string
	sockets []int
}

func holdPorts(n int) (_ *ports, err error) {
	p := &ports{}
	defer func() {
		if err != nil {
			p.release()
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

// take returns the next n addresses.
func (p *ports) take(n int) []string {
	taken := p.addrs[:n]
	p.addrs = p.addrs[n:]
	return taken
}

func (p *ports) release() {
	for _, socket := range p.sockets {
		_ = syscall.Close(socket) // It has no data.
	}
	p.sockets = nil
}
