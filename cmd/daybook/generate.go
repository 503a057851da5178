package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"daybook/pkg/generate"
)

func (a *app) generateCommand() *cobra.Command {
	var (
		g         = generate.Config{}
		perSecond float64
		to        string
	)
	c := &cobra.Command{
		Use: "generate --events N", Short: "Make believable events: the same ones for the same seed, days apart", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("events") {
				return usagef("--events is needed (0: without end)")
			}
			if perSecond < 0 {
				return usagef("--rate must not be negative")
			}
			g.End = time.Now()
			if err := g.Validate(); err != nil {
				return usageError{err}
			}
			switch to {
			case "stdout":
				return a.generateToStdout(cmd.Context(), generate.New(g), perSecond)
			case "kafka":
				return a.generateToKafka(cmd.Context(), g, perSecond)
			default:
				return usagef("--to: %q is not kafka or stdout", to)
			}
		},
	}
	c.Flags().IntVar(&g.Events, "events", 0, "how many; 0: without end")
	c.Flags().Float64Var(&perSecond, "rate", 0, "events a second at most; 0: as fast as it goes")
	c.Flags().IntVar(&g.Tenants, "tenants", 100, "how many tenants; a few have most of the events")
	c.Flags().IntVar(&g.Days, "days", 0, "spread over so many past days; 0: events happen when they are made")
	c.Flags().Uint64Var(&g.Seed, "seed", 1, "the same seed makes the same events")
	c.Flags().StringVar(&to, "to", "kafka", "kafka, or stdout for NDJSON")
	return c
}

func (a *app) generateToStdout(ctx context.Context, g *generate.Generator, perSecond float64) error {
	limit, size := pace(perSecond)
	out := bufio.NewWriterSize(a.stdout, 1<<20)
	var line []byte
	for made := 0; ; made++ {
		if made%size == 0 {
			if perSecond > 0 {
				if err := out.Flush(); err != nil {
					return ignoreClosedPipe(err)
				}
			}
			if err := limit.WaitN(ctx, size); err != nil {
				return errors.Join(ignoreClosedPipe(out.Flush()), ctx.Err())
			}
		}
		var ok bool
		if line, _, _, ok = g.Next(line); !ok {
			return ignoreClosedPipe(out.Flush())
		}
		line = append(line, '\n')
		if _, err := out.Write(line); err != nil {
			return ignoreClosedPipe(err)
		}
	}
}

// ignoreClosedPipe makes `daybook generate | head` a success.
func ignoreClosedPipe(err error) error {
	if errors.Is(err, syscall.EPIPE) || errors.Is(err, io.ErrClosedPipe) {
		return nil
	}
	return err
}

func (a *app) generateToKafka(ctx context.Context, g generate.Config, perSecond float64) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	p, err := newPublisher(c.Resolved().Kafka)
	if err != nil {
		return err
	}
	defer p.close()
	var done atomic.Int64
	began := time.Now()
	end := startProgress(a.stderr, "events", &done, int64(g.Events))
	n, err := p.publishAll(ctx, generate.New(g), perSecond, &done)
	end()
	fmt.Fprintf(a.stderr, "published %s events to %s in %s, %s/s\n", humanize.Comma(n), p.writer.Topic,
		time.Since(began).Round(time.Millisecond), humanize.Comma(int64(since(began, n))))
	return explain(c, err)
}
