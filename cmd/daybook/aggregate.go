package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newAggregateCommand returns daybook aggregate.
func newAggregateCommand() *cobra.Command {
	var flags clientFlags
	var output, bucket string
	var by, metrics []string
	var top int
	var compare bool
	c := &cobra.Command{
		Use:   "aggregate [flags]",
		Short: "Compute figures over events, by fields and by time",
		Long: "Aggregate computes metrics over the events that match all flags: for all of them together, for each group of --by, for each --bucket of time.\n" +
			"A metric is count, or one of uniq, sum, avg, min, max, p50, p90, p95, p99 with the field that it is computed of, or rate (events per second).",
		Example: "  daybook aggregate --by eventType --metric count --metric p95:payload.latency_ms --from now-7d\n" +
			"  daybook aggregate --bucket 1d --tz Europe/Prague --from now-30d --metric uniq:actorId --compare --output csv",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			parameters, server, err := flags.both()
			if err != nil {
				return err
			}
			a := client.Aggregation{Filter: parameters, GroupBy: by, Fill: "zero"}
			a.Include = parameters.Get("include")
			parameters.Del("include")
			for _, m := range metrics {
				op, field, _ := strings.Cut(m, ":")
				a.Metrics = append(a.Metrics, client.Metric{Op: op, Field: field})
			}
			if bucket != "" {
				a.Bucket = &bucket
			}
			if by != nil {
				a.Top = &client.Top{K: top, Other: true}
			}
			if compare {
				a.Compare = "previous"
			}
			answer, err := server.Aggregate(c.Context(), a)
			if err != nil {
				return asUsage(err)
			}
			return aggregateReport(a, answer, metrics, parameters.Get("tz")).write(c.OutOrStdout(), output)
		},
	}
	c.Flags().StringArrayVar(&by, "by", nil, "`field` to group by: one of the event, or payload.PATH; may be repeated, up to four times")
	c.Flags().StringArrayVar(&metrics, "metric", []string{"count"}, "what to compute: count, rate, or `OP:FIELD`; may be repeated")
	c.Flags().StringVar(&bucket, "bucket", "", "width of the buckets of time: auto, 1m, 1h, 1d, 1w, 1mo and others (default: one figure for the whole range)")
	c.Flags().IntVar(&top, "top", 50, "how many `groups`, the largest by the first metric; the others are summed up")
	c.Flags().BoolVar(&compare, "compare", false, "also show the period of the same length before; needs --from")
	outputFlag(c, &output)
	flags.register(c)
	flags.registerInclude(c)
	return c
}

func aggregateReport(a client.Aggregation, answer *client.Aggregate, metrics []string, zone string) report {
	r := report{titles: slices.Clone(a.GroupBy), data: slices.Concat(a.GroupBy, metrics), answer: answer}
	if a.Bucket != nil {
		r.titles = append(r.titles, "start")
	}
	r.titles, r.numbers = append(r.titles, metrics...), len(metrics)
	if a.Compare != "" {
		for _, m := range metrics {
			r.titles = append(r.titles, "previous "+m)
		}
		r.numbers *= 2
	}
	for _, s := range answer.Series {
		group := make([]string, len(a.GroupBy))
		for i, name := range a.GroupBy {
			switch value := s.Group[name]; {
			case s.Other:
				group[i] = "(other)"
			case value == nil:
				group[i] = "(none)"
			default:
				group[i] = *value
			}
		}
		if a.Bucket == nil {
			row := append(group, figures(s.Totals)...)
			if a.Compare != "" {
				row = append(row, figures(s.PreviousTotals)...)
			}
			r.rows = append(r.rows, row)
			continue
		}
		for i, p := range s.Points {
			row := append(append(slices.Clone(group), instant(p.Start, zone)), figures(p.Values)...)
			if a.Compare != "" {
				before := make([]*float64, len(metrics)) // The period before may have fewer buckets.
				if i < len(s.Previous) {
					before = s.Previous[i].Values
				}
				row = append(row, figures(before)...)
			}
			r.rows = append(r.rows, row)
		}
	}
	return r
}

func figures(values []*float64) []string {
	texts := make([]string, len(values))
	for i, v := range values {
		if v != nil {
			texts[i] = strconv.FormatFloat(*v, 'f', -1, 64)
		}
	}
	return texts
}
