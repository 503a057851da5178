package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"daybook/pkg/event"
)

// report is an answer as a command prints it: aligned columns for people, rows
// for a spreadsheet, or the JSON of the API.
type report struct {
	titles  []string
	data    []string // titles that come from the events, and so are shown as they are
	numbers int      // that many columns at the end are numbers
	rows    [][]string
	drawn   []string // a last column for the eye, which only the table has
	answer  any
}

// outputFlag adds --output to a command that prints a report.
func outputFlag(c *cobra.Command, output *string) {
	c.Flags().StringVarP(output, "output", "o", "table", "`format`: table, json or csv")
}

// checkOutput refuses what a report can't be printed as, before the server is asked.
func checkOutput(output string) error {
	switch output {
	case "table", "json", "csv":
		return nil
	}
	return usagef("--output: %q is not table, json or csv", output)
}

func (r report) write(out io.Writer, output string) error {
	switch output {
	case "json":
		return printJSON(out, r.answer)
	case "csv":
		w := csv.NewWriter(out)
		cells := make([]string, len(r.titles))
		for i, title := range r.titles {
			cells[i] = event.Inert(title)
		}
		_ = w.Write(cells) // Error tells.
		for _, row := range r.rows {
			for i, text := range row {
				cells[i] = text
				if i < len(row)-r.numbers {
					cells[i] = event.Inert(text)
				}
			}
			_ = w.Write(cells)
		}
		w.Flush()
		return w.Error()
	default:
		return r.table(screenOn(out))
	}
}

func printJSON(out io.Writer, answer any) error {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(answer)
}

// table prints aligned columns. Where the screen ends, lines do.
func (r report) table(s screen) error {
	rows := make([][]string, 0, len(r.rows)+1)
	titles := make([]string, len(r.titles))
	for i, title := range r.titles {
		if slices.Contains(r.data, title) {
			titles[i] = visible(title)
		} else {
			titles[i] = strings.ToUpper(title)
		}
	}
	rows = append(rows, titles)
	for _, row := range r.rows {
		shown := make([]string, len(row))
		for i, text := range row {
			shown[i] = visible(text)
		}
		rows = append(rows, shown)
	}
	widths := make([]int, len(r.titles))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
		}
	}
	for i, row := range rows {
		var b strings.Builder
		for j, text := range row {
			pad := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(text))
			if j > 0 {
				b.WriteString("  ")
			}
			if j >= len(row)-r.numbers {
				b.WriteString(pad + text)
			} else {
				b.WriteString(text + pad)
			}
		}
		line := strings.TrimRight(b.String(), " ")
		if s.width > 0 {
			line = cut(line, s.width)
		}
		if i > 0 && r.drawn != nil {
			line = b.String() + "  " + r.drawn[i-1]
		}
		if _, err := fmt.Fprintln(s.out, strings.TrimRight(line, " ")); err != nil {
			return err
		}
	}
	return nil
}

// used is how many columns of the screen the rows take without what is drawn.
func (r report) used() int {
	all := 0
	for i, title := range r.titles {
		width := utf8.RuneCountInString(title)
		for _, row := range r.rows {
			width = max(width, utf8.RuneCountInString(row[i]))
		}
		all += width + 2
	}
	return all
}

// instant writes a time in the zone that --tz names, or in UTC.
func instant(t time.Time, zone string) string {
	if location, err := time.LoadLocation(zone); err == nil && zone != "" {
		return t.In(location).Format(time.RFC3339)
	}
	return t.UTC().Format(time.RFC3339)
}

// percent writes a part of a whole.
func percent(part, all float64) string {
	if all == 0 {
		return "0.0%"
	}
	return fmt.Sprintf("%.1f%%", 100*part/all)
}
