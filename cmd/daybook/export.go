package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newExportCommand returns daybook export.
func newExportCommand() *cobra.Command {
	var flags clientFlags
	var format, output, cursor, after string
	var limit int64
	c := &cobra.Command{
		Use:   "export [flags]",
		Short: "Export events from a server",
		Long: "Export writes every event that matches all flags, oldest first, as they were stored at one moment. It is a client: it needs a server's URL\n" +
			"and an API key. It checks the count and the checksum that the server sends at the end. A cut export goes on by itself, but for Parquet, where it\n" +
			"says how to begin again.",
		Example: "  daybook export --from now-30d --output events.ndjson\n" +
			"  daybook export --category billing --format parquet --output billing.parquet",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit: %d is negative; 0 is all", limit)
			}
			parameters, err := flags.parameters()
			if err != nil {
				return err
			}
			for name, value := range map[string]string{"format": format, "cursor": cursor, "after": after} {
				if value != "" {
					parameters.Set(name, value)
				}
			}
			if limit > 0 {
				parameters.Set("limit", strconv.FormatInt(limit, 10))
			}
			server, err := flags.client()
			if err != nil {
				return err
			}
			e := exporting{server: server, parameters: parameters, notes: c.ErrOrStderr()}
			if output == "-" {
				return e.run(c.Context(), c.OutOrStdout())
			}
			return e.toFile(c.Context(), output)
		},
	}
	c.Flags().StringVarP(&format, "format", "f", "ndjson", "ndjson, csv or parquet")
	c.Flags().StringVarP(&output, "output", "o", "-", "`file` to write, under that name once it is whole; - is standard output")
	c.Flags().Int64VarP(&limit, "limit", "n", 0, "how many `events` at most; 0 is all")
	c.Flags().StringVar(&cursor, "cursor", "", "go on in the view of an earlier export: the `cursor` that it named")
	c.Flags().StringVar(&after, "after", "", "go on behind an `event`, with --cursor: createdAt/eventId/source, as an earlier export named it")
	flags.register(c)
	flags.registerInclude(c)
	return c
}

// exporting is one export.
type exporting struct {
	server     *client.Client
	parameters url.Values
	notes      io.Writer
}

// toFile writes a file that bears its name only when it is whole.
func (e exporting) toFile(ctx context.Context, name string) error {
	part := name + ".part"
	file, err := os.Create(part)
	if err != nil {
		return err
	}
	err = errors.Join(e.run(ctx, file), file.Sync(), file.Close())
	if err == nil {
		return os.Rename(part, name)
	}
	var cut *client.CutError
	if errors.As(err, &cut) && cut.Rows > 0 {
		return fmt.Errorf("%w\nwhat has arrived is in %s", err, part)
	}
	_ = os.Remove(part) // There is nothing in it; err says why.
	return err
}

func (e exporting) run(ctx context.Context, out io.Writer) error {
	var done atomic.Int64
	end := startProgress(e.notes, "bytes", &done, 0)
	exported, err := e.server.Export(ctx, e.parameters, countingWriter{out, &done}, client.ExportOptions{
		OnResume: func(cause error, wait time.Duration) {
			fmt.Fprintf(e.notes, "daybook: cut (%s), going on in %s\n", visible(cause.Error()), wait.Round(100*time.Millisecond))
		},
	})
	end()
	var cut *client.CutError
	if errors.As(err, &cut) && cut.Cursor != "" {
		if cut.After == "" {
			return fmt.Errorf("%w\nexport the same view again with --cursor %s", err, cut.Cursor)
		}
		return fmt.Errorf("%w\ngo on with --cursor %s --after '%s'", err, cut.Cursor, cut.After)
	}
	if err != nil {
		return asUsage(err)
	}
	fmt.Fprintf(e.notes, "exported %d events\n", exported.Rows)
	if exported.Next != "" {
		fmt.Fprintf(e.notes, "there are more: go on with --cursor %s\n", exported.Next)
	}
	return nil
}

// countingWriter counts the bytes that pass.
type countingWriter struct {
	io.Writer
	done *atomic.Int64
}

func (w countingWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.done.Add(int64(n))
	return n, err
}
