package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"daybook/ingest/purge"
	"daybook/pkg/clickhouse"
	"daybook/pkg/config"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/hold"
	"daybook/query/statement"
)

func (a *app) retentionCommand() *cobra.Command {
	return group("retention", "Show for how long events are kept, and confirm that it gets shorter", a.retentionShowCommand(), a.retentionConfirmCommand())
}

// newPurger returns what purges by the settings; c is Resolved.
func newPurger(c config.Config, conn driver.Conn, publish func(context.Context, tenant.ID, []byte) error, registry prometheus.Registerer, log *zap.Logger) *purge.Purger {
	holds := hold.New(conn, statement.NewReader(conn, c.Query), time.Now, publish)
	return purge.New(purge.Deps{
		Conn: conn, Settings: c.Retention.Policy(), Publish: publish, Now: time.Now, Registry: registry, Log: log,
		Archive: purge.Archive{Enabled: c.Archive.Enabled, Required: c.Archive.Required},
		Holds: func(ctx context.Context) (purge.Held, error) {
			held, err := holds.Condition(ctx)
			return purge.Held(held), err
		},
	})
}

// onRetention runs a command on the retention of a store.
func (a *app) onRetention(cmd *cobra.Command, do func(c config.Config, conn driver.Conn, inForce retention.Policy, known bool) error) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(cmd.Context(), c.Resolved().ClickHouse, clickhouse.WithMaxOpenConns(2))
	if err != nil {
		return explain(c, err)
	}
	defer func() { _ = conn.Close() }()
	inForce, known, err := purge.InForce(cmd.Context(), conn)
	if err != nil {
		return explain(c, err)
	}
	return explain(c, do(c, conn, inForce, known))
}

func (a *app) retentionShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show", Short: "Show the days of the settings, which reads go by, and those in force, which purges go by", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onRetention(cmd, func(c config.Config, _ driver.Conn, inForce retention.Policy, known bool) error {
				settings := c.Retention.Policy()
				table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "TENANT\tSETTINGS\tIN FORCE\t")
				for _, id := range purge.Tenants(settings, inForce) {
					in, note := "-", "" // Nothing is, before the first purge.
					if known {
						in = strconv.Itoa(inForce.Of(id))
						if settings.Of(id) < inForce.Of(id) {
							note = "not confirmed"
						}
					}
					fmt.Fprintf(table, "%s\t%d\t%s\t%s\n", named(id), settings.Of(id), in, note)
				}
				return table.Flush()
			})
		},
	}
}

// named is how a tenant of the retention is shown.
func named(id tenant.ID) string {
	if id == "" {
		return "(others)"
	}
	return string(id)
}

func (a *app) retentionConfirmCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "confirm [--yes]", Short: "Put a shorter retention into force: what is older is purged within the hour", Args: cobra.NoArgs,
		Long: "Where the settings keep events for less time than is in force, these are hidden at once and purged only after this command. It shows what would go,\n" +
			"by tenant, without what legal holds keep or what waits for the archive, and asks; --yes goes without asking.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.onRetention(cmd, func(c config.Config, conn driver.Conn, inForce retention.Policy, known bool) error {
				settings := c.Retention.Policy()
				changes := purge.Unconfirmed(settings, inForce)
				if !known || len(changes) == 0 {
					_, err := fmt.Fprintln(a.stdout, "there is nothing to confirm: the settings keep events for no less time than is in force")
					return err
				}
				for _, change := range changes {
					fmt.Fprintf(a.stderr, "%s: from %d to %d days\n", named(change.Tenant), change.From, change.To)
				}
				publish := func(context.Context, tenant.ID, []byte) error { return errors.New("nothing is purged here") }
				would, err := newPurger(c.Resolved(), conn, publish, prometheus.NewRegistry(), zap.NewNop()).Preview(cmd.Context())
				if err != nil {
					return err
				}
				var events, letters uint64
				for _, of := range would {
					events, letters = events+of.Events, letters+of.DeadLetters
					name := string(of.Tenant)
					if name == "" {
						name = "(no tenant)" // As dead letters may have it.
					}
					fmt.Fprintf(a.stderr, "%s: %d events and %d dead letters would go\n", name, of.Events, of.DeadLetters)
				}
				if !yes {
					fmt.Fprintf(a.stderr, "%d events and %d dead letters are deleted for good. Type yes to confirm: ", events, letters)
					line, err := bufio.NewReader(a.stdin).ReadString('\n')
					if err != nil && !errors.Is(err, io.EOF) {
						return err
					}
					if strings.TrimSpace(line) != "yes" {
						return errors.New("not confirmed: nothing is changed")
					}
				}
				if err := purge.Confirm(cmd.Context(), conn, settings); err != nil {
					return err
				}
				_, err = fmt.Fprintln(a.stdout, "confirmed: what is older is purged within the hour")
				return err
			})
		},
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}
