package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"daybook/ingest"
	"daybook/pkg/bytesize"
	"daybook/pkg/clickhouse"
	"daybook/pkg/config"
	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	"daybook/pkg/kafka"
	"daybook/pkg/telemetry"
	"daybook/schema"
)

// The roles a node can have.
const (
	roleIngest = "ingest"
	roleAPI    = "api"
)

func (a *app) serveCommand() *cobra.Command {
	var (
		roles          []string
		validate, demo bool
	)
	c := &cobra.Command{
		Use: "serve", Short: "Run a node", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, role := range roles {
				if role != roleIngest && role != roleAPI {
					return usagef("--roles: %q is not %s or %s", role, roleIngest, roleAPI)
				}
			}
			if len(roles) == 0 {
				return usagef("--roles: at least one of %s and %s is needed", roleIngest, roleAPI)
			}
			if demo && !slices.Contains(roles, roleAPI) {
				return usagef("--demo needs the role %s", roleAPI)
			}
			c, err := a.load()
			if err != nil {
				return err
			}
			if validate {
				_, err := fmt.Fprintln(a.stdout, "the settings are valid")
				return err
			}
			return a.serve(cmd.Context(), c, roles, demo)
		},
	}
	c.Flags().StringSliceVar(&roles, "roles", []string{roleIngest, roleAPI}, "what this node does: "+roleIngest+" stores events, "+roleAPI+" answers calls and streams")
	c.Flags().BoolVar(&validate, "validate", false, "check the settings, list every fault, and end")
	c.Flags().BoolVar(&demo, "demo", false, "make a demo tenant, print its key and publish a gentle stream of events")
	return c
}

// node is what the parts of a running server are made from.
type node struct {
	config   config.Config // with the addresses of the embedded engines
	log      *zap.Logger
	registry *prometheus.Registry
	conn     driver.Conn
	decoder  *event.Decoder
	ready    *httpserver.Readiness
}

// serve runs a node until ctx is done.
//
// It starts from the bottom up: addresses, so that a taken one shows at once;
// the embedded engines; schema and topics; then what works with them. It stops
// from the top down: demo events end; HTTP takes no new calls and streams say
// bye; purges end; ingest stores what it has and commits; the admin address goes silent;
// then the broker stops, and ClickHouse last.
func (a *app) serve(ctx context.Context, c config.Config, roles []string, demo bool) (err error) {
	log, err := telemetry.NewLogger(c.Log, a.stderr)
	if err != nil {
		return err
	}
	log.Info("starting", zap.String("version", version), zap.Strings("roles", roles))

	on, err := listen(ctx, c, roles)
	if err != nil {
		return err
	}
	defer on.close()

	engines, err := startEngines(ctx, c, log)
	if err != nil {
		return unlessStopped(ctx, log, err)
	}
	defer func() { err = errors.Join(err, engines.close()) }()

	conn, err := prepare(ctx, c, log)
	if err != nil {
		return unlessStopped(ctx, log, err)
	}
	defer func() { _ = conn.Close() }()
	decoder, err := event.NewDecoder(c.Event())
	if err != nil {
		return err
	}

	n := &node{
		config: c.Resolved(), log: log, registry: telemetry.NewRegistry(version), conn: conn, decoder: decoder,
		ready: httpserver.NewReadiness(),
	}
	n.ready.Add(
		httpserver.Check{Name: "clickhouse", Func: conn.Ping},
		httpserver.Check{Name: "kafka", Func: func(ctx context.Context) error {
			_, err := kafka.Partitions(ctx, n.config.Kafka, n.config.Kafka.Topic)
			return err
		}},
	)

	var stages []stage // In the order in which they stop.
	if slices.Contains(roles, roleAPI) {
		api, keys, err := n.api(on.api) //nolint:contextcheck // Handlers get theirs from the request.
		if err != nil {
			return err
		}
		if demo {
			publish, err := a.startDemo(ctx, n, keys, on.url)
			if err != nil {
				return err
			}
			stages = append(stages, publish)
		}
		stages = append(stages, api...)
	}
	if slices.Contains(roles, roleIngest) {
		in, err := ingest.New(n.config.Ingest, ingest.Deps{
			Kafka: n.config.Kafka, Conn: conn, Decoder: decoder, Registry: n.registry, Log: log.Named("ingest"),
		})
		if err != nil {
			return err
		}
		n.ready.Warn(httpserver.Warning{Name: "gaps", Func: func() any {
			if gaps := in.Gaps(); len(gaps) > 0 {
				return gaps
			}
			return nil
		}})
		keeper, err := n.keeper()
		if err != nil {
			return err
		}
		stages = append(stages, keeper, stage{"ingest", in.Run})
		if !slices.Contains(roles, roleAPI) && !c.EmbeddedKafka() {
			boundMemory(n.config.Ingest)
		}
	}
	if err := n.registry.Register(n.ready); err != nil {
		return err
	}
	if on.admin != nil {
		admin := httpserver.NewAdmin(log.Named("admin"), n.registry, n.ready)
		stages = append(stages, stage{"admin", func(ctx context.Context) error { return admin.Run(ctx, on.admin) }})
	}
	if c.Auth.BootstrapKey != "" {
		log.Warn("auth.bootstrap_key is set: it may do everything for every tenant; remove it when keys are made")
	}
	log.Info("serving", on.fields()...)
	err = runStages(ctx, stages)
	log.Info("stopping", zap.Error(err))
	return err
}

// boundMemory makes the garbage collector keep a node that only ingests near what
// its blocks may hold, unless GOMEMLIMIT says otherwise. A node that does more
// has caches of its own.
func boundMemory(c ingest.Config) {
	const besides = 64 * bytesize.MiB // fetches, encoded columns, recent event ids
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(int64(c.MaxBufferedBytes + besides))
	}
}

// prepare waits for ClickHouse and Kafka, and makes or checks what is needed
// there. It returns the connections that queries and ingest share.
func prepare(ctx context.Context, c config.Config, log *zap.Logger) (driver.Conn, error) {
	resolved := c.Resolved()
	var conn driver.Conn
	err := await(ctx, log, "ClickHouse", clickhouse.IsRetriable, func(ctx context.Context) (err error) {
		if c.EmbeddedClickHouse() {
			err = schema.Up(ctx, resolved.ClickHouse)
		} else {
			err = schema.Check(ctx, resolved.ClickHouse)
		}
		if err == nil {
			conn, err = clickhouse.Open(ctx, resolved.ClickHouse)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if resolved.ClickHouse.Cluster != "" {
		log.Warn("clickhouse.cluster is set, but events are not spread over its shards yet: this node uses clickhouse.addrs alone")
	}
	if !c.EmbeddedClickHouse() { // Of the embedded one, Daybook's user may do everything.
		if lacking := schema.Lacking(ctx, resolved.ClickHouse); len(lacking) > 0 {
			log.Warn("ClickHouse's user may not do all that Daybook does: GRANT it", zap.Strings("lacking", lacking))
		}
	}
	err = await(ctx, log, "Kafka", kafka.IsRetriable, func(ctx context.Context) error { return kafka.EnsureTopics(ctx, resolved.Kafka) })
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// unlessStopped returns the error that ended a start, or nil where the node was
// asked to stop meanwhile: that is no fault.
func unlessStopped(ctx context.Context, log *zap.Logger, err error) error {
	if ctx.Err() == nil {
		return err
	}
	log.Info("stopped while it was starting", zap.NamedError("at", err))
	return nil
}

const (
	// awaitDependency is how long a node waits at its start for ClickHouse and
	// Kafka, which may be starting as well. Later it waits for ever.
	awaitDependency = time.Minute
	awaitPause      = time.Second
)

// await tries until it works, for a minute where trying again may help.
func await(ctx context.Context, log *zap.Logger, what string, mayPass func(error) bool, try func(ctx context.Context) error) error {
	limit := time.NewTimer(awaitDependency)
	defer limit.Stop()
	for {
		err := try(ctx)
		if err == nil || ctx.Err() != nil || !mayPass(err) {
			return err
		}
		log.Warn("waiting for "+what, zap.Error(err))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%s is not there after %s: %w", what, awaitDependency, err)
		case <-time.After(awaitPause):
		}
	}
}
