package main

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"time"

	"daybook/ingest"
	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
	"daybook/pkg/httpserver"
	"daybook/query/filter"
	"daybook/query/stream"
)

// maxIntakeBody bounds one request that publishes events. It takes a few of
// the largest events, and some ten thousand usual ones.
const maxIntakeBody = 32 * bytesize.MiB

// api returns the stages that answer calls, in the order in which they stop,
// and the keys.
func (n *node) api(on net.Listener) ([]stage, *auth.Store, error) {
	keys := auth.NewStore(n.config.Auth, n.conn, n.log.Named("auth"))
	hub := n.hub(keys)
	hubContext, endStreams := context.WithCancel(context.Background())
	publisher, err := n.config.Kafka.Writer(n.config.Kafka.Topic)
	if err != nil {
		endStreams()
		return nil, nil, err
	}
	n.ready.Add(
		httpserver.Check{Name: "keys", Func: keys.Ready},
		httpserver.Check{Name: "stream", Func: func(context.Context) error { return hub.Ready() }},
	)
	server, err := httpserver.New(n.config.HTTP, httpserver.Deps{
		Log: n.log.Named("http"), Registry: n.registry, Keys: keys, Ready: n.ready,
		Routes:     append(n.routes(hub, ingest.NewIntake(publisher, n.decoder, time.Now)), httpserver.KeyRoutes(keys)...),
		OnShutdown: endStreams,
	})
	if err != nil {
		endStreams()
		return nil, nil, err
	}
	return []stage{
		{"http", func(ctx context.Context) error {
			defer func() { _ = publisher.Close() }()
			return server.Run(ctx, on)
		}},
		// Ends when HTTP does, which has to wait for the streams to end.
		{"stream", func(ctx context.Context) error {
			defer context.AfterFunc(ctx, endStreams)()
			return hub.Run(hubContext)
		}},
		{"keys", keys.Run},
	}, keys, nil
}

// routes is every call of the API but those for keys.
func (n *node) routes(hub *stream.Hub, intake *ingest.Intake) []httpserver.Route {
	maxBody := max(maxIntakeBody, 2*n.config.Ingest.MaxEventBytes)
	return []httpserver.Route{
		{Method: http.MethodPost, Path: "/api/v1/events", Scope: auth.ScopeEventsWrite, MaxBody: maxBody, Handler: intake.Post},
		{Method: http.MethodGet, Path: "/api/v1/events/stream", Scope: auth.ScopeEventsRead, Stream: true, Handler: hub.Handler()},
	}
}

func (n *node) hub(keys *auth.Store) *stream.Hub {
	return stream.New(n.config.Stream, stream.Deps{
		Source:  stream.Topic(n.config.Kafka),
		Decoder: n.decoder,
		ParseFilter: func(values url.Values, now time.Time) (stream.Matcher, string, error) {
			f, err := filter.Parse(values, now, stream.Parameters...)
			if err != nil {
				return nil, "", err
			}
			return f, f.Canonical(), nil
		},
		ParseTime: func(text string, now time.Time) (time.Time, error) {
			moment, err := filter.Clock{Now: now}.Parse(text)
			return moment.Time, err
		},
		StillValid: keys.Valid,
		Registerer: n.registry,
		Log:        n.log,
	})
}
