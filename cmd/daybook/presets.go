package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newPresetsCommand returns daybook presets.
func newPresetsCommand() *cobra.Command {
	return group("presets", "List, show, save and delete saved filters", newPresetsListCommand(), newPresetsShowCommand(), newPresetsSaveCommand(), newPresetsDeleteCommand())
}

func newPresetsListCommand() *cobra.Command {
	var flags clientFlags
	var output string
	c := &cobra.Command{
		Use: "list", Short: "List the presets that the key sees", Args: cobra.NoArgs,
		Long:    "List prints the key's own presets and those that are shared with the tenant. What is in the column ID, --preset of other commands takes.",
		Example: "  daybook presets list\n  daybook search --preset auth-failures-today",
		RunE: func(c *cobra.Command, _ []string) error {
			return flags.show(c, output, func(server *client.Client) (report, error) {
				presets, err := server.Presets(c.Context())
				if err != nil {
					return report{}, err
				}
				return presetsReport(presets, presets), nil
			})
		},
	}
	outputFlag(c, &output)
	flags.registerServer(c)
	return c
}

// presetsReport shows presets; answer is what --output json prints.
func presetsReport(presets []client.Preset, answer any) report {
	r := report{titles: []string{"id", "name", "who", "filter", "version"}, numbers: 1, answer: answer}
	for _, p := range presets {
		who := "tenant"
		switch {
		case p.Mine && !p.Shared:
			who = "mine"
		case p.Mine:
			who = "mine, shared"
		case p.Shared && p.Owner != nil:
			who = "shared"
		case p.Owner != nil:
			who = "another key's"
		}
		r.rows = append(r.rows, []string{p.ID, p.Name, who, string(p.Filter), strconv.FormatUint(p.Version, 10)})
	}
	return r
}

func newPresetsShowCommand() *cobra.Command {
	var flags clientFlags
	var output string
	c := &cobra.Command{
		Use: "show ID", Short: "Show one preset", Args: cobra.ExactArgs(1), Example: "  daybook presets show auth-failures-today --output json",
		RunE: func(c *cobra.Command, args []string) error {
			return flags.show(c, output, func(server *client.Client) (report, error) {
				p, err := server.Preset(c.Context(), args[0])
				if err != nil {
					return report{}, err
				}
				return presetsReport([]client.Preset{*p}, p), nil
			})
		},
	}
	outputFlag(c, &output)
	flags.registerServer(c)
	return c
}

func newPresetsSaveCommand() *cobra.Command {
	var flags clientFlags
	var id string
	var shared bool
	c := &cobra.Command{
		Use: "save NAME [flags]", Short: "Save the filter of the flags as a preset", Args: cobra.ExactArgs(1),
		Long: "Save keeps the filter that the flags make, under a name that no other preset of the tenant has, and prints its id. Relative times stay\n" +
			"relative: now/d is the beginning of the day on which the preset is used. With --id it changes a preset, name and filter, instead.",
		Example: "  daybook presets save 'Declined today' --event-type payment.failed --from now/d --shared\n" +
			"  daybook search --preset \"$(daybook presets save 'Big refunds' --attr 'amount>1000' --q refund)\"",
		RunE: func(c *cobra.Command, args []string) error {
			parameters, server, err := flags.both()
			if err != nil {
				return err
			}
			to := client.NewPreset{Name: args[0], Filter: parameters, Shared: shared}
			var saved *client.Preset
			if id == "" {
				saved, err = server.CreatePreset(c.Context(), to)
			} else {
				saved, err = changePreset(c, server, id, to, &shared)
			}
			if err != nil {
				return asUsage(err)
			}
			_, err = fmt.Fprintln(c.OutOrStdout(), saved.ID)
			return err
		},
	}
	c.Flags().StringVar(&id, "id", "", "change the preset with this `id`")
	c.Flags().BoolVar(&shared, "shared", false, "let the whole tenant see it")
	flags.register(c)
	return c
}

// changePreset changes a preset as it is now, which stays shared or private
// unless --shared says otherwise.
func changePreset(c *cobra.Command, server *client.Client, id string, to client.NewPreset, shared *bool) (*client.Preset, error) {
	p, err := server.Preset(c.Context(), id)
	if err != nil {
		return nil, err
	}
	to.Shared = p.Shared
	if c.Flags().Changed("shared") {
		to.Shared = *shared
	}
	return server.ChangePreset(c.Context(), id, p.Version, to)
}

func newPresetsDeleteCommand() *cobra.Command {
	var flags clientFlags
	c := &cobra.Command{
		Use: "delete ID...", Short: "Delete presets", Args: cobra.MinimumNArgs(1), Example: "  daybook presets delete preset_4k2j",
		RunE: func(c *cobra.Command, ids []string) error {
			server, err := flags.client()
			if err != nil {
				return err
			}
			var faults []error
			for _, id := range ids {
				if err := server.DeletePreset(c.Context(), id, client.AnyVersion); err != nil {
					faults = append(faults, fmt.Errorf("%s: %w", id, err))
				} else {
					fmt.Fprintf(c.OutOrStdout(), "preset %s is deleted\n", id)
				}
			}
			return errors.Join(faults...)
		},
	}
	flags.registerServer(c)
	return c
}
