package querytest

import (
	"context"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"

	"daybook/pkg/httpserver"
)

// Serve serves routes on loopback to callers whose keys are known, until the test
// ends, and returns the base of their addresses.
func Serve(t testing.TB, keys httpserver.Verifier, routes []httpserver.Route) (base string) {
	t.Helper()
	config := httpserver.Config{Addr: "127.0.0.1:0"}
	server, err := httpserver.New(config, httpserver.Deps{
		Log: zaptest.NewLogger(t), Registry: prometheus.NewRegistry(), Keys: keys, Ready: httpserver.NewReadiness(), Routes: routes,
	})
	require.NoError(t, err)
	listener, err := httpserver.Listen(t.Context(), "http.addr", config.Addr)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx, listener) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		stop()
		require.NoError(t, <-done)
	})
	return config.URL(listener)
}
