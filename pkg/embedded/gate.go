package embedded

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// gate stands between the clients and ClickHouse:
//
//   - A connection that a client cuts ends in order on the other side. The
//     embedded ClickHouse aborts when a connection is reset in the middle of an
//     insert, or after one that failed: its answer then has nobody to go to, and
//     that exception is caught by no one. Here the answer is read and dropped,
//     and ClickHouse sees a plain end of the stream, on which it cancels what ran.
//   - What ClickHouse would refuse before the first query, and then abort, is
//     refused here (see hello.go).
//   - The address stays open while ClickHouse is started again. A new connection
//     waits for it instead of being refused.
//
// The bytes don't pass through this process: on Linux io.Copy splices them in
// the kernel.
type gate struct {
	listener net.Listener
	accounts map[string]string       // of the native protocol, whose clients introduce themselves first; nil: another
	backend  atomic.Pointer[backend] // changes with every start
	ctx      context.Context         // ends with close; owned by the gate, so it may be kept
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// backend is a running ClickHouse as a gate sees it.
type backend struct {
	addr  string
	probe driver.Conn // to ask it something
}

const (
	// gatePatience is how long a new connection waits for ClickHouse; less than
	// clients wait for an answer, so that they hear of a longer absence.
	gatePatience = 4 * time.Second
	// drainPatience bounds how long ClickHouse may take to end what a client has cut.
	drainPatience = time.Minute
	// helloPatience bounds how long a client may take to introduce itself.
	helloPatience = 10 * time.Second
)

// openGate starts to listen. Connections wait until a backend is set.
func openGate(setting, addr string, accounts map[string]string) (*gate, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, listenError(setting, addr, err)
	}
	g := &gate{listener: listener, accounts: accounts}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	g.running.Go(g.accept)
	return g, nil
}

func (g *gate) addr() string { return reachable(g.listener.Addr().String()) }

// cut ends the listener and every client's connection. ClickHouse sees the end
// of each, so that it doesn't wait for clients when it shuts down.
func (g *gate) cut() {
	g.cancel()
	_ = g.listener.Close() // Nothing is lost by a listener that fails to close.
}

// close cuts, and waits until all is ended.
func (g *gate) close() {
	g.cut()
	g.running.Wait()
}

func (g *gate) accept() {
	for {
		client, err := g.listener.Accept()
		switch {
		case err == nil:
			g.running.Go(func() { g.serve(client.(*net.TCPConn)) })
		case errors.Is(err, net.ErrClosed):
			return
		default: // Out of file descriptors, say: that passes.
			select {
			case <-time.After(50 * time.Millisecond):
			case <-g.ctx.Done():
				return
			}
		}
	}
}

// serve joins a client with ClickHouse until both sides have ended.
func (g *gate) serve(client *net.TCPConn) {
	defer func() { _ = client.Close() }()
	// Closing the gate is a cut by the client.
	stop := context.AfterFunc(g.ctx, func() { _ = client.Close() })
	defer stop()
	connect := g.dial
	if g.accounts != nil {
		connect = func() (*net.TCPConn, error) { return g.introduce(client) }
	}
	server, err := connect()
	if err != nil {
		return // The client sees its connection end.
	}
	defer func() { _ = server.Close() }()
	var answers sync.WaitGroup
	answers.Go(func() {
		if _, err := io.Copy(client, server); err != nil {
			// The client is gone, or ClickHouse: then this ends at once.
			_, _ = io.Copy(io.Discard, server)
		}
		_ = client.Close() // ClickHouse has hung up, so the requests end too.
	})
	_, _ = io.Copy(server, client)
	// However the client has ended: an end, not a reset.
	_ = server.CloseWrite()
	_ = server.SetReadDeadline(time.Now().Add(drainPatience))
	answers.Wait()
}

// dial connects to ClickHouse, and waits for it while it is starting.
func (g *gate) dial() (*net.TCPConn, error) {
	ctx, cancel := context.WithTimeout(g.ctx, gatePatience)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		if backend := g.backend.Load(); backend != nil {
			conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", backend.addr)
			if err == nil {
				return conn.(*net.TCPConn), nil
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
