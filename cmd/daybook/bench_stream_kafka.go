package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"daybook/ingest"
	"daybook/pkg/clickhouse"
	"daybook/pkg/client"
	"daybook/pkg/embedded"
	"daybook/pkg/event"
	"daybook/pkg/kafka"
	"daybook/pkg/retention"
	"daybook/query/search"
	"daybook/query/statement"
	"daybook/query/stream"
	"daybook/schema"
)

// firstID returns an id of the present, of a tenant that nothing is published for.
func firstID(ctx context.Context, addr string) (string, error) {
	c, err := client.New("http://"+addr, "bench", client.WithTenant("nobody"))
	if err != nil {
		return "", err
	}
	for item, err := range c.Stream(ctx, nil, client.StreamOptions{}) {
		if err != nil {
			return "", err
		}
		if item.ID != "" {
			return item.ID, nil
		}
	}
	return "", errors.New("the stream has ended")
}

// withBroker runs a measurement with an embedded broker of its own.
func withBroker(do func(dir string, config kafka.Config) error) error {
	dir, err := os.MkdirTemp("", "daybook-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	config := kafka.DefaultConfig()
	broker, err := embedded.StartBroker(embedded.BrokerConfig{Dir: filepath.Join(dir, "kafka"), Addr: "127.0.0.1:0", Partitions: config.Partitions})
	if err != nil {
		return err
	}
	defer func() { _ = broker.Close() }()
	config.Brokers = []string{broker.Addr()}
	return do(dir, config)
}

// latency measures the way from Kafka's acknowledgement to a client's read: ten
// clients for each tenant, 2,000 events a second in all.
func (b *streamBench) latency(ctx context.Context, figures *streamFigures) error {
	return withBroker(func(_ string, config kafka.Config) error { //nolint:contextcheck // The broker lives until Close.
		if err := kafka.EnsureTopics(ctx, config); err != nil {
			return err
		}
		server, err := startStream(ctx, stream.Topic(config), nil)
		if err != nil {
			return err
		}
		writer, err := config.Writer(config.Topic)
		if err != nil {
			return err
		}
		defer func() { _ = writer.Close() }()
		tenants := b.clients / 10
		clients := streamClients{Count: b.clients, Tenants: tenants, Sample: b.clients / 5}
		return with(ctx, server, clients, func(crowd *crowdProcess) error {
			var mu sync.Mutex
			var acknowledged []time.Time // by number; zero: not yet
			var sending sync.WaitGroup
			var failure error
			server.emit = func(n int) int64 {
				mu.Lock()
				first := int64(len(acknowledged))
				acknowledged = append(acknowledged, make([]time.Time, n)...)
				mu.Unlock()
				messages := make([]kafkago.Message, n)
				for i := range messages {
					number := first + int64(i)
					messages[i] = message([]byte(benchTenantName(int(number)%tenants)), benchEvent(number, int(number)%tenants))
				}
				sending.Go(func() {
					err := writer.WriteMessages(ctx, messages...)
					now := time.Now()
					mu.Lock()
					defer mu.Unlock()
					failure = errors.Join(failure, err)
					for i := range messages {
						acknowledged[first+int64(i)] = now
					}
				})
				return first
			}
			emitFor(ctx, server, 2000, time.Second/2)
			if _, err := crowd.await(ctx, "it is quiet", quiet()); err != nil {
				return err
			}
			first, at := emitFor(ctx, server, 2000, time.Duration(b.seconds)*time.Second)
			sending.Wait()
			if failure != nil {
				return fmt.Errorf("publish: %w", failure)
			}
			want := (int(first) + len(at)) * clients.Count / tenants
			s, err := crowd.await(ctx, "all events have arrived", func(s streamStats) bool { return s.Events >= int64(want) })
			if err != nil {
				return err
			}
			ms := delays(s.Arrivals, first, acknowledged[first:])
			figures.add("latency_p50", percentile(ms, 0.5))
			figures.add("latency_p99", percentile(ms, 0.99))
			return nil
		})
	})
}

// fillBehind publishes the events that a client is behind, all of one tenant.
func (b *streamBench) fillBehind(ctx context.Context, config kafka.Config) error {
	if err := kafka.EnsureTopics(ctx, config); err != nil {
		return err
	}
	writer, err := config.Writer(config.Topic)
	if err != nil {
		return err
	}
	defer func() { _ = writer.Close() }()
	writer.BatchSize = publishBatch
	for sent := 0; sent < b.events; {
		var batch []kafkago.Message
		for len(batch) < 50_000 && sent < b.events {
			batch = append(batch, message(fmt.Append(nil, sent), benchEvent(int64(sent), 0)))
			sent++
		}
		if err := writer.WriteMessages(ctx, batch...); err != nil {
			return fmt.Errorf("publish: %w", err)
		}
	}
	return nil
}

// readAll reads a topic whole, partition by partition.
func readAll(ctx context.Context, config kafka.Config, want int) ([]event.Message, error) {
	var all []event.Message
	for p := range config.Partitions {
		reader, err := kafka.NewReader(config, config.Topic, int32(p), kafka.ReaderConfig{})
		if err != nil {
			return nil, err
		}
		for {
			fetched, err := reader.Fetch(ctx)
			if err != nil {
				return nil, err
			}
			if len(fetched.Messages) == 0 {
				break
			}
			all = append(all, fetched.Messages...)
		}
		_ = reader.Close()
	}
	if len(all) != want {
		return nil, fmt.Errorf("the topic has %d messages, want %d", len(all), want)
	}
	return all, nil
}

// beginning is the id before everything that the topic of the same epoch and
// partitions has had.
func beginning(id string, partitions int) string {
	parts := bytes.SplitN([]byte(id), []byte("."), 4)
	return fmt.Sprintf("%s.%s.%s.0%s", parts[0], parts[1], parts[2], bytes.Repeat([]byte(",0"), partitions-1))
}

// catchUp measures how fast one client gets everything from the beginning.
func (b *streamBench) catchUp(ctx context.Context, server *benchServer, partitions int) (rate float64, err error) {
	id, err := firstID(ctx, server.addr)
	if err != nil {
		server.stop()
		return 0, err
	}
	began := time.Now()
	clients := streamClients{Count: 1, Tenants: 1, LastID: beginning(id, partitions)}
	err = with(ctx, server, clients, func(crowd *crowdProcess) error {
		_, err := crowd.await(ctx, "the client has caught up", func(s streamStats) bool { return s.Events >= int64(b.events) })
		rate = float64(b.events) / time.Since(began).Seconds()
		return err
	})
	return rate, err
}

// catchupKafka lets a client catch up from Kafka, beside reading the messages
// alone.
func (b *streamBench) catchupKafka(ctx context.Context, figures *streamFigures) error {
	return withBroker(func(_ string, config kafka.Config) error { //nolint:contextcheck // The broker lives until Close.
		if err := b.fillBehind(ctx, config); err != nil {
			return err
		}
		server, err := startStream(ctx, stream.Topic(config), nil)
		if err != nil {
			return err
		}
		rate, err := b.catchUp(ctx, server, config.Partitions)
		if err != nil {
			return err
		}
		took, err := timed(func() error {
			_, err := readAll(ctx, config, b.events)
			return err
		})
		if err != nil {
			return err
		}
		figures.add("catchup_kafka", rate)
		figures.addBaseline("catchup_kafka", float64(b.events)/took.Seconds())
		return nil
	})
}

// storedAll says that the whole topic is in the store.
type storedAll struct{ next []int64 }

func (s storedAll) Stored(context.Context) (search.Log, error) { return search.Log{Next: s.next}, nil }

// catchupStore lets a client catch up from ClickHouse after Kafka has lost what
// it needs, beside the same rows read alone.
func (b *streamBench) catchupStore(ctx context.Context, figures *streamFigures) error {
	return withBroker(func(dir string, config kafka.Config) error { //nolint:contextcheck // The broker lives until Close.
		if err := b.fillBehind(ctx, config); err != nil {
			return err
		}
		server, err := embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{Dir: filepath.Join(dir, "clickhouse"), Addr: "127.0.0.1:0"})
		if err != nil {
			return err
		}
		defer func() { _ = server.Close() }()
		settings := clickhouse.DefaultConfig()
		settings.Addrs = []string{server.Addr()}
		if err := schema.Up(ctx, settings); err != nil {
			return err
		}
		conn, err := clickhouse.Open(ctx, settings)
		if err != nil {
			return err
		}
		defer func() { _ = conn.Close() }()
		messages, err := readAll(ctx, config, b.events)
		if err != nil {
			return err
		}
		decoder, err := event.NewDecoder(event.DefaultConfig())
		if err != nil {
			return err
		}
		prepared, err := ingest.Prepare(ingest.DefaultConfig(), decoder, messages)
		if err != nil {
			return err
		}
		next := make([]int64, config.Partitions)
		for _, m := range messages {
			next[m.Partition] = max(next[m.Partition], m.Offset+1)
		}
		if err := prepared.Insert(conn, 2); err != nil { //nolint:contextcheck // Inserts are never cancelled: see package ingest.
			return err
		}
		table := stream.Table(statement.NewReader(conn, statement.DefaultConfig()), storedAll{next}, config.Topic, retention.Days(event.DefaultConfig().RetentionDays), time.Now)
		source := retained{stream.Topic(config)}
		serving, err := startStream(ctx, source, table)
		if err != nil {
			return err
		}
		rate, err := b.catchUp(ctx, serving, config.Partitions)
		if err != nil {
			return err
		}
		took, err := timed(func() error {
			rows, err := conn.Query(ctx, "SELECT "+search.Columns+" FROM "+schema.Events+" ORDER BY kafka_partition, kafka_offset")
			if err != nil {
				return err
			}
			defer func() { _ = rows.Close() }()
			scanner := search.NewEventScanner()
			for rows.Next() {
				if _, err := scanner.Scan(rows); err != nil {
					return err
				}
			}
			return rows.Err()
		})
		if err != nil {
			return err
		}
		figures.add("catchup_store", rate)
		figures.addBaseline("catchup_store", float64(b.events)/took.Seconds())
		return nil
	})
}

// retained is a topic whose retention has taken everything: its logs begin where
// they end.
type retained struct{ stream.Source }

func (r retained) Open(partition int32, maxBytes int) (stream.Reader, error) {
	reader, err := r.Source.Open(partition, maxBytes)
	if err != nil {
		return nil, err
	}
	return retainedReader{reader}, nil
}

type retainedReader struct{ stream.Reader }

func (r retainedReader) Offsets(ctx context.Context) (first, end int64, err error) {
	_, end, err = r.Reader.Offsets(ctx)
	return end, end, err
}
