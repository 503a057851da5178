package httpserver

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	"go.uber.org/zap/zaptest/observer"
)

// detached is a route whose answer goes on after its handler.
func detached(serve func(context.Context, *Body)) Route {
	return Route{Method: "GET", Path: "/stream", Public: true, Stream: true, Handler: func(c echo.Context) error {
		c.Response().Header().Set("Content-Type", "text/plain")
		err := Detach(c.Response(), serve)
		if errors.Is(err, http.ErrNotSupported) {
			return c.String(http.StatusOK, "not detached")
		}
		return err
	}}
}

// ask sends a request for it on a connection of its own.
func ask(t *testing.T, url, proto string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(30*time.Second)))
	_, err = io.WriteString(conn, "GET /stream "+proto+"\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n")
	require.NoError(t, err)
	return conn, bufio.NewReader(conn)
}

func TestDetach(t *testing.T) {
	more := make(chan struct{})
	core, logs := observer.New(zap.InfoLevel)
	registry := prometheus.NewRegistry()
	url := serve(t, Config{Addr: "127.0.0.1:0"}, Deps{Log: zap.New(core), Registry: registry, Keys: testKeys, Ready: NewReadiness(), Routes: []Route{
		detached(func(ctx context.Context, body *Body) {
			require.NoError(t, body.SetWriteDeadline(time.Now().Add(10*time.Second)))
			n, err := body.Write([]byte("one "))
			require.NoError(t, err)
			require.Equal(t, 4, n)
			<-more
			require.NoError(t, ctx.Err())
			require.NoError(t, body.WriteChunks(4, []byte("4\r\ntwo \r\n")))
			require.NoError(t, body.WriteChunks(11, []byte("6\r\nthree \r\n"), []byte("5\r\nfour \r\n")))
			require.NoError(t, body.Flush())
		}),
	}})
	_, reader := ask(t, url, "HTTP/1.1")
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	require.Equal(t, 200, response.StatusCode)
	require.Equal(t, []string{"chunked"}, response.TransferEncoding)
	require.True(t, response.Close)
	for name, want := range map[string]string{"Content-Type": "text/plain", "X-Request-Id": "mine", "X-Content-Type-Options": "nosniff"} {
		require.Equal(t, want, response.Header.Get(name), name)
	}
	_, err = http.ParseTime(response.Header.Get("Date"))
	require.NoError(t, err)
	first := make([]byte, 4)
	_, err = io.ReadFull(response.Body, first)
	require.NoError(t, err)

	require.Empty(t, logs.FilterMessage("request").All(), "it has not ended")
	requireMetrics(t, registry, `daybook_http_requests_in_flight{route="/stream"} 1`)
	close(more)
	rest, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.Equal(t, "one two three four ", string(first)+string(rest))
	_, err = reader.ReadByte()
	require.ErrorIs(t, err, io.EOF, "the connection ends with the answer")

	require.Eventually(t, func() bool { return logs.FilterMessage("request").Len() == 1 }, 10*time.Second, time.Millisecond)
	entry := logs.FilterMessage("request").All()[0].ContextMap()
	require.Equal(t, "mine", entry["request_id"])
	require.Equal(t, "/stream", entry["route"])
	require.Equal(t, int64(200), entry["status"])
	require.Equal(t, int64(19), entry["bytes"])
	requireMetrics(t, registry, `daybook_http_requests_in_flight{route="/stream"} 0`,
		`daybook_http_response_bytes_total{route="/stream"} 19`, `daybook_http_requests_total{method="GET",route="/stream",status="200"} 1`)
	require.NotContains(t, metricsText(t, registry), "daybook_http_request_duration_seconds_count")
}

// Whoever leaves is noticed, also while nothing is written; whoever goes on to
// send something has not left.
func TestDetach_ClientLeaves(t *testing.T) {
	for _, sends := range []string{"", "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"} {
		t.Run("sends "+sends, func(t *testing.T) {
			began, left, leave := make(chan struct{}), make(chan error, 1), make(chan struct{})
			url := start(t, zaptest.NewLogger(t), detached(func(ctx context.Context, body *Body) {
				_, _ = body.Write([]byte("x"))
				close(began)
				select {
				case <-ctx.Done():
				case <-leave:
				}
				left <- ctx.Err()
			}))
			conn, _ := ask(t, url, "HTTP/1.1")
			<-began
			if sends != "" {
				_, err := io.WriteString(conn, sends)
				require.NoError(t, err)
				select {
				case err := <-left:
					t.Errorf("it was taken for gone: %v", err)
				case <-time.After(100 * time.Millisecond):
				}
				close(leave)
				require.NoError(t, <-left)
				return
			}
			require.NoError(t, conn.Close())
			require.Error(t, <-left)
		})
	}
}

// An answer that was cut in mid-chunk must not look whole.
func TestDetach_WriteFails(t *testing.T) {
	failed := make(chan error, 1)
	url := start(t, zaptest.NewLogger(t), detached(func(_ context.Context, body *Body) {
		big := make([]byte, 1<<20)
		for {
			_ = body.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := body.Write(big); err != nil {
				failed <- err
				return
			}
		}
	}))
	_, reader := ask(t, url, "HTTP/1.1")
	var timeout net.Error
	require.ErrorAs(t, <-failed, &timeout)
	require.True(t, timeout.Timeout())
	response, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// Nor may one that lacks a chunk.
func TestBody_WriteFails(t *testing.T) {
	client, conn := net.Pipe()
	body := &Body{conn: conn}
	require.NoError(t, body.SetWriteDeadline(time.Now()))
	_, err := body.Write([]byte("lost"))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	go func() {
		body.end()
		_ = conn.Close() // There is nobody to tell.
	}()
	text, err := io.ReadAll(client)
	require.NoError(t, err)
	require.Empty(t, text)
}

// Where net/http has to stay it does, and the handler goes on.
func TestDetach_NotSupported(t *testing.T) {
	dir := t.TempDir()
	files := TLS{Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem")}
	roots := x509.NewCertPool()
	roots.AddCert(writePair(t, files, 1))
	route := detached(func(_ context.Context, body *Body) { _, _ = body.Write([]byte("detached")) })
	for _, c := range []struct {
		name, want string
		tls, http2 bool
	}{{"TLS", "detached", true, false}, {"HTTP/2", "not detached", true, true}, {"plain", "detached", false, false}} {
		t.Run(c.name, func(t *testing.T) {
			config := Config{Addr: "127.0.0.1:0"}
			if c.tls {
				config.TLS = files
			}
			url := serve(t, config, Deps{Log: zaptest.NewLogger(t), Registry: prometheus.NewRegistry(), Keys: testKeys, Ready: NewReadiness(), Routes: []Route{route}})
			transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: c.http2}
			defer transport.CloseIdleConnections()
			response, err := (&http.Client{Transport: transport}).Get(url + "/stream")
			require.NoError(t, err)
			defer func() { _ = response.Body.Close() }()
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, c.want, string(text))
			require.Equal(t, c.http2, response.ProtoMajor == 2)
		})
	}
	t.Run("HTTP/1.0", func(t *testing.T) {
		_, reader := ask(t, start(t, zaptest.NewLogger(t), route), "HTTP/1.0")
		text, err := io.ReadAll(reader)
		require.NoError(t, err)
		require.True(t, strings.HasSuffix(string(text), "\r\n\r\nnot detached"), "%s", text)
	})
	require.ErrorIs(t, Detach(nil, nil), http.ErrNotSupported)
}

// A server that stops waits for the streams' last words, and closes the
// connections of those that have none.
func TestDetach_Shutdown(t *testing.T) {
	var streams Streams
	for _, patient := range []bool{true, false} {
		client, conn := net.Pipe()
		began, bye := make(chan struct{}), make(chan struct{})
		d := &Detachable{streams: &streams, body: &Body{conn: conn}, serve: func(ctx context.Context, body *Body) {
			close(began)
			select {
			case <-bye:
				_, _ = body.Write([]byte("bye"))
			case <-ctx.Done():
			}
		}}
		require.True(t, d.Start(nil))
		<-began
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		waited := make(chan struct{})
		go func() {
			streams.Wait(ctx)
			close(waited)
		}()
		if patient {
			select {
			case <-waited:
				t.Fatal("nobody has waited")
			case <-time.After(50 * time.Millisecond):
			}
			close(bye)
			text, err := io.ReadAll(httputil.NewChunkedReader(client))
			require.NoError(t, err)
			require.Equal(t, "bye", string(text))
		} else {
			cancel()
			_, err := client.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF)
		}
		<-waited
	}
}
