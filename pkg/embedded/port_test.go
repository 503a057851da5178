package embedded_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/embedded"
)

// Nobody gets the port that ClickHouse was started for, however long it takes to
// listen there: another ClickHouse on it would answer in its name.
func TestClickHouse_PortIsHeldBeforeItListens(t *testing.T) {
	dir := t.TempDir()
	slow, said := filepath.Join(dir, "clickhouse"), filepath.Join(dir, "port")
	require.NoError(t, os.WriteFile(slow, []byte("#!/bin/sh\n"+
		`for arg; do case "$arg" in --tcp_port=*) echo "${arg#*=}" > `+said+".new && mv "+said+".new "+said+";; esac; done\ncat\n"), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: t.TempDir(), Addr: "127.0.0.1:0", Engine: slow})
		ended <- err
	}()
	var port []byte
	require.Eventually(t, func() bool {
		var err error
		port, err = os.ReadFile(said)
		return err == nil
	}, 20*time.Second, 10*time.Millisecond)
	// As one who asks for any port, and gets one that nobody has.
	ordinary := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(socket uintptr) {
			_ = syscall.SetsockoptInt(int(socket), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
		})
	}}
	_, err := ordinary.Listen(t.Context(), "tcp", "127.0.0.1:"+strings.TrimSpace(string(port)))
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	cancel()
	require.Error(t, <-ended)
}
