package main

import (
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"daybook/pkg/client"
)

// newAuditCommand returns daybook audit.
func newAuditCommand() *cobra.Command {
	return group("audit", "Read the audit log, which records that too", newAuditListCommand(), newAuditTypesCommand(), newAuditShowCommand())
}

func newAuditListCommand() *cobra.Command {
	var flags clientFlags
	var output, eventType, user, from, to string
	var page, limit int
	c := &cobra.Command{
		Use: "list [flags]", Short: "List the audit log, the newest first", Args: cobra.NoArgs,
		Long: "List prints a page of the audit log: events of the category auth. It needs a key with the scope audit:read or admin, and each read of the log\n" +
			"is itself recorded in it.",
		Example: "  daybook audit list --user jane --from 2026-11-01\n" +
			"  daybook audit list --event-type login_failed --limit 100 --page 2 --output csv",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkOutput(output); err != nil {
				return err
			}
			server, err := flags.client()
			if err != nil {
				return err
			}
			parameters := url.Values{"page": {strconv.Itoa(page)}, "limit": {strconv.Itoa(limit)}}
			for name, value := range map[string]string{"event_type": eventType, "user_id": user, "start_date": from, "end_date": to} {
				if value != "" {
					parameters.Set(name, value)
				}
			}
			logs, err := server.Audit(c.Context(), flags.included(parameters))
			if err != nil {
				return asUsage(err)
			}
			if p := logs.Pagination; output == "table" {
				fmt.Fprintf(c.ErrOrStderr(), "page %d of %d, %d events in all\n", p.Page, p.TotalPages, p.Total)
			}
			return auditReport(logs.AuditLogs, logs).write(c.OutOrStdout(), output)
		},
	}
	c.Flags().StringVar(&eventType, "event-type", "", "events of this `type`")
	c.Flags().StringVar(&user, "user", "", "events of the user with this `id`")
	c.Flags().StringVar(&from, "from", "", "events from this `date` on, ISO 8601 like 2026-11-01 or 2026-11-01T10:00:00Z")
	c.Flags().StringVar(&to, "to", "", "events before this `date`")
	c.Flags().IntVar(&page, "page", 1, "which `page`")
	c.Flags().IntVarP(&limit, "limit", "n", 50, "how many `events` on a page, up to 100")
	outputFlag(c, &output)
	flags.registerServer(c)
	flags.registerInclude(c)
	return c
}

// auditReport shows events of the audit log; answer is what --output json prints.
func auditReport(logs []client.AuditLog, answer any) report {
	r := report{titles: []string{"time", "type", "user", "email", "ip", "id", "data"}, answer: answer}
	for _, l := range logs {
		r.rows = append(r.rows, []string{
			l.CreatedAt.UTC().Format(time.RFC3339), l.EventType, orEmpty(l.UserID), orEmpty(l.UserEmail), orEmpty(l.IPAddress), l.ID, string(l.EventData),
		})
	}
	return r
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func newAuditTypesCommand() *cobra.Command {
	var flags clientFlags
	var output string
	c := &cobra.Command{
		Use: "types", Short: "List the event types of the audit log with their counts", Args: cobra.NoArgs, Example: "  daybook audit types",
		RunE: func(c *cobra.Command, _ []string) error {
			return flags.show(c, output, func(server *client.Client) (report, error) {
				types, err := server.AuditEventTypes(c.Context(), flags.included(url.Values{}))
				if err != nil {
					return report{}, err
				}
				r := report{titles: []string{"type", "events"}, numbers: 1, answer: types}
				for _, t := range types {
					r.rows = append(r.rows, []string{t.EventType, strconv.FormatInt(t.Count, 10)})
				}
				return r, nil
			})
		},
	}
	outputFlag(c, &output)
	flags.registerServer(c)
	flags.registerInclude(c)
	return c
}

func newAuditShowCommand() *cobra.Command {
	var flags clientFlags
	var output string
	c := &cobra.Command{
		Use: "show ID", Short: "Show one event of the audit log", Args: cobra.ExactArgs(1), Example: "  daybook audit show evt_abc123 --output json",
		RunE: func(c *cobra.Command, args []string) error {
			return flags.show(c, output, func(server *client.Client) (report, error) {
				l, err := server.AuditEvent(c.Context(), args[0], flags.included(url.Values{}))
				if err != nil {
					return report{}, err
				}
				return auditReport([]client.AuditLog{*l}, l), nil
			})
		},
	}
	outputFlag(c, &output)
	flags.registerServer(c)
	flags.registerInclude(c)
	return c
}
