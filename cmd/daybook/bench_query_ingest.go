package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"daybook/ingest"
	"daybook/pkg/generate"
	"daybook/schema"
)

// feed keeps ingest at full rate while queries are measured. The topic is filled
// while ingest stands still: producers have machines of their own.
type feed struct {
	node      *node
	conn      driver.Conn
	batch     int // events that fill the topic each time
	published int64
	before    int64 // rows of the table before the first event was published
	timed     int64 // events stored in the time worked, by runs of ingest that have ended
	worked    time.Duration

	// Of the run of ingest that goes on.
	stop  context.CancelFunc // nil: none
	ended chan error
	base  int64 // rows of the table when it began
	began time.Time
}

// maxFeedBatch is how many events fill the topic each time, some 1.5 GB.
const maxFeedBatch = 2_000_000

func newFeed(n *node, conn driver.Conn, events int) *feed {
	return &feed{node: n, conn: conn, batch: min(events, maxFeedBatch)}
}

// await returns when ingest is at work with enough before it. A nil feed is
// always ready.
func (f *feed) await(ctx context.Context) error {
	if f == nil {
		return nil
	}
	if f.stop != nil {
		rows, err := f.rows(ctx)
		if err != nil || f.before+f.published-rows >= int64(f.batch/10) {
			return err
		}
	} else if f.published == 0 {
		var err error
		if f.before, err = f.rows(ctx); err != nil {
			return err
		}
	}
	if err := f.halt(ctx); err != nil {
		return err
	}
	if err := f.fill(ctx); err != nil {
		return err
	}
	return f.start(ctx)
}

func (f *feed) fill(ctx context.Context) error {
	p, err := newPublisher(f.node.config.Kafka)
	if err != nil {
		return err
	}
	defer p.close()
	g := generate.New(generate.Config{Seed: uint64(time.Now().UnixNano()), Events: f.batch, Days: 1, End: time.Now()}) // Ids are unique within a run only.
	sent, err := p.publishAll(ctx, g, 0, nil)
	f.published += sent
	return err
}

// start begins to ingest, and returns when something has been stored.
func (f *feed) start(ctx context.Context) error {
	in, err := ingest.New(f.node.config.Ingest, ingest.Deps{
		Kafka: f.node.config.Kafka, Conn: f.conn, Decoder: f.node.decoder, Registry: prometheus.NewRegistry(), Log: zap.NewNop(),
	})
	if err != nil {
		return err
	}
	if f.base, err = f.rows(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancel(ctx)
	f.stop, f.ended = stop, make(chan error, 1)
	go func() { f.ended <- in.Run(running) }()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		rows, err := f.rows(ctx)
		if err != nil {
			return err
		}
		if rows > f.base {
			f.base, f.began = rows, time.Now()
			return nil
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return errors.New("ingest has stored nothing for a minute")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// halt ends the run of ingest that goes on, where one does. A nil feed has none.
func (f *feed) halt(ctx context.Context) error {
	if f == nil || f.stop == nil {
		return nil
	}
	rows, err := f.rows(ctx)
	f.worked += time.Since(f.began)
	f.stop()
	f.stop = nil
	if err = errors.Join(err, <-f.ended); err != nil {
		return err
	}
	f.timed += rows - f.base
	return nil
}

// rate returns how many events a second were ingested while there was work.
func (f *feed) rate(ctx context.Context) (float64, error) {
	if f == nil {
		return 0, nil
	}
	stored, worked := f.timed, f.worked
	if f.stop != nil {
		rows, err := f.rows(ctx)
		if err != nil {
			return 0, err
		}
		stored, worked = stored+rows-f.base, worked+time.Since(f.began)
	}
	return float64(stored) / worked.Seconds(), nil
}

// rows returns how many rows the table of events has.
func (f *feed) rows(ctx context.Context) (n int64, err error) {
	err = f.conn.QueryRow(ctx, "SELECT toInt64(sum(rows)) FROM system.parts WHERE active AND database = currentDatabase() AND table = ?", schema.Events).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("count the stored events: %w", err)
	}
	return n, nil
}
