package main

import (
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newContextCommand returns daybook context.
func newContextCommand() *cobra.Command {
	var flags clientFlags
	var output string
	var chain, before, after int
	c := &cobra.Command{
		Use:   "context ID [flags]",
		Short: "Show what happened around an event",
		Long: "Context prints the events that share the correlation id of the event, over all services, and what its actor did before and after, in the\n" +
			"order of time. The event itself has a > in front.",
		Example: "  daybook context evt_abc123\n" +
			"  daybook context evt_abc123 --before 100 --after 0 --output csv",
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			server, err := flags.client()
			if err != nil {
				return err
			}
			parameters := url.Values{"chain": {strconv.Itoa(chain)}, "before": {strconv.Itoa(before)}, "after": {strconv.Itoa(after)}}
			around, err := server.Around(c.Context(), args[0], flags.included(parameters))
			if err != nil {
				return asUsage(err)
			}
			if output == "table" && (around.Correlation != nil && (around.Correlation.MoreBefore || around.Correlation.MoreAfter)) {
				fmt.Fprintln(c.ErrOrStderr(), "the chain has more events: raise --chain")
			}
			return contextReport(around).write(c.OutOrStdout(), output)
		},
	}
	c.Flags().IntVar(&chain, "chain", 100, "how many `events` with the same correlation id on either side, up to 500")
	c.Flags().IntVar(&before, "before", 20, "how many `events` of the actor before, up to 500")
	c.Flags().IntVar(&after, "after", 20, "how many `events` of the actor after, up to 500")
	outputFlag(c, &output)
	flags.registerServer(c)
	flags.registerInclude(c)
	return c
}

func contextReport(a *client.Around) report {
	r := report{titles: []string{"", "part", "offset", "time", "severity", "source", "type", "actor", "target", "event id"}, answer: a}
	add := func(part string, e *client.Event) {
		mark := ""
		if e.EventID == a.Event.EventID && e.Source == a.Event.Source {
			mark = ">"
		}
		r.rows = append(r.rows, []string{
			mark, part, fmt.Sprintf("%+.3fs", e.CreatedAt.Sub(a.Event.CreatedAt).Seconds()), e.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z"),
			e.Severity.String(), e.Source, e.EventType, kindAndID(e.ActorType, e.ActorID), kindAndID(e.TargetType, e.TargetID), e.EventID,
		})
	}
	if a.Correlation != nil {
		for i := range a.Correlation.Timeline {
			add("chain", &a.Correlation.Timeline[i].Event)
		}
	}
	if a.Actor != nil {
		for i := range a.Actor.Before {
			add("actor", &a.Actor.Before[i])
		}
		add("actor", &a.Event)
		for i := range a.Actor.After {
			add("actor", &a.Actor.After[i])
		}
	}
	if a.Correlation == nil && a.Actor == nil {
		add("event", &a.Event)
	}
	return r
}
