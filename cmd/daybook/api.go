package main

import (
	"context"
	"net"
	"net/url"
	"slices"
	"time"

	"daybook/ingest"
	"daybook/pkg/auth"
	"daybook/pkg/bytesize"
	"daybook/pkg/httpserver"
	"daybook/query"
	"daybook/query/filter"
	"daybook/query/search"
	"daybook/query/statement"
	"daybook/query/stream"
	"daybook/query/ui"
)

// maxIntakeBody bounds one request that publishes events: some ten thousand
// usual ones, or two of the largest.
const maxIntakeBody = 32 * bytesize.MiB

// api returns the stages that answer calls, in the order in which they stop,
// and the keys.
func (n *node) api(on net.Listener) ([]stage, *auth.Store, error) {
	publisher, err := n.config.Kafka.Writer(n.config.Kafka.Topic)
	if err != nil {
		return nil, nil, err
	}
	brokers, release, err := n.config.Kafka.Client()
	if err != nil {
		return nil, nil, err
	}
	keys := auth.NewStore(n.config.Auth, n.conn, n.log.Named("auth"))
	stored := search.NewGroupStored(brokers, n.config.Kafka, time.Now)
	hub := n.hub(keys, stored)
	n.ready.Add(
		httpserver.Check{Name: "keys", Func: keys.Ready},
		httpserver.Check{Name: "stream", Func: func(context.Context) error { return hub.Ready() }},
	)
	streaming, endStreams := context.WithCancel(context.Background())
	drain := func() {
		ctx, cancel := context.WithTimeout(streaming, n.config.Stream.Drain)
		defer cancel()
		_ = hub.Drain(ctx, n.config.Stream.Drain) // Who has not left by then is told now.
		endStreams()
	}
	own := publishOwn(publisher, n.decoder, time.Now)
	page, err := ui.Routes()
	if err != nil {
		endStreams()
		return nil, nil, err
	}
	server, err := httpserver.New(n.config.HTTP, httpserver.Deps{
		Log: n.log.Named("http"), Registry: n.registry, Keys: keys, Sessions: keys, Ready: n.ready, OnShutdown: drain,
		Routes: slices.Concat(page, query.Routes(query.Deps{
			Conn: n.conn, Limits: n.config.Query, Kept: n.config.Retention.Policy(), Now: time.Now,
			Stored:    stored,
			Intake:    ingest.NewIntake(publisher, n.decoder, time.Now).Post,
			MaxIntake: max(maxIntakeBody, 2*n.config.Ingest.MaxEventBytes),
			Stream:    hub.Handler(),
			Keys:      httpserver.KeyRoutes(keys),
			Sessions:  httpserver.SessionRoutes(keys, keys),
			Publish:   own,
			Topic:     stored,
			Version:   version,
			Archive:   n.config.Archive.Enabled,
			Places:    n.config.Archive.Places(),
			DeadLetters: ingest.DeadLetterAPI{
				Letters: ingest.DeadLetters{Conn: n.conn, Topic: n.config.Kafka.Topic, Writer: publisher, Now: time.Now},
				Kept:    n.config.Retention.Policy(), ParseTime: parseTime,
			}.Routes(),
		})),
	})
	if err != nil {
		endStreams()
		return nil, nil, err
	}
	stages := []stage{
		{"http", func(ctx context.Context) error {
			defer release()
			defer func() { _ = publisher.Close() }()
			return server.Run(ctx, on)
		}},
		// Ends when HTTP shuts down, which then waits for the streams to end.
		{"stream", func(ctx context.Context) error {
			defer context.AfterFunc(ctx, endStreams)()
			return hub.Run(streaming)
		}},
		{"keys", keys.Run},
	}
	if n.config.Stream.Canary > 0 {
		canary := stage{"canary", func(ctx context.Context) error { return hub.RunCanary(ctx, stream.Publish(own)) }}
		stages = slices.Insert(stages, 0, canary)
	}
	return stages, keys, nil
}

func (n *node) hub(keys *auth.Store, stored search.Stored) *stream.Hub {
	return stream.New(n.config.Stream, stream.Deps{
		Source:  stream.Topic(n.config.Kafka),
		Store:   stream.Table(statement.NewReader(n.conn, n.config.Query), stored, n.config.Kafka.Topic, n.config.Retention.Policy(), time.Now),
		Decoder: n.decoder,
		ParseFilter: func(ctx context.Context, values url.Values, now time.Time) (stream.Matcher, string, error) {
			f, err := filter.ParseRequest(ctx, values, now, stream.Parameters...)
			if err != nil {
				return nil, "", err
			}
			return f, f.Canonical(), nil
		},
		ParseTime:  parseTime,
		StillValid: keys.Valid,
		Registerer: n.registry,
		Log:        n.log,
	})
}

// parseTime reads a time, or date math relative to now, as filters do.
func parseTime(text string, now time.Time) (time.Time, error) {
	moment, err := filter.Clock{Now: now}.Parse(text)
	return moment.Time, err
}
