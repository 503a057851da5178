package httpserver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

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

// SessionVerifier tells whom a browser's session stands for.
type SessionVerifier interface {
	VerifySession(ctx context.Context, session string) (auth.Principal, error)
}

// Deps is what the server works with.
type Deps struct {
	Log      *zap.Logger
	Registry prometheus.Registerer
	Keys     Verifier
	Sessions SessionVerifier // nil: cookies are not looked at
	Ready    *Readiness
	Routes   []Route
	// OnShutdown is called when no new call is accepted any more: what ends
	// the streams, which would never end by themselves.
	OnShutdown func()
}

// Server serves the API.
type Server struct {
	http    *http.Server
	streams *Streams
}

// New returns a server that does not run yet. It fails on a route that
// says neither which scope it needs nor that it is public.
func New(c Config, d Deps) (*Server, error) {
	streams := &Streams{}
	e, err := newEcho(d, streams)
	if err != nil {
		return nil, err
	}
	s := newServer(e, streams, d.Log)
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

func newServer(handler http.Handler, streams *Streams, logger *zap.Logger) *Server {
	return &Server{streams: streams, http: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// No ReadTimeout and no WriteTimeout: they would cut streams. Bodies
		// and answers have deadlines of their own, see deadlines.go.
		ErrorLog: zap.NewStdLog(logger),
	}}
}

// newEcho returns the API's handler.
func newEcho(d Deps, streams *Streams) (*echo.Echo, error) {
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.Logger.SetOutput(zap.NewStdLog(d.Log).Writer())
	e.HTTPErrorHandler = problems(d.Log)
	e.IPExtractor = echo.ExtractIPDirect()
	observed, err := observe(d.Log, d.Registry)
	if err != nil {
		return nil, err
	}
	e.Use(requestID, timeBodies, observed, recoverPanics, secureHeaders)
	by := callers{keys: d.Keys, sessions: d.Sessions}
	for _, r := range append(ownRoutes(d.Ready), d.Routes...) {
		if r.Public == (r.Scope != "") {
			return nil, fmt.Errorf("route %s %s: must either be public or name a scope", r.Method, r.Path)
		}
		middleware := []echo.MiddlewareFunc{timeWrites(r, streams)}
		if !r.Public {
			middleware = append(middleware, by.authenticate(r))
		}
		e.Add(r.Method, r.Path, r.Handler, append(middleware, limitBody(r))...)
	}
	return e, nil
}

// Listen takes the address of a setting. It is apart from Run so that a fault
// shows before anything else is started.
func Listen(ctx context.Context, setting, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another program; stop it, or set another address", setting, addr)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	return listener, nil
}

// URL returns where a server with the settings answers on the listener.
func (c Config) URL(l net.Listener) string {
	if c.TLS.enabled() {
		return "https://" + l.Addr().String()
	}
	return "http://" + l.Addr().String()
}

// Run serves on the listener, which it closes, until ctx is done. Then it
// takes no new calls, ends the streams and waits for what runs.
func (s *Server) Run(ctx context.Context, listener net.Listener) error {
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
		s.streams.Wait(wait)
		stopped <- err
	}()
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(listener, "", "")
	} else {
		err = s.http.Serve(listener)
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err) // The goroutine above ends with ctx, as the caller's group does.
	}
	return <-stopped
}
