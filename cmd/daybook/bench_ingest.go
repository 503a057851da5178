package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"daybook/ingest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/embedded"
	"daybook/pkg/event"
	"daybook/pkg/generate"
	"daybook/pkg/kafka"
	"daybook/schema"
)

func (a *app) benchIngestCommand() *cobra.Command {
	var events, runs, partitions, days int
	var asJSON bool
	var only []string
	c := &cobra.Command{
		Use: "ingest", Short: "Events a second from the topic into ClickHouse", Args: cobra.NoArgs,
		Long: `Fill a topic of an embedded broker of its own with generated events, and store them in an embedded ClickHouse of its own:

  daybook        ingest with the default settings, from joining the group until every event can be read
  kafka_engine   ClickHouse's Kafka engine and a materialized view into the same table
  insert_select  INSERT … SELECT of the same rows inside ClickHouse: what its indexes and views cost
  memory_blocks  the same blocks, decoded already, inserted from memory

Each run has a new database and a new consumer group; the four take turns.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if events < 1000 || runs < 1 || partitions < 1 || days < 1 || days >= event.DefaultConfig().RetentionDays {
				return usagef("--events must be at least 1000, --runs and --partitions at least 1, --days less than a year")
			}
			for _, name := range only {
				if !slices.Contains(ingestContenders, name) {
					return usagef("--only: there is no %q; there are %s", name, strings.Join(ingestContenders, ", "))
				}
			}
			if len(only) == 0 {
				only = ingestContenders
			}
			b := &ingestBench{a: a, contenders: only, events: events, runs: runs, partitions: partitions, days: days, raw: map[string][]float64{}, notes: map[string]string{}}
			report, err := b.run(cmd.Context())
			return errors.Join(err, report.write(a.stdout, asJSON))
		},
	}
	c.Flags().IntVar(&events, "events", 1_000_000, "how many events")
	c.Flags().IntVar(&runs, "runs", 5, "how many runs of each")
	c.Flags().IntVar(&partitions, "partitions", 8, "of the topic")
	c.Flags().IntVar(&days, "days", 1, "over how many days up to now the events happened; each block of a year's events is a dozen parts")
	c.Flags().StringSliceVar(&only, "only", nil, "these `contenders` alone")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// ingestBench is one benchmark with its engines.
type ingestBench struct {
	a                              *app
	contenders                     []string
	events, runs, partitions, days int
	kafka                          kafka.Config
	store                          clickhouse.Config
	decoder                        *event.Decoder
	raw                            map[string][]float64
	notes                          map[string]string
}

var ingestContenders = []string{"daybook", "kafka_engine", "insert_select", "memory_blocks"}

func (b *ingestBench) run(ctx context.Context) (benchReport, error) {
	report := benchReport{Bench: "ingest", Machine: machine(), Date: time.Now().UTC(), Events: b.events}
	dir, err := os.MkdirTemp("", "daybook-bench-")
	if err != nil {
		return report, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	broker, err := embedded.StartBroker(embedded.BrokerConfig{Dir: filepath.Join(dir, "kafka"), Addr: "127.0.0.1:0", Partitions: b.partitions}) //nolint:contextcheck // It lives until Close.
	if err != nil {
		return report, err
	}
	defer func() { _ = broker.Close() }()
	server, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: filepath.Join(dir, "clickhouse"), Addr: "127.0.0.1:0"})
	if err != nil {
		return report, err
	}
	defer func() { _ = server.Close() }()
	b.kafka, b.store = kafka.DefaultConfig(), clickhouse.DefaultConfig()
	b.kafka.Brokers, b.kafka.Partitions, b.store.Addrs = []string{broker.Addr()}, b.partitions, []string{server.Addr()}
	if b.decoder, err = event.NewDecoder(event.DefaultConfig()); err != nil {
		return report, err
	}
	messages, err := b.fill(ctx)
	if err == nil {
		err = b.takeTurns(ctx, messages)
	}
	for _, name := range b.contenders {
		r := summarize(name, "events/s", b.raw[name])
		r.Note = b.notes[name]
		report.Results = append(report.Results, r)
	}
	return report, err
}

// fill publishes the events and returns them as they stand in the topic.
func (b *ingestBench) fill(ctx context.Context) ([]event.Message, error) {
	fmt.Fprintf(b.a.stderr, "publishing %d events\n", b.events)
	if err := kafka.EnsureTopics(ctx, b.kafka); err != nil {
		return nil, err
	}
	writer, err := b.kafka.Writer(b.kafka.Topic)
	if err != nil {
		return nil, err
	}
	defer func() { _ = writer.Close() }()
	writer.BatchSize = 20_000
	g := generate.New(generate.Config{Seed: 1, Events: b.events, Days: b.days, End: time.Now()})
	for sent := 0; sent < b.events; {
		var batch []kafkago.Message
		for len(batch) < 100_000 {
			value, key, _, ok := g.Next(nil)
			if !ok {
				break
			}
			batch = append(batch, message(key, value))
		}
		if err := writer.WriteMessages(ctx, batch...); err != nil {
			return nil, err
		}
		sent += len(batch)
	}
	var all []event.Message
	for p := range b.partitions {
		reader, err := kafka.NewReader(b.kafka, b.kafka.Topic, int32(p), kafka.ReaderConfig{})
		if err != nil {
			return nil, err
		}
		for {
			fetched, err := reader.Fetch(ctx)
			if err != nil {
				return nil, err
			}
			all = append(all, fetched.Messages...)
			if len(fetched.Messages) == 0 {
				break
			}
		}
		_ = reader.Close()
	}
	if len(all) != b.events {
		return nil, fmt.Errorf("the topic has %d messages, want %d", len(all), b.events)
	}
	return all, nil
}

func (b *ingestBench) takeTurns(ctx context.Context, messages []event.Message) error {
	prepared, err := ingest.Prepare(ingest.DefaultConfig(), b.decoder, messages)
	if err != nil {
		return err
	}
	for run := range b.runs {
		for _, name := range b.contenders {
			if b.notes[name] != "" {
				continue // It can't be had here; the note says why.
			}
			took, err := b.once(ctx, name, fmt.Sprintf("bench_%s_%d", name, run), prepared)
			if err != nil {
				if name == "kafka_engine" && ctx.Err() == nil {
					b.notes[name] = err.Error()
					continue
				}
				return fmt.Errorf("%s: %w", name, err)
			}
			rate := float64(b.events) / took.Seconds()
			fmt.Fprintf(b.a.stderr, "run %d of %d: %s %.0f events/s\n", run+1, b.runs, name, rate)
			b.raw[name] = append(b.raw[name], rate)
		}
	}
	return nil
}

// once measures one contender on a new database.
func (b *ingestBench) once(ctx context.Context, name, database string, prepared *ingest.Prepared) (time.Duration, error) {
	store := b.store
	store.Database = database
	if err := schema.Up(ctx, store); err != nil {
		return 0, err
	}
	conn, err := clickhouse.Open(ctx, store)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	defer func() { _ = conn.Exec(context.WithoutCancel(ctx), "DROP DATABASE "+database+" SYNC") }()
	switch name {
	case "daybook":
		return b.daybook(ctx, conn, database)
	case "kafka_engine":
		return b.kafkaEngine(ctx, conn, database)
	case "insert_select":
		if err := prepared.Insert(conn, 2); err != nil { //nolint:contextcheck // Inserts are never cancelled: see package ingest.
			return 0, err
		}
		return timed(func() error { return b.insertSelect(ctx, conn) })
	default:
		return timed(func() error { return prepared.Insert(conn, 2) }) //nolint:contextcheck // As above.
	}
}

func timed(do func() error) (time.Duration, error) {
	began := time.Now()
	err := do()
	return time.Since(began), err
}

func (b *ingestBench) daybook(ctx context.Context, conn driver.Conn, group string) (time.Duration, error) {
	k := b.kafka
	k.Group = group
	in, err := ingest.New(ingest.DefaultConfig(), ingest.Deps{Kafka: k, Conn: conn, Decoder: b.decoder, Registry: prometheus.NewRegistry(), Log: zap.NewNop()})
	if err != nil {
		return 0, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	began := time.Now()
	go func() { done <- in.Run(running) }()
	err = b.awaitAll(ctx, conn)
	took := time.Since(began)
	stop()
	return took, errors.Join(err, <-done)
}

// awaitAll returns when the table has every event.
func (b *ingestBench) awaitAll(ctx context.Context, conn driver.Conn) error {
	limit := time.NewTimer(time.Minute + time.Duration(b.events/5000)*time.Second)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var n uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM "+schema.Events).Scan(&n); err != nil {
			return err
		}
		if n >= uint64(b.events) {
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return fmt.Errorf("only %d of %d events arrived", n, b.events)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// insertSelect copies the events into a table of the same make.
func (b *ingestBench) insertSelect(ctx context.Context, conn driver.Conn) error {
	for _, statement := range []string{
		"CREATE TABLE copied AS " + schema.Events,
		`INSERT INTO copied SELECT * FROM ` + schema.Events + ` SETTINGS max_threads = 2, max_insert_threads = 2, max_block_size = 50000,
			min_insert_block_size_rows = 50000, optimize_on_insert = 0`,
	} {
		if err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// kafkaEngine lets ClickHouse consume the topic itself, with as many
// consumers as cores, into the same table with the same rollups. It is spared the
// numbers of the payloads, which its functions would take long to find.
func (b *ingestBench) kafkaEngine(ctx context.Context, conn driver.Conn, group string) (time.Duration, error) {
	queue := fmt.Sprintf(`CREATE TABLE queue (raw String) ENGINE = Kafka SETTINGS kafka_broker_list = '%s', kafka_topic_list = '%s',
		kafka_group_name = '%s', kafka_format = 'RawBLOB', kafka_num_consumers = 2, kafka_thread_per_consumer = 1,
		kafka_max_block_size = 65536, kafka_flush_interval_ms = 1000`, b.kafka.Brokers[0], b.kafka.Topic, group)
	const view = `CREATE MATERIALIZED VIEW consumer TO events AS
		WITH JSONExtract(raw, 'Tuple(tenantId String, createdAt String, eventId String, eventType String, source String, severity String,
			actorType String, actorId String, actorName String, actorEmail String, targetType String, targetId String,
			correlationId String, ipAddress String, userAgent String)') AS e, JSONExtractRaw(raw, 'payload') AS body
		SELECT e.tenantId AS tenant_id, parseDateTime64BestEffort(e.createdAt, 6, 'UTC') AS created_at, e.eventId AS event_id, e.eventType AS event_type,
			splitByChar('.', e.eventType)[1] AS category, e.source AS source, if(e.severity = '', 'INFO', e.severity) AS severity, e.actorType AS actor_type, e.actorId AS actor_id,
			e.actorName AS actor_name, e.actorEmail AS actor_email, e.targetType AS target_type, e.targetId AS target_id,
			e.correlationId AS correlation_id, e.ipAddress AS ip_address, e.userAgent AS user_agent, body AS payload,
			lowerUTF8(body) AS payload_text, CAST(map(), 'Map(LowCardinality(String), Float64)') AS payload_numbers, '' AS extra, _timestamp_ms AS ingested_at, _topic AS kafka_topic,
			toInt32(_partition) AS kafka_partition, toInt64(_offset) AS kafka_offset FROM queue`
	if err := conn.Exec(ctx, queue); err != nil {
		return 0, fmt.Errorf("create a table with the Kafka engine: %w", err)
	}
	defer func() { _ = conn.Exec(context.WithoutCancel(ctx), "DROP TABLE IF EXISTS consumer SYNC") }()
	return timed(func() error {
		if err := conn.Exec(ctx, view); err != nil {
			return err
		}
		return b.awaitAll(ctx, conn)
	})
}
