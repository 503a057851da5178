package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"daybook/ingest"
	"daybook/pkg/event"
	"daybook/pkg/generate"
	"daybook/schema"
)

// queryData says what a data folder of the benchmark holds. It is written when
// all of it is stored, and tells the folder from one that somebody works with.
type queryData struct {
	Events int       `json:"events"`
	Days   int       `json:"days"`
	End    time.Time `json:"end"`
}

const queryDataFile = "bench-query.json"

// openQueryData returns what the folder holds: nothing where it is empty or absent.
// It refuses a folder that holds anything else than what is asked for.
func openQueryData(dir string, events, days int) (queryData, error) {
	var known queryData
	text, err := os.ReadFile(filepath.Join(dir, queryDataFile))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(dir)
		if err == nil && len(entries) > 0 {
			return known, usagef("--data: %s holds something else, or its loading was cut off: name another folder, or remove it", dir)
		}
		return known, os.MkdirAll(dir, 0o750)
	}
	if err != nil {
		return known, fmt.Errorf("read what %s holds: %w", dir, err)
	}
	if err := json.Unmarshal(text, &known); err != nil {
		return known, fmt.Errorf("read what %s holds: %w", dir, err)
	}
	if known.Events != events || known.Days != days {
		return known, usagef("--data: %s holds %d events of %d days: ask for as many, or name another folder", dir, known.Events, known.Days)
	}
	return known, nil
}

// stored stores the events where the folder does not hold them yet, and waits
// until the server has merged what it wants to merge.
func (b *queryBench) stored(ctx context.Context, dir string, known queryData) error {
	if b.end = known.End; b.end.IsZero() {
		b.end = time.Now().UTC()
		if err := b.load(ctx); err != nil {
			return err
		}
		if err := b.settle(ctx); err != nil { // What is being merged can't be merged further.
			return err
		}
		if err := b.mergeMonths(ctx); err != nil {
			return err
		}
		text, err := json.Marshal(queryData{b.events, b.days, b.end})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, queryDataFile), text, 0o600); err != nil {
			return err
		}
	}
	return b.settle(ctx)
}

// Events are stored as ingest stores them: in blocks of several partitions that
// happened in the same time, each a part of the table with its rollups.
const (
	loadPartitions = 4
	loadChunk      = 200_000
	loadTopic      = "bench_history"
)

func (b *queryBench) load(ctx context.Context) error {
	decoder, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		return err
	}
	fmt.Fprintf(b.a.stderr, "storing %d events\n", b.events)
	began := time.Now()
	var loaded atomic.Int64
	defer startProgress(b.a.stderr, "events stored", &loaded, int64(b.events))()
	g := generate.New(generate.Config{Seed: 1, Events: b.events, Days: b.days, End: b.end})
	var next [loadPartitions]int64
	chunks, group := errgroup.WithContext(ctx)
	chunks.SetLimit(2) // A third would wait for a core.
	for group.Err() == nil {
		chunk := historyChunk(g, &next)
		if len(chunk) == 0 {
			break
		}
		chunks.Go(func() error { //nolint:contextcheck // Inserts are never cancelled: see package ingest.
			prepared, err := ingest.Prepare(ingest.DefaultConfig(), decoder, chunk)
			if err != nil {
				return err
			}
			if err := prepared.Insert(b.conn.Conn, 2); err != nil {
				return err
			}
			loaded.Add(int64(len(chunk)))
			return nil
		})
	}
	if err := errors.Join(chunks.Wait(), ctx.Err()); err != nil {
		return fmt.Errorf("store generated events: %w", err)
	}
	fmt.Fprintf(b.a.stderr, "stored in %s, waiting for merges\n", time.Since(began).Round(time.Second))
	return nil
}

// historyChunk generates messages as they would stand in a topic. next holds
// the offset of each partition's next message.
func historyChunk(g *generate.Generator, next *[loadPartitions]int64) []event.Message {
	chunk := make([]event.Message, 0, loadChunk)
	for len(chunk) < loadChunk {
		value, key, at, ok := g.Next(nil)
		if !ok {
			break
		}
		hash := fnv.New32a()
		_, _ = hash.Write(key)
		p := int32(hash.Sum32() % loadPartitions)
		chunk = append(chunk, event.Message{Topic: loadTopic, Position: event.Position{Partition: p, Offset: next[p]}, Time: at, Key: key, Value: value})
		next[p]++
	}
	return chunk
}

// mergeMonths does to the months that are over what the server does a day after
// nothing has been stored in them (schema/0016 and the next two). The month that
// goes on is left as it is.
func (b *queryBench) mergeMonths(ctx context.Context) error {
	for _, table := range []string{schema.Events, schema.Events1m, schema.Events15m} {
		for back := b.days/28 + 1; back > 0; back-- {
			year, month, _ := b.end.Date()
			over := time.Date(year, month-time.Month(back), 1, 0, 0, 0, 0, time.UTC).Format("200601")
			if err := b.conn.Exec(ctx, "OPTIMIZE TABLE "+table+" PARTITION "+over+" FINAL"); err != nil {
				return fmt.Errorf("merge %s of %s: %w", over, table, err)
			}
		}
	}
	return nil
}

// settle returns when no merge has run for a while.
func (b *queryBench) settle(ctx context.Context) error {
	const patience, quietTicks = 10 * time.Minute, 8
	limit := time.NewTimer(patience)
	defer limit.Stop()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for quiet := 0; quiet < quietTicks; {
		var merges uint64
		if err := b.conn.QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges); err != nil {
			return err
		}
		if quiet++; merges > 0 {
			quiet = 0
		}
		select {
		case <-tick.C:
		case <-limit.C:
			return fmt.Errorf("the server still merges after %s", patience)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// parts returns how many parts the table of events has.
func (b *queryBench) parts(ctx context.Context) (n uint64, err error) {
	err = b.conn.QueryRow(ctx, "SELECT count() FROM system.parts WHERE active AND database = currentDatabase() AND table = ?", schema.Events).Scan(&n)
	return n, err
}
