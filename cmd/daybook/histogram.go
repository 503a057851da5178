package main

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
	"daybook/pkg/event"
)

// newHistogramCommand returns daybook histogram.
func newHistogramCommand() *cobra.Command {
	var flags clientFlags
	var output, interval, groupBy string
	c := &cobra.Command{
		Use:   "histogram [flags]",
		Short: "Count events by time, with bars",
		Long: "Histogram prints how many events match all flags in each interval, and a bar of it, coloured by severity on a terminal.\n" +
			"With --group-by it counts by the values of another field, of which the 20 most frequent have their columns.",
		Example: "  daybook histogram --from now-1d --severity WARN+\n" +
			"  daybook histogram --from now-30d --interval 1d --tz Europe/Prague --group-by payload.currency --output csv",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			parameters, server, err := flags.both()
			if err != nil {
				return err
			}
			for name, value := range map[string]string{"interval": interval, "groupBy": groupBy} {
				if value != "" {
					parameters.Set(name, value)
				}
			}
			h, err := server.Histogram(c.Context(), parameters)
			if err != nil {
				return asUsage(err)
			}
			return histogramReport(h, groupBy, parameters.Get("tz"), screenOn(c.OutOrStdout())).write(c.OutOrStdout(), output)
		},
	}
	c.Flags().StringVar(&interval, "interval", "", "width of a bar: auto (the default), 1m, 15m, 1h, 1d, 1w, 1mo and others")
	c.Flags().StringVar(&groupBy, "group-by", "", "`field` to count by: severity (the default), another field, or payload.PATH")
	outputFlag(c, &output)
	flags.register(c)
	flags.registerInclude(c)
	return c
}

// barWidth is how long the longest bar is where no terminal says how much room there is.
const barWidth = 40

func histogramReport(h *client.Histogram, groupBy, zone string, s screen) report {
	columns := histogramColumns(h, groupBy)
	others := slices.ContainsFunc(h.Buckets, func(b client.HistogramBucket) bool { return b.Other > 0 })
	r := report{titles: append([]string{"start"}, columns...), data: columns, numbers: len(columns) + 1, answer: h}
	if others {
		r.titles, r.numbers = append(r.titles, "other"), r.numbers+1
	}
	r.titles = append(r.titles, "total")
	var most uint64
	totals := make([]uint64, len(h.Buckets))
	for i, b := range h.Buckets {
		row := []string{instant(b.Start, zone)}
		for _, name := range columns {
			totals[i] += b.Counts[name]
			row = append(row, strconv.FormatUint(b.Counts[name], 10))
		}
		totals[i] += b.Other
		if others {
			row = append(row, strconv.FormatUint(b.Other, 10))
		}
		r.rows = append(r.rows, append(row, strconv.FormatUint(totals[i], 10)))
		most = max(most, totals[i])
	}
	width := barWidth
	if s.width > 0 {
		width = max(10, s.width-r.used()-1)
	}
	for i, b := range h.Buckets {
		r.drawn = append(r.drawn, s.bar(b, columns, totals[i], most, width))
	}
	return r
}

// histogramColumns are severities in their order, or values by how frequent they are.
func histogramColumns(h *client.Histogram, groupBy string) []string {
	if groupBy == "" || groupBy == "severity" {
		names := make([]string, len(event.Severities))
		for i, severity := range event.Severities {
			names[i] = severity.String()
		}
		return names
	}
	sums := map[string]uint64{}
	for _, b := range h.Buckets {
		for name, n := range b.Counts {
			sums[name] += n
		}
	}
	return slices.SortedFunc(maps.Keys(sums), func(a, b string) int {
		if sums[a] != sums[b] {
			return int(min(max(int64(sums[b])-int64(sums[a]), -1), 1))
		}
		return strings.Compare(a, b)
	})
}

// bar draws a bucket, the most severe first, each severity in its colour. What
// is there at all has a mark.
func (s screen) bar(b client.HistogramBucket, columns []string, total, most uint64, width int) string {
	if total == 0 {
		return ""
	}
	length := max(1, int(float64(width)*float64(total)/float64(most)+0.5))
	if !s.color {
		return strings.Repeat("█", length)
	}
	var out strings.Builder
	drawn, seen := 0, uint64(0)
	for _, name := range slices.Backward(columns) {
		seen += b.Counts[name]
		end := int(float64(length)*float64(seen)/float64(total) + 0.5)
		if b.Counts[name] > 0 && end == drawn && drawn < length {
			end++
		}
		if end > drawn {
			severity, _ := event.ParseSeverity(name) // Other values have no colour.
			out.WriteString(severityColors[severity] + strings.Repeat("█", end-drawn))
			drawn = end
		}
	}
	return out.String() + colorOff + strings.Repeat("█", max(0, length-drawn))
}
