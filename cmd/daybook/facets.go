package main

import (
	"strconv"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newFacetsCommand returns daybook facets.
func newFacetsCommand() *cobra.Command {
	var flags clientFlags
	var output string
	var limit int
	c := &cobra.Command{
		Use:   "facets [FIELD...] [flags]",
		Short: "Show the most frequent values of fields",
		Long: "Facets prints the most frequent values of each field among the events that match all flags, with exact counts. A field is one of the event,\n" +
			"such as actorId, or payload.PATH; daybook fields lists those that there are. Without fields it shows eventType, category, severity, source\n" +
			"and actorType. Rows of the kind other sum up the values that are not shown; those of the kind missing are events without a value.",
		Example: "  daybook facets --from now-1d --severity ERROR+\n" +
			"  daybook facets actorId payload.decline_code --event-type payment.failed --from now-30d --limit 20",
		RunE: func(c *cobra.Command, fields []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			parameters, server, err := flags.both()
			if err != nil {
				return err
			}
			parameters["field"] = fields
			parameters.Set("limit", strconv.Itoa(limit))
			f, err := server.Facets(c.Context(), parameters)
			if err != nil {
				return asUsage(err)
			}
			return facetsReport(f).write(c.OutOrStdout(), output)
		},
	}
	c.Flags().IntVarP(&limit, "limit", "n", 10, "how many `values` of each field, up to 1000")
	outputFlag(c, &output)
	flags.register(c)
	flags.registerInclude(c)
	return c
}

func facetsReport(f *client.Facets) report {
	r := report{titles: []string{"field", "kind", "value", "events", "share"}, numbers: 2, answer: f}
	for _, facet := range f.Facets {
		all := facet.Other + facet.Missing
		for _, v := range facet.Values {
			all += v.Count
		}
		add := func(kind, value string, count uint64) {
			r.rows = append(r.rows, []string{facet.Field, kind, value, strconv.FormatUint(count, 10), percent(float64(count), float64(all))})
		}
		for _, v := range facet.Values {
			add("value", v.Value, v.Count)
		}
		if facet.Other > 0 {
			add("other", "", facet.Other)
		}
		if facet.Missing > 0 {
			add("missing", "", facet.Missing)
		}
	}
	return r
}
