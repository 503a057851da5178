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
	var output, order, count string
	var limit int
	var highlight bool
	c := &cobra.Command{
		Use:   "search [flags]",
		Short: "Search events on a server",
		Long: "Search prints the events that match all flags, newest first. It is a client: it needs a server's URL and an API key.\n" +
			"On a terminal, what matches is underlined.\n" +
			"As json, each event is one line; with --count or --highlight each page is, as the API answers it. As csv, cells that a spreadsheet\n" +
			"would run as formulas begin with an apostrophe.",
		Example: "  daybook search --severity ERROR+ --event-type 'payment.*' --from now-1d\n" +
			"  daybook search --q '\"card declined\" -test' --attr 'amount>100' --output csv > declined.csv\n" +
			"  daybook search --q refund --count=exact -n 1 --output json | jq .meta.count.value",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 0 {
				return usagef("--limit: %d is negative; 0 is all", limit)
			}
			if count != "" && count != "exact" && count != "capped" {
				return usagef("--count: %q is not exact or capped", count)
			}
			show, err := newTable(output, c.OutOrStdout(), count != "" || highlight)
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
			if count != "" {
				parameters.Set("count", count)
			}
			if highlight || show.marks() {
				parameters.Set("highlight", "true")
			}
			server, err := flags.client()
			if err != nil {
				return err
			}
			found, err := searchPages(c.Context(), server, parameters, limit, show)
			if err != nil {
				return asUsage(err)
			}
			switch {
			case found.count != nil && output != "json":
				fmt.Fprintf(c.ErrOrStderr(), "%d of %s events shown\n", found.shown, countText(found.count))
			case found.more && screenOn(c.ErrOrStderr()).width > 0:
				fmt.Fprintf(c.ErrOrStderr(), "%d events shown; there are more: raise --limit (0 is all)\n", found.shown)
			}
			return nil
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "table", "`format`: table, json or csv")
	c.Flags().IntVarP(&limit, "limit", "n", 50, "how many `events` at most; 0 is all")
	c.Flags().StringVar(&order, "order", "", "desc (newest first, the default), asc, or ingest (as they arrived)")
	c.Flags().StringVar(&count, "count", "", "also count what matches: capped (to 10000, the default) or `exact`")
	c.Flags().Lookup("count").NoOptDefVal = "capped"
	c.Flags().BoolVar(&highlight, "highlight", false, "with --output json, also where each event matches")
	flags.register(c)
	flags.registerInclude(c)
	return c
}

func countText(c *client.Count) string {
	if c.Relation == "gte" {
		return fmt.Sprintf("at least %d", c.Value)
	}
	return strconv.FormatUint(c.Value, 10)
}

// table prints pages of events.
type table interface {
	// marks reports whether it shows where events match.
	marks() bool
	page(*client.Page) error
}

// newTable returns what prints the output. pages says that of json, whole pages are
// wanted.
func newTable(output string, out io.Writer, pages bool) (table, error) {
	switch output {
	case "table":
		return &textTable{screen: screenOn(out)}, nil
	case "json":
		return jsonLines{out, pages}, nil
	case "csv":
		return &csvTable{writer: csv.NewWriter(out)}, nil
	default:
		return nil, usagef("--output: %q is not table, json or csv", output)
	}
}

// found is what a search has shown.
type found struct {
	shown int
	more  bool
	count *client.Count // nil: none was asked for
}

// searchPages shows pages until there are limit events or no more.
func searchPages(ctx context.Context, server *client.Client, parameters url.Values, limit int, show table) (f found, err error) {
	for {
		size := searchPage
		if limit > 0 {
			size = min(size, limit-f.shown)
		}
		parameters.Set("limit", strconv.Itoa(size))
		page, err := server.Search(ctx, parameters)
		if err != nil {
			return f, err
		}
		if err := show.page(page); err != nil {
			return f, err
		}
		f.shown += len(page.Events)
		if page.Meta.Count != nil {
			f.count = page.Meta.Count
			parameters.Del("count") // It is that of every page.
		}
		// In ingest order the last page has a cursor too: there events follow as they arrive.
		// A page that is partial may be empty, and the search still goes on.
		atEnd := page.NextCursor == "" || len(page.Events) == 0 && !page.Meta.Partial
		if atEnd || limit > 0 && f.shown >= limit {
			f.more = !atEnd
			return f, nil
		}
		parameters.Set("cursor", page.NextCursor)
	}
}

// textTable prints aligned columns, each page by its own widths.
type textTable struct {
	screen screen
	headed bool
}

func (t *textTable) marks() bool { return t.screen.color }

func (t *textTable) page(page *client.Page) error {
	events := page.Events
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
		var marks columnMarks
		if i < len(page.Highlights) {
			marks = marksOf(&events[i], page.Highlights[i])
		}
		if err := t.screen.markedLine(row, marks, widths, events[i].Severity); err != nil {
			return err
		}
	}
	return nil
}

// jsonLines prints each event, or each page, as one line of JSON.
type jsonLines struct {
	out   io.Writer
	pages bool
}

func (jsonLines) marks() bool { return false }

func (j jsonLines) page(page *client.Page) error {
	if j.pages {
		_, err := fmt.Fprintf(j.out, "%s\n", page.JSON)
		return err
	}
	for _, e := range page.Events {
		if _, err := fmt.Fprintf(j.out, "%s\n", e.JSON); err != nil {
			return err
		}
	}
	return nil
}

type csvTable struct {
	writer *csv.Writer
	headed bool
}

func (t *csvTable) marks() bool { return false }

func (t *csvTable) page(page *client.Page) error {
	if !t.headed {
		t.headed = true
		if err := t.writer.Write(event.CSVColumns); err != nil {
			return err
		}
	}
	for i := range page.Events {
		if err := t.writer.Write(event.CSVRow(nil, &page.Events[i].Event)); err != nil {
			return err
		}
	}
	t.writer.Flush()
	return t.writer.Error()
}
