package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"daybook/schema"
)

func (a *app) migrateCommand() *cobra.Command {
	up := &cobra.Command{
		Use: "up", Short: "Create the database and bring its schema up to date", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			if err := schema.Up(cmd.Context(), c.Resolved().ClickHouse); err != nil {
				return explain(c, err)
			}
			_, err = fmt.Fprintf(a.stdout, "database %s is up to date\n", c.ClickHouse.Database)
			return err
		},
	}
	status := &cobra.Command{
		Use: "status", Short: "List the migrations; fails where one is missing", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.load()
			if err != nil {
				return err
			}
			migrations, err := schema.Status(cmd.Context(), c.Resolved().ClickHouse)
			if err != nil {
				return explain(c, err)
			}
			missing := 0
			table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			for _, m := range migrations {
				state := "applied"
				if !m.Applied {
					state = "missing"
					missing++
				}
				fmt.Fprintf(table, "%d\t%s\t%s\n", m.Version, m.Name, state)
			}
			if err := table.Flush(); err != nil {
				return err
			}
			if missing > 0 {
				return fmt.Errorf("%d of %d migrations are missing: run daybook migrate up", missing, len(migrations))
			}
			return nil
		},
	}
	return group("migrate", "Set up the database, or look at its state", up, status)
}
