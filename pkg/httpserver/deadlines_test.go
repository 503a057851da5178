package httpserver

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
)

// pipeListener serves in-memory connections, whose deadlines follow the clock
// of a synctest bubble.
type pipeListener struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.connections:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }

// inBubble serves the route to one connection within a synctest bubble.
func inBubble(t *testing.T, route Route, client func(conn net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		route.Method, route.Path, route.Public = http.MethodPost, "/x", true
		server, err := New(DefaultConfig(), Deps{Log: zap.NewNop(), Registry: prometheus.NewRegistry(), Keys: testKeys, Ready: NewReadiness(), Routes: []Route{route}})
		require.NoError(t, err)
		l := &pipeListener{connections: make(chan net.Conn), closed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- server.Run(ctx, l) }()
		ours, theirs := net.Pipe()
		l.connections <- theirs
		client(ours)
		_ = ours.Close()
		stop()
		require.NoError(t, <-done)
	})
}

func TestDeadlines_BodyThatNeverEnds(t *testing.T) {
	var took time.Duration
	var fault error
	inBubble(t, Route{Handler: func(c echo.Context) error {
		began := time.Now()
		_, fault = io.ReadAll(c.Request().Body)
		took = time.Since(began)
		return fault
	}}, func(conn net.Conn) {
		_, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nslowly")
		require.NoError(t, err)
		_, _ = io.Copy(io.Discard, conn)
	})
	if fault == nil || took != bodyTimeout {
		t.Errorf("the body was given up after %v with %v", took, fault)
	}
}

func TestDeadlines_BodyThatNobodyReads(t *testing.T) {
	inBubble(t, Route{Handler: func(c echo.Context) error { return c.String(http.StatusUnauthorized, "no") }}, func(conn net.Conn) {
		_, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
		require.NoError(t, err)
		began := time.Now()
		_, _ = io.Copy(io.Discard, conn)
		if took := time.Since(began); took > bodyTimeout+time.Second {
			t.Errorf("the connection lasted %v", took)
		}
	})
}

func TestDeadlines_HandlerMayThinkLongerThanTheBodyMayTake(t *testing.T) {
	inBubble(t, Route{Handler: func(c echo.Context) error {
		if _, err := io.ReadAll(c.Request().Body); err != nil {
			return err
		}
		select {
		case <-c.Request().Context().Done():
			return errors.New("cancelled while it worked")
		case <-time.After(10 * bodyTimeout):
			return c.String(http.StatusOK, "done")
		}
	}}, func(conn net.Conn) {
		_, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
		require.NoError(t, err)
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		require.NoError(t, err)
		body, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		_ = response.Body.Close()
		if string(body) != "done" {
			t.Errorf("%s %s", response.Status, body)
		}
	})
}

func TestDeadlines_CallerThatStopsReading(t *testing.T) {
	for name, stream := range map[string]bool{"call": false, "stream": true} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan time.Duration, 1)
			inBubble(t, Route{Stream: stream, Handler: func(c echo.Context) error {
				began := time.Now()
				defer func() { ended <- time.Since(began) }()
				for {
					if _, err := io.WriteString(c.Response(), strings.Repeat("x", 64<<10)); err != nil {
						return err
					}
				}
			}}, func(conn net.Conn) {
				_, err := io.WriteString(conn, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
				require.NoError(t, err)
				time.Sleep(time.Hour) //nolint:forbidigo // An hour of the bubble's time, without reading.
				if stream {
					if len(ended) > 0 {
						t.Error("a stream was ended: its handler sets its own deadlines")
					}
					return
				}
				if took := <-ended; took != writeTimeout {
					t.Errorf("the caller was given up after %v", took)
				}
			})
		})
	}
}
