package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
	"daybook/pkg/event"
)

// searchPage is how many events one request of search asks for at most.
const searchPage = 1000

// newSearchCommand returns daybook search.
func newSearchCommand() *cobra.Command {
	var flags clientFlags
	var output, order string
	var limit int
	c := &cobra.Command{
		Use:   "search [flags]",
		Short: "Search events on a server",
		Long: "Search prints the events that match all flags, newest first. It is a client: it needs a server's URL and an API key.\n" +
			"As json, each event is one line; as csv, cells that a spreadsheet would run as formulas begin with an apostrophe.",
		Example: "  daybook search --severity ERROR+ --event-type 'payment.*' --from now-1d\n" +
			"  daybook search --q '\"card declined\" -test' --attr 'amount>100' --output csv > declined.csv",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit: %d is negative; 0 is all", limit)
			}
			show, err := newTable(output, c.OutOrStdout())
			if err != nil {
				return err
			}
			parameters, err := flags.parameters()
			if err != nil {
				return err
			}
			if order != "" {
				parameters.Set("order", order)
			}
			server, err := flags.client()
			if err != nil {
				return err
			}
			shown, more, err := searchPages(c.Context(), server, parameters, limit, show)
			if err != nil {
				return asUsage(err)
			}
			if more && screenOn(c.ErrOrStderr()).width > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "%d events shown; there are more: raise --limit (0 is all)\n", shown)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "`format`: table, json or csv")
	c.Flags().IntVarP(&limit, "limit", "n", 50, "how many `events` at most; 0 is all")
	c.Flags().StringVar(&order, "order", "", "desc (newest first, the default), asc, or ingest (as they arrived)")
	flags.register(c)
	return c
}

// table prints pages of events.
type table interface {
	page([]client.Event) error
	end() error
}

func newTable(output string, out io.Writer) (table, error) {
	switch output {
	case "table":
		return &textTable{screen: screenOn(out)}, nil
	case "json":
		return jsonLines{out}, nil
	case "csv":
		return &csvTable{writer: csv.NewWriter(out)}, nil
	default:
		return nil, usagef("--output: %q is not table, json or csv", output)
	}
}

// searchPages shows pages until there are limit events or no more.
func searchPages(ctx context.Context, server *client.Client, parameters url.Values, limit int, show table) (shown int, more bool, err error) {
	for {
		size := searchPage
		if limit > 0 {
			size = min(size, limit-shown)
		}
		parameters.Set("limit", strconv.Itoa(size))
		page, err := server.Search(ctx, parameters)
		if err != nil {
			return shown, false, err
		}
		if err := show.page(page.Events); err != nil {
			return shown, false, err
		}
		shown += len(page.Events)
		// In ingest order the last page has a cursor too: there events follow as they arrive.
		atEnd := page.NextCursor == "" || len(page.Events) == 0
		if atEnd || limit > 0 && shown >= limit {
			return shown, !atEnd, show.end()
		}
		parameters.Set("cursor", page.NextCursor)
	}
}

// textTable prints aligned columns, each page by its own widths.
type textTable struct {
	screen screen
	headed bool
}

func (t *textTable) page(events []client.Event) error {
	rows := make([][columnCount]string, len(events))
	var widths [columnCount]int
	for i, title := range columnTitles {
		widths[i] = len(title)
	}
	for i := range events {
		rows[i] = columnsOf(&events[i])
		for j, text := range rows[i] {
			widths[j] = max(widths[j], utf8.RuneCountInString(text))
		}
	}
	if !t.headed {
		t.headed = true
		if err := t.screen.line(columnTitles, widths, 0); err != nil {
			return err
		}
	}
	for i, row := range rows {
		if err := t.screen.line(row, widths, events[i].Severity); err != nil {
			return err
		}
	}
	return nil
}

func (t *textTable) end() error { return nil }

// jsonLines prints each event as one line of JSON.
type jsonLines struct{ out io.Writer }

func (j jsonLines) page(events []client.Event) error {
	for _, e := range events {
		if _, err := fmt.Fprintf(j.out, "%s\n", e.JSON); err != nil {
			return err
		}
	}
	return nil
}

func (j jsonLines) end() error { return nil }

type csvTable struct {
	writer *csv.Writer
	headed bool
}

func (t *csvTable) page(events []client.Event) error {
	if !t.headed {
		t.headed = true
		if err := t.writer.Write(event.CSVColumns); err != nil {
			return err
		}
	}
	for i := range events {
		if err := t.writer.Write(event.CSVRow(nil, &events[i].Event)); err != nil {
			return err
		}
	}
	t.writer.Flush()
	return t.writer.Error()
}

func (t *csvTable) end() error { return nil }
