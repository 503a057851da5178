package main

import (
	"encoding/base64"
	"fmt"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"daybook/ingest"
	"daybook/pkg/clickhouse"
)

func (a *app) deadLettersCommand() *cobra.Command {
	return group("deadletters", "Look at messages that are no events, and publish them again",
		a.deadLettersListCommand(), a.deadLettersShowCommand(), a.deadLettersReplayCommand())
}

// deadLetters runs a command on the store of dead letters.
func (a *app) deadLetters(cmd *cobra.Command, do func(ingest.DeadLetters) error) error {
	c, err := a.load()
	if err != nil {
		return err
	}
	r := c.Resolved()
	conn, err := clickhouse.Open(cmd.Context(), r.ClickHouse, clickhouse.WithMaxOpenConns(2))
	if err != nil {
		return explain(c, err)
	}
	defer func() { _ = conn.Close() }()
	writer, err := r.Kafka.Writer(r.Kafka.Topic)
	if err != nil {
		return err
	}
	defer func() { _ = writer.Close() }()
	return explain(c, do(ingest.DeadLetters{Conn: conn, Topic: r.Kafka.Topic, Writer: writer, Now: time.Now}))
}

// deadLetterFlags are the flags that choose dead letters.
type deadLetterFlags struct {
	class    string
	from, to string
	limit    int
	all      bool
}

func (f *deadLetterFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.class, "class", "", "only those with this error `class`")
	c.Flags().StringVar(&f.from, "from", "", "only messages from this `time` on (RFC 3339)")
	c.Flags().StringVar(&f.to, "to", "", "only messages before this `time` (RFC 3339)")
}

func (f *deadLetterFlags) filter(ids []string) (ingest.DeadLetterFilter, error) {
	out := ingest.DeadLetterFilter{Class: f.class, Limit: f.limit, Pending: !f.all}
	for _, text := range ids {
		id, err := ingest.ParseDeadLetterID(text)
		if err != nil {
			return out, usageError{err}
		}
		out.IDs = append(out.IDs, id)
	}
	for _, one := range []struct {
		flag, text string
		at         *time.Time
	}{{"--from", f.from, &out.From}, {"--to", f.to, &out.To}} {
		if one.text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, one.text)
		if err != nil {
			return out, usagef("%s: %q is not a time like 2026-04-17T14:32:01Z", one.flag, one.text)
		}
		*one.at = at
	}
	return out, nil
}

func (a *app) deadLettersListCommand() *cobra.Command {
	f := deadLetterFlags{all: true}
	c := &cobra.Command{
		Use: "list", Short: "List dead letters, the newest first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter(nil)
			if err != nil {
				return err
			}
			return a.deadLetters(cmd, func(d ingest.DeadLetters) error {
				letters, err := d.List(cmd.Context(), filter)
				if err != nil {
					return err
				}
				table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
				fmt.Fprintln(table, "ID\tTIME\tBYTES\tREPLAYED\tCLASS\tERROR")
				for _, l := range letters {
					at := l.Replayed
					replayed := orDash(nil)
					if !at.IsZero() {
						replayed = orDash(&at)
					}
					reason := l.Reason.Message
					if l.Reason.Field != "" {
						reason = l.Reason.Field + ": " + reason
					}
					fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%s\n", l.ID, l.Message.Time.UTC().Format(time.RFC3339),
						len(l.Message.Value), replayed, l.Reason.Class, reason)
				}
				return table.Flush()
			})
		},
	}
	f.add(c)
	c.Flags().IntVar(&f.limit, "limit", 100, "at most so many; 0: all")
	return c
}

func (a *app) deadLettersShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Short: "Print a dead letter whole", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			f := deadLetterFlags{all: true, limit: 1}
			filter, err := f.filter(args)
			if err != nil {
				return err
			}
			return a.deadLetters(cmd, func(d ingest.DeadLetters) error {
				letters, err := d.List(cmd.Context(), filter)
				if err != nil {
					return err
				}
				if len(letters) == 0 {
					return fmt.Errorf("there is no dead letter %s", args[0])
				}
				l := letters[0]
				fmt.Fprintf(a.stdout, "id:      %s\ntopic:   %s\ntime:    %s\nerror:   %s\nkey:     %s\n", l.ID, l.Message.Topic,
					l.Message.Time.UTC().Format(time.RFC3339Nano), l.Reason.Error(), printable(l.Message.Key))
				for _, h := range l.Message.Headers {
					fmt.Fprintf(a.stdout, "header:  %s: %s\n", h.Key, printable(h.Value))
				}
				_, err = fmt.Fprintf(a.stdout, "value:   %s\n", printable(l.Message.Value))
				return err
			})
		},
	}
}

// printable shows bytes as they are where a terminal can, else in base64.
func printable(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return "base64 " + base64.StdEncoding.EncodeToString(b)
}

func (a *app) deadLettersReplayCommand() *cobra.Command {
	var f deadLetterFlags
	var every bool
	c := &cobra.Command{
		Use: "replay [ID …] [--class C] [--from T] [--to T]", Short: "Publish dead letters to the topic again, once what was wrong is mended",
		Long: `Publish dead letters to the topic again, with the key, value, headers and timestamp they had.
Those that were published again before are left out, unless --again is given.
What is still no event becomes a dead letter anew.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 && f.class == "" && f.from == "" && f.to == "" && !every {
				return usagef("say which: ids, --class, --from, --to, or --every for all")
			}
			filter, err := f.filter(args)
			if err != nil {
				return err
			}
			return a.deadLetters(cmd, func(d ingest.DeadLetters) error {
				n, err := d.Replay(cmd.Context(), filter)
				if _, printErr := fmt.Fprintf(a.stdout, "%d dead letters published to %s again\n", n, d.Topic); err == nil {
					err = printErr
				}
				return err
			})
		},
	}
	f.add(c)
	c.Flags().BoolVar(&f.all, "again", false, "also those that were published again before")
	c.Flags().BoolVar(&every, "every", false, "all dead letters")
	return c
}
