package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	kafkago "github.com/segmentio/kafka-go"
	"github.com/spf13/cobra"

	"daybook/ingest"
	"daybook/pkg/event"
)

func (a *app) publishCommand() *cobra.Command {
	return &cobra.Command{
		Use: "publish [FILE|-]", Short: "Publish events from NDJSON: one event a line", Args: cobra.MaximumNArgs(1),
		Long: `Publish events from NDJSON, one event a line, from a file or standard input.
Events without an id get one. A line that is no event is reported with its number
and left out; the others are published, and the command fails in the end.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || args[0] == "-" {
				return a.publish(cmd.Context(), a.stdin, "standard input")
			}
			file, err := os.Open(args[0])
			if err != nil {
				return usageError{err}
			}
			defer func() { _ = file.Close() }()
			return a.publish(cmd.Context(), file, args[0])
		},
	}
}

// maxReported bounds how many bad lines are reported one by one.
const maxReported = 20

func (a *app) publish(ctx context.Context, in io.Reader, name string) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	decoder, err := event.NewDecoder(c.Event())
	if err != nil {
		return err
	}
	p, err := newPublisher(c.Resolved().Kafka)
	if err != nil {
		return err
	}
	defer p.close()

	var done atomic.Int64
	began, bad := time.Now(), 0
	endProgress := startProgress(a.stderr, "events", &done, 0)
	var batch []kafkago.Message
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := p.publish(ctx, batch...); err != nil {
			return err
		}
		done.Add(int64(len(batch)))
		batch = nil
		return nil
	}
	err = eachLine(in, int(c.Ingest.MaxEventBytes), func(number int, line []byte, fault error) error {
		var m kafkago.Message
		if fault == nil {
			m, fault = ingest.NewMessage(decoder, bytes.Clone(line), time.Now())
		}
		if fault != nil {
			if bad++; bad <= maxReported {
				fmt.Fprintf(a.stderr, "%s:%d: %v\n", name, number, fault)
			}
			return ctx.Err()
		}
		if batch = append(batch, m); len(batch) < publishBatch {
			return ctx.Err()
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	endProgress()
	fmt.Fprintf(a.stderr, "published %s events to %s in %s\n", humanize.Comma(done.Load()), p.writer.Topic, time.Since(began).Round(time.Millisecond))
	if bad > 0 {
		err = errors.Join(err, fmt.Errorf("%s: %d lines are no events and were left out", name, bad))
	}
	return explain(c, err)
}

// eachLine calls do with every line that is not blank, and its number from 1.
// Lines beyond the limit are passed as a fault. A line is only valid within
// the call. An error of do ends it.
func eachLine(in io.Reader, limit int, do func(number int, line []byte, fault error) error) error {
	reader := bufio.NewReaderSize(in, limit+2)
	for number := 1; ; number++ {
		line, err := reader.ReadSlice('\n')
		var fault error
		if errors.Is(err, bufio.ErrBufferFull) {
			fault = fmt.Errorf("the line has more than %d bytes, the limit of ingest.max_event_bytes", limit)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = reader.ReadSlice('\n')
			}
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read line %d: %w", number, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 || fault != nil {
			if fault := do(number, line, fault); fault != nil {
				return fault
			}
		}
		if err != nil {
			return nil //nolint:nilerr // The end.
		}
	}
}
