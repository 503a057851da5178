package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"daybook/pkg/clickhouse"
	"daybook/pkg/config"
	"daybook/pkg/embedded"
	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	"daybook/pkg/kafka"
	"daybook/pkg/telemetry"
	"daybook/schema"
)

func (a *app) benchQueryCommand() *cobra.Command {
	b := &queryBench{a: a}
	var asJSON bool
	c := &cobra.Command{
		Use: "query", Short: "Milliseconds from a call over HTTP to the end of its answer", Args: cobra.NoArgs,
		Long: `Store generated events of 100 tenants in an embedded ClickHouse of its own, wait until its merges are done, and ask a whole node:

  http  from the call over loopback, with a key, to the last byte of the answer
  sql   the statements of that call alone, sent straight to ClickHouse, until their last row

The queries take turns. Each run of one has values of its own (another actor, another text), is called once unmeasured, and then both ways, first
the one, then the other. ClickHouse's cache of conditions is off, so no query profits from having been asked before. The bounds are what we aim at
for 10 million events; under ingest they are twice that.

--under-ingest stores further events at full rate while it measures, from a topic that is filled beforehand. It does so in a copy of --data.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.events < 1000 || b.runs < 1 || b.days < 1 || b.days >= event.DefaultConfig().RetentionDays {
				return usagef("--events must be at least 1000, --runs at least 1, --days less than a year")
			}
			for _, name := range b.only {
				if !slices.Contains(queryNames(), name) {
					return usagef("--only: there is no %q; there are %s", name, strings.Join(queryNames(), ", "))
				}
			}
			report, err := b.run(cmd.Context())
			return errors.Join(err, report.write(a.stdout, asJSON))
		},
	}
	c.Flags().IntVar(&b.events, "events", 1_000_000, "how many events")
	c.Flags().IntVar(&b.runs, "runs", 21, "how many runs of each query")
	c.Flags().IntVar(&b.days, "days", 90, "over how many days up to now the events happened")
	c.Flags().StringVar(&b.data, "data", "", "a `folder` that keeps the stored events for the next time; empty: a temporary one")
	c.Flags().StringSliceVar(&b.only, "only", nil, "these `queries` alone")
	c.Flags().BoolVar(&b.underIngest, "under-ingest", false, "while ingest runs at full rate")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// queryBench is one benchmark with its node.
type queryBench struct {
	a                  *app
	events, runs, days int
	data               string
	only               []string
	underIngest        bool

	config  config.Config // with the addresses of the engines
	conn    *recorder
	stop    func() // ends ClickHouse and the connections; nil before
	closers []func() error
	end     time.Time // of the stored events
	url     string    // of the node
	key     string
	feed    *feed // nil: nothing is ingested meanwhile
}

func (b *queryBench) run(ctx context.Context) (queryReport, error) {
	report := queryReport{Bench: "query", Machine: machine(), Date: time.Now().UTC(), Events: b.events, Days: b.days, UnderIngest: b.underIngest}
	temporary, err := os.MkdirTemp("", "daybook-bench-")
	if err != nil {
		return report, err
	}
	defer func() { _ = os.RemoveAll(temporary) }()
	dir := b.data
	if dir == "" {
		dir = filepath.Join(temporary, "data")
	}
	if err := b.prepare(ctx, dir, temporary); err != nil {
		return report, err
	}
	defer b.close()
	err = b.withNode(ctx, func(ctx context.Context) error { return b.measure(ctx, &report) })
	return report, err
}

// prepare starts the engines, on a store that has the events.
func (b *queryBench) prepare(ctx context.Context, dir, temporary string) (err error) {
	defer func() {
		if err != nil {
			b.close()
		}
	}()
	known, err := openQueryData(dir, b.events, b.days)
	if err != nil {
		return err
	}
	lock, err := embedded.LockDir(dir)
	if err != nil {
		return err
	}
	b.closers = append(b.closers, lock.Close)
	b.config = config.Default()
	b.config.Admin.Addr = ""
	broker, err := embedded.StartBroker(embedded.BrokerConfig{Dir: filepath.Join(temporary, "kafka"), Addr: "127.0.0.1:0", Partitions: b.config.Kafka.Partitions}) //nolint:contextcheck // It lives until Close.
	if err != nil {
		return err
	}
	b.closers = append(b.closers, broker.Close)
	b.config.Kafka.Brokers = []string{broker.Addr()}
	store := filepath.Join(dir, "clickhouse")
	if err := b.start(ctx, store); err != nil {
		return err
	}
	if err := b.stored(ctx, dir, known); err != nil || !b.underIngest || b.data == "" {
		return err
	}
	// What is ingested meanwhile goes into a copy: what is kept stays as it is.
	b.stop()
	copied := filepath.Join(temporary, "clickhouse")
	if err := os.CopyFS(copied, os.DirFS(store)); err != nil {
		return fmt.Errorf("copy the stored events: %w", err)
	}
	return b.start(ctx, copied)
}

// start starts ClickHouse on a folder, and connects to it.
func (b *queryBench) start(ctx context.Context, dir string) error {
	server, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: dir, Addr: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	b.stop = sync.OnceFunc(func() { _ = server.Close() })
	b.config.ClickHouse.Addrs = []string{server.Addr()}
	if err := schema.Up(ctx, b.config.ClickHouse); err != nil {
		return err
	}
	conn, err := clickhouse.Open(ctx, b.config.ClickHouse, clickhouse.WithSettings(map[string]any{"use_query_condition_cache": 0}))
	if err != nil {
		return err
	}
	b.stop = sync.OnceFunc(func() { _, _ = conn.Close(), server.Close() })
	b.conn = &recorder{Conn: conn}
	return nil
}

// close ends what prepare has started, in reverse.
func (b *queryBench) close() {
	if b.stop != nil {
		b.stop()
	}
	for _, end := range slices.Backward(b.closers) {
		_ = end()
	}
}

// withNode runs a whole node while do runs: its API, and where events are to be
// ingested meanwhile, ingest.
func (b *queryBench) withNode(ctx context.Context, do func(ctx context.Context) error) error {
	if err := kafka.EnsureTopics(ctx, b.config.Kafka); err != nil {
		return err
	}
	decoder, err := event.NewDecoder(b.config.Event())
	if err != nil {
		return err
	}
	listener, err := httpserver.Listen(ctx, "http.addr", "127.0.0.1:0")
	if err != nil {
		return err
	}
	n := &node{config: b.config, log: zap.NewNop(), registry: telemetry.NewRegistry(version), conn: b.conn, decoder: decoder, ready: httpserver.NewReadiness()}
	stages, keys, err := n.api(listener) //nolint:contextcheck // Handlers get theirs from the request.
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	b.url = b.config.HTTP.URL(listener)
	if b.key, err = readKey(ctx, keys); err != nil {
		return errors.Join(err, listener.Close())
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- runStages(running, stages) }()
	if b.underIngest {
		b.feed = newFeed(n, b.conn.Conn, b.events)
	}
	err = errors.Join(do(ctx), b.feed.halt(context.WithoutCancel(ctx)))
	stop()
	return errors.Join(err, <-ended)
}
