package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// idleMemory measures what a client costs that gets nothing. Each server has a
// process of its own: in one that had clients before, new ones take memory that
// is not given back to the system.
func (b *streamBench) idleMemory(ctx context.Context, figures *streamFigures) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, bare := range []bool{false, true} {
		command := exec.CommandContext(ctx, self, "bench", "stream-idle", "--clients", strconv.Itoa(b.idle), "--bare="+strconv.FormatBool(bare)) //nolint:gosec // It is this program.
		command.Stderr = b.a.stderr
		out, err := command.Output()
		if err != nil {
			return fmt.Errorf("the process whose memory is measured: %w", err)
		}
		var each float64
		if err := json.Unmarshal(out, &each); err != nil {
			return fmt.Errorf("the process whose memory is measured says %q: %w", out, err)
		}
		if bare {
			figures.addBaseline("idle_memory", each)
		} else {
			figures.add("idle_memory", each)
		}
	}
	return nil
}

func (a *app) benchStreamIdleCommand() *cobra.Command {
	var clients int
	var bare bool
	c := &cobra.Command{
		Use: "stream-idle", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			each, err := idleEach(cmd.Context(), clients, bare)
			if err != nil {
				return err
			}
			return json.NewEncoder(a.stdout).Encode(each)
		},
	}
	c.Flags().IntVar(&clients, "clients", 10_000, "how many clients")
	c.Flags().BoolVar(&bare, "bare", false, "of the bare loop")
	return c
}

// idleEach returns the bytes of this process for each of so many idle clients.
func idleEach(ctx context.Context, clients int, bare bool) (each float64, err error) {
	start := func() (*benchServer, error) { return startMemoryStream(ctx, newBenchTopic(), 100) }
	if bare {
		start = func() (*benchServer, error) { return startBare(ctx, 1, frameBytes) }
	}
	server, err := start()
	if err != nil {
		return 0, err
	}
	before, err := residentBytes()
	if err != nil {
		return 0, err
	}
	err = with(ctx, server, streamClients{Count: clients, Tenants: 100}, func(crowd *crowdProcess) error {
		// Until what connecting took is garbage.
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return ctx.Err()
		}
		after, err := residentBytes()
		each = float64(after-before) / float64(clients)
		return err
	})
	return each, err
}

// residentBytes returns the memory of this process, after what is free was
// given back.
func residentBytes() (int64, error) {
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("read the process's memory: %w", err)
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0, fmt.Errorf("the kernel says %q about the process's memory", text)
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize()), err
}
