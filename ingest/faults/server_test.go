//go:build faultpoints

package faults

import (
	"syscall"
	"testing"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/embedded"
	"daybook/pkg/kafka/kafkatest"
)

// server is a ClickHouse of the test's own.
type server struct {
	s *stack
	*embedded.ClickHouse
	dir string
}

// onBothWithServer is onBoth with a ClickHouse that the test may kill.
func onBothWithServer(t *testing.T, test func(s *stack, server *server)) {
	t.Helper()
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		t.Parallel()
		v := startServer(t)
		v.s = newStack(t, kafkatest.Start(t, kind), clickhousetest.Config(t, v.ClickHouse))
		test(v.s, v)
	})
}

func startServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	return &server{dir: dir, ClickHouse: clickhousetest.Server(t, func(c *embedded.ClickHouseConfig) { c.Dir = dir })}
}

// killed kills the server's process and waits until its supervisor has started another.
func (v *server) killed() {
	v.s.Helper()
	before := v.Pid()
	v.signal(syscall.SIGKILL)
	v.s.until("the server to be back", func() (bool, string) {
		pid := v.Pid()
		return pid != 0 && pid != before, ""
	})
}

// inOrder shuts the server down as an operator would, and starts it again.
func (v *server) inOrder() {
	v.s.Helper()
	addr := v.Addr()
	if err := v.Close(); err != nil {
		v.s.Fatal(err)
	}
	v.ClickHouse = clickhousetest.Server(v.s, func(c *embedded.ClickHouseConfig) { c.Dir, c.Addr = v.dir, addr })
}

// signal sends a signal to the server's process.
func (v *server) signal(signal syscall.Signal) {
	v.s.Helper()
	pid := v.Pid()
	if pid == 0 { // Never signal process 0: that is everybody.
		v.s.Fatal("the server does not run")
	}
	if err := syscall.Kill(pid, signal); err != nil {
		v.s.Fatal(err)
	}
}
