package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/stream"
)

// benchServer is what bench stream measures: a whole server with the live
// stream, or the bare loop.
type benchServer struct {
	addr  string
	stop  func()
	emit  func(n int) (first int64) // so many events, each of the next tenant
	reach int                       // how many clients get an event
}

// anyKey lets every caller in: what keys cost is no part of a stream.
type anyKey struct{}

func (anyKey) Verify(context.Context, string) (auth.Principal, error) {
	return auth.Principal{KeyID: "bench", Tenant: tenant.All, Scopes: []auth.Scope{auth.ScopeAdmin}}, nil
}

// startStream serves the live stream of a source on loopback.
func startStream(ctx context.Context, source stream.Source, store stream.Store) (*benchServer, error) {
	decoder, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		return nil, err
	}
	config := stream.DefaultConfig()
	config.MaxClients, config.MaxClientsPerTenant, config.MaxClientsPerKey = 1<<20, 1<<20, 1<<20
	config.RingBytes, config.Preload, config.Canary = 256*bytesize.MiB, 0, 0
	hub := stream.New(config, stream.Deps{
		Source: source, Store: store, Decoder: decoder, Registerer: prometheus.NewRegistry(), Log: zap.NewNop(),
		ParseFilter: func(ctx context.Context, values url.Values, now time.Time) (stream.Matcher, string, error) {
			f, err := filter.ParseRequest(ctx, values, now, stream.Parameters...)
			if err != nil {
				return nil, "", err
			}
			return f, f.Canonical(), nil
		},
		StillValid: func(string) bool { return true },
	})
	server, err := httpserver.New(httpserver.DefaultConfig(), httpserver.Deps{ //nolint:contextcheck // Handlers get theirs from the request.
		Log: zap.NewNop(), Registry: prometheus.NewRegistry(), Keys: anyKey{}, Ready: httpserver.NewReadiness(),
		Routes: []httpserver.Route{{Method: http.MethodGet, Path: "/api/v1/events/stream", Scope: auth.ScopeEventsRead, Stream: true, Handler: hub.Handler()}},
	})
	if err != nil {
		return nil, err
	}
	listener, err := httpserver.Listen(ctx, "bench", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	streaming, endStreams := context.WithCancel(ctx)
	serving, endServer := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(streaming) })            // It ends when it is told to.
	running.Go(func() { _ = server.Run(serving, listener) }) // As above.
	return &benchServer{addr: listener.Addr().String(), stop: func() {
		endStreams()
		endServer()
		running.Wait()
	}}, nil
}

// startMemoryStream serves the stream of a topic in memory whose events go to so
// many tenants in turn.
func startMemoryStream(ctx context.Context, topic *benchTopic, tenants int) (*benchServer, error) {
	s, err := startStream(ctx, topic, countingStore{})
	if err != nil {
		return nil, err
	}
	s.emit = func(n int) int64 { return topic.publish(n, tenants) }
	return s, nil
}

// countingStore is a store that nobody may need.
type countingStore struct{ stream.Store }

// startBare serves the same bytes from the plainest loop: at each emit all
// clients that get something are woken, write it and flush.
func startBare(ctx context.Context, tenants, frameBytes int) (*benchServer, error) {
	listener, err := httpserver.Listen(ctx, "bench", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	channels := make([]*bareChannel, tenants)
	for i := range channels {
		channels[i] = &bareChannel{more: make(chan struct{})}
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number, _ := strconv.Atoi(strings.TrimPrefix(r.Header.Get("X-Tenant-Id"), benchTenantName(0)[:2])) // Our own clients write it.
		channels[number%tenants].serve(w, r)
	})}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(listener) }) // It ends with Close.
	sent := int64(0)
	touched := make([]*bareChannel, 0, tenants)
	emit := func(n int) int64 {
		first := sent
		for range n {
			c := channels[sent%int64(tenants)]
			if len(c.pending) == 0 {
				touched = append(touched, c)
			}
			c.pending = append(c.pending, bareFrame(sent, frameBytes)...)
			sent++
		}
		for _, c := range touched {
			c.publish()
		}
		touched = touched[:0]
		return first
	}
	return &benchServer{addr: listener.Addr().String(), emit: emit, stop: func() {
		_ = server.Close() // Nothing is to be said to the clients.
		running.Wait()
	}}, nil
}

// bareChannel is all clients that get the same bytes.
type bareChannel struct {
	pending []byte // of the writer

	mu     sync.Mutex    // guards what follows
	blocks [][]byte      // all there were: a client that is late must not lose one
	more   chan struct{} // closed when there is another
}

func (c *bareChannel) publish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.blocks, c.pending = append(c.blocks, c.pending), nil
	close(c.more)
	c.more = make(chan struct{})
}

func (c *bareChannel) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	rc := http.NewResponseController(w)
	c.mu.Lock()
	wait, seen := c.more, len(c.blocks)
	c.mu.Unlock()
	if _, err := w.Write([]byte(": ok\n\n")); err != nil || rc.Flush() != nil {
		return
	}
	for {
		select {
		case <-wait:
		case <-r.Context().Done():
			return
		}
		c.mu.Lock()
		blocks, next := c.blocks[seen:], c.more
		c.mu.Unlock()
		wait, seen = next, seen+len(blocks)
		for _, block := range blocks {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
		if rc.Flush() != nil {
			return
		}
	}
}

// bareFrame is a frame as the stream writes it, of the same length.
func bareFrame(number int64, size int) []byte {
	frame := fmt.Appendf(nil, "id: 1.1.mo30bht4.3yc3,3yc3\ndata: %s%d\"", benchEventMark, number)
	if pad := size - len(frame) - len("\n\n"); pad > 0 {
		frame = append(frame, strings.Repeat("x", pad)...)
	}
	return append(frame, "\n\n"...)
}
