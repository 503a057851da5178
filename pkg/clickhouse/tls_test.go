package clickhouse_test

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/clienttls"
	"daybook/pkg/clienttls/tlstest"
)

// behindTLS returns an address where a ClickHouse is reached over TLS, with a client's
// certificate alone where clients is not nil.
func behindTLS(t *testing.T, addr string, files tlstest.Files, clients *x509.CertPool) string {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(files.Server.Cert, files.Server.Key)
	require.NoError(t, err)
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if clients != nil {
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, clients
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	var open sync.WaitGroup
	open.Go(func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { forward(from, addr) })
		}
	})
	t.Cleanup(func() { require.NoError(t, listener.Close()); open.Wait() })
	return listener.Addr().String()
}

// forward passes on what comes and goes until either side ends it.
func forward(from net.Conn, addr string) {
	defer func() { _ = from.Close() }()
	if from.(*tls.Conn).Handshake() != nil {
		return
	}
	to, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(way[1], way[0])
			_ = way[0].Close()
			_ = way[1].Close()
		})
	}
	both.Wait()
}

// A ClickHouse is reached over TLS, with a client's certificate where it wants one; and
// where it isn't, the error says which setting to look at.
func TestOpen_TLS(t *testing.T) {
	config := clickhousetest.Start(t)
	files := tlstest.Make(t, "daybook")
	plain := config.Addrs[0]
	clients := x509.NewCertPool()
	ca, err := os.ReadFile(files.CA)
	require.NoError(t, err)
	require.True(t, clients.AppendCertsFromPEM(ca))
	open, mutual := behindTLS(t, plain, files, nil), behindTLS(t, plain, files, clients)
	trusting := clienttls.Config{Enabled: true, CA: files.CA}
	known := trusting
	known.Cert, known.Key = files.Client.Cert, files.Client.Key
	for name, c := range map[string]struct {
		addr  string
		tls   clienttls.Config
		error string
	}{
		"TLS":                {open, trusting, ""},
		"mutual TLS":         {mutual, known, ""},
		"any certificate":    {open, clienttls.Config{Enabled: true, Insecure: true}, ""},
		"unknown CA":         {open, clienttls.Config{Enabled: true, CA: files.Stranger}, "clickhouse.tls.ca"},
		"no certificate":     {mutual, trusting, "clickhouse.tls.cert"},
		"plain where TLS is": {open, clienttls.Config{}, "clickhouse.tls.enabled"},
		"TLS where plain is": {plain, trusting, "clickhouse.tls.enabled"},
	} {
		t.Run(name, func(t *testing.T) {
			config := config
			config.Addrs, config.TLS = []string{c.addr}, c.tls
			conn, err := clickhouse.Open(t.Context(), config)
			if c.error == "" {
				require.NoError(t, err)
				var one uint8
				require.NoError(t, conn.QueryRow(t.Context(), "SELECT 1").Scan(&one))
				require.NoError(t, conn.Close())
				return
			}
			require.ErrorContains(t, err, c.error)
			require.Equal(t, errors.Is(err, io.EOF), clickhouse.IsRetriable(err), "%v", err)
		})
	}
}
