package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newFieldsCommand returns daybook fields.
func newFieldsCommand() *cobra.Command {
	var flags clientFlags
	var output string
	var limit int
	c := &cobra.Command{
		Use:   "fields [PREFIX] [flags]",
		Short: "Show which fields events and their payloads have",
		Long: "Fields prints the fields of the events that match all flags, those in payloads among them, named as filters, facets and aggregations take\n" +
			"them. Where there are many events it looks at a sample, and says so. With a prefix it shows the fields that begin with it, in any case.",
		Example: "  daybook fields payload. --event-type 'payment.*'\n" +
			"  daybook fields --from now-1d --output csv",
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			parameters, server, err := flags.both()
			if err != nil {
				return err
			}
			parameters.Set("limit", strconv.Itoa(limit))
			if len(args) > 0 {
				parameters.Set("prefix", args[0])
			}
			f, err := server.Fields(c.Context(), parameters)
			if err != nil {
				return asUsage(err)
			}
			if output == "table" {
				noteSample(c.ErrOrStderr(), f)
			}
			return fieldsReport(f).write(c.OutOrStdout(), output)
		},
	}
	c.Flags().IntVarP(&limit, "limit", "n", 100, "how many `fields`, up to 1000")
	outputFlag(c, &output)
	flags.register(c)
	return c
}

func noteSample(notes io.Writer, f *client.Fields) {
	switch {
	case f.Sample.Whole:
	case f.Sample.Of == nil:
		fmt.Fprintf(notes, "from a sample: the newest %d events that match\n", f.Sample.Events)
	default:
		fmt.Fprintf(notes, "from a sample: %d of %d events\n", f.Sample.Events, *f.Sample.Of)
	}
	if f.More {
		fmt.Fprintln(notes, "there are more fields: raise --limit, or give a prefix")
	}
}

func fieldsReport(f *client.Fields) report {
	r := report{titles: []string{"field", "types", "examples", "share"}, numbers: 1, answer: f}
	for _, field := range f.Fields {
		types := typeNames(field.Types)
		if elements := typeNames(field.Elements); elements != "" {
			types += " of " + elements
		}
		r.rows = append(r.rows, []string{field.Name, types, cut(strings.Join(field.Examples, " | "), 60), percent(field.Share, 1)})
	}
	return r
}

// typeNames writes types, the most frequent first, with the share of each where there are several.
func typeNames(types []client.TypeShare) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.Type
		if len(types) > 1 {
			names[i] += " " + percent(t.Share, 1)
		}
	}
	return strings.Join(names, ", ")
}
