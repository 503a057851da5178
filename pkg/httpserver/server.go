package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"daybook/pkg/auth"
)

const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 64 << 10
	// shutdownTimeout bounds the wait for running calls. Streams have said
	// goodbye by then, and queries have limits of their own.
	shutdownTimeout = 15 * time.Second
)

// Verifier tells whom a key stands for.
type Verifier interface {
	Verify(ctx context.Context, key string) (auth.Principal, error)
}

// Deps is what the server works with.
type Deps struct {
	Log      *zap.Logger
	Registry prometheus.Registerer
	Keys     Verifier
	Ready    *Readiness
	Routes   []Route
	// OnShutdown is called when no new call is accepted any more: what ends
	// the streams, which would never end by themselves.
	OnShutdown func()
}

// Server serves the API.
type Server struct {
	http     *http.Server
	listener net.Listener
	key, url string
}

// New returns a server that does not listen yet. It fails on a route that
// says neither which scope it needs nor that it is public.
func New(c Config, d Deps) (*Server, error) {
	e, err := newEcho(d)
	if err != nil {
		return nil, err
	}
	s := newServer("http.addr", c.Addr, e, d.Log)
	if d.OnShutdown != nil {
		s.http.RegisterOnShutdown(d.OnShutdown)
	}
	if c.TLS.enabled() {
		certificate, err := loadCertificate(c.TLS)
		if err != nil {
			return nil, err
		}
		s.http.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate.get}
	}
	return s, nil
}

func newServer(key, addr string, handler http.Handler, logger *zap.Logger) *Server {
	return &Server{key: key, http: &http.Server{
		Addr:              addr,
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// No ReadTimeout and no WriteTimeout: they would cut streams. Bodies
		// and answers have deadlines of their own, see deadlines.go.
		ErrorLog: log.New(&logWriter{logger}, "", 0),
	}}
}

// newEcho returns the API's handler.
func newEcho(d Deps) (*echo.Echo, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(&logWriter{d.Log})
	e.HTTPErrorHandler = problems(d.Log)
	e.IPExtractor = echo.ExtractIPDirect()
	observed, err := observe(d.Log, d.Registry)
	if err != nil {
		return nil, err
	}
	e.Use(requestID, observed, recoverPanics, secureHeaders)
	for _, r := range append(ownRoutes(d.Ready), d.Routes...) {
		if r.Public == (r.Scope != "") {
			return nil, fmt.Errorf("route %s %s: must either be public or name a scope", r.Method, r.Path)
		}
		middleware := []echo.MiddlewareFunc{deadlines(r)}
		if !r.Public {
			middleware = append(middleware, authenticate(d.Keys, r))
		}
		e.Add(r.Method, r.Path, r.Handler, append(middleware, limitBody(r))...)
	}
	return e, nil
}

// Listen takes the address. A fault of the settings shows before anything
// else is started.
func (s *Server) Listen(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.http.Addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s: %s is in use by another program; stop that or set another address", s.key, s.http.Addr)
	case err != nil:
		return fmt.Errorf("%s: %w", s.key, err)
	}
	s.listener, s.url = listener, "http://"+listener.Addr().String()
	if s.http.TLSConfig != nil {
		s.url = "https://" + listener.Addr().String()
	}
	return nil
}

// URL returns where the server answers, once it listens.
func (s *Server) URL() string { return s.url }

// Run serves until ctx is done, then takes no new calls, ends the streams and
// waits for what runs.
func (s *Server) Run(ctx context.Context) error {
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		// Detached: the context that ends the server must not end its goodbye.
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err := s.http.Shutdown(wait)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.http.Close()
		}
		stopped <- err
	}()
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", s.url, err) // The goroutine above ends with ctx, as the caller's group does.
	}
	return <-stopped
}

// logWriter puts what net/http and Echo have to say into our log.
type logWriter struct{ log *zap.Logger }

func (w *logWriter) Write(line []byte) (int, error) {
	if ce := w.log.Check(zapcore.DebugLevel, "http"); ce != nil {
		ce.Write(zap.ByteString("message", line))
	}
	return len(line), nil
}
