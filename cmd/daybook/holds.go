package main

import (
	"time"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newHoldsCommand returns daybook holds.
func newHoldsCommand() *cobra.Command {
	return group("holds", "List, place and lift legal holds: what is not purged", newHoldsListCommand(), newHoldsPlaceCommand(), newHoldsLiftCommand())
}

func newHoldsListCommand() *cobra.Command {
	var flags clientFlags
	var output string
	c := &cobra.Command{
		Use: "list", Short: "List the tenant's legal holds, lifted ones included", Args: cobra.NoArgs, Example: "  daybook holds list --tenant acme",
		RunE: func(c *cobra.Command, _ []string) error {
			return flags.show(c, output, func(server *client.Client) (report, error) {
				holds, err := server.Holds(c.Context())
				if err != nil {
					return report{}, err
				}
				return holdsReport(holds, holds), nil
			})
		},
	}
	outputFlag(c, &output)
	flags.registerServer(c)
	return c
}

// holdsReport shows holds; answer is what --output json prints.
func holdsReport(holds []client.Hold, answer any) report {
	r := report{titles: []string{"id", "placed", "by", "reason", "filter", "lifted", "because"}, answer: answer}
	for _, h := range holds {
		because := "-"
		if h.LiftReason != nil {
			because = *h.LiftReason
		}
		by := h.PlacedByName
		if by == "" {
			by = h.PlacedBy
		}
		r.rows = append(r.rows, []string{h.ID, h.PlacedAt.Format(time.RFC3339), by, h.Reason, string(h.Filter), orDash(h.LiftedAt), because})
	}
	return r
}

func newHoldsPlaceCommand() *cobra.Command {
	var flags clientFlags
	var reason string
	var whole bool
	c := &cobra.Command{
		Use: "place --reason R (--all | filter flags)", Short: "Keep the events of a filter from being purged", Args: cobra.NoArgs,
		Long:    "Place keeps what the flags accept from the purge until the hold is lifted, and prints the hold's id. Times must be fixed. --all holds every event of the tenant.",
		Example: "  daybook holds place --tenant acme --reason 'Case 2026-17' --actor-id jane --from 2025-01-01T00:00:00Z",
		RunE: func(c *cobra.Command, _ []string) error {
			parameters, server, err := flags.both()
			switch {
			case err != nil:
				return err
			case reason == "":
				return usagef("--reason: say why, for those who ask later")
			case whole && len(parameters) > 0:
				return usagef("--all holds every event of the tenant: leave the filter flags out")
			case !whole && len(parameters) == 0:
				return usagef("say which events by filter flags, or --all for every event of the tenant")
			}
			h, err := server.PlaceHold(c.Context(), reason, parameters)
			if err != nil {
				return asUsage(err)
			}
			_, err = c.OutOrStdout().Write([]byte(h.ID + "\n"))
			return err
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for those who ask later (`text`)")
	c.Flags().BoolVar(&whole, "all", false, "hold every event of the tenant")
	flags.register(c)
	return c
}

func newHoldsLiftCommand() *cobra.Command {
	var flags clientFlags
	var reason, output string
	c := &cobra.Command{
		Use: "lift ID --reason R", Short: "End a legal hold", Args: cobra.ExactArgs(1),
		Long:    "Lift ends a hold. What it held and is older than the retention goes with the next purge, within the hour.",
		Example: "  daybook holds lift hold_4k2j --reason 'Case 2026-17 is closed'",
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			if reason == "" {
				return usagef("--reason: say why, for those who ask later")
			}
			server, err := flags.client()
			if err != nil {
				return err
			}
			h, err := server.LiftHold(c.Context(), args[0], reason)
			if err != nil {
				return asUsage(err)
			}
			return holdsReport([]client.Hold{*h}, h).write(c.OutOrStdout(), output)
		},
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for those who ask later (`text`)")
	outputFlag(c, &output)
	flags.registerServer(c)
	return c
}
