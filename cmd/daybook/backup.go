package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"go.uber.org/zap"
	"golang.org/x/term"

	"daybook/ingest/backup"
	"daybook/pkg/clickhouse"
	"daybook/pkg/config"
)

func (a *app) backupCommand() *cobra.Command {
	return group("backup", "Back the store up with Kafka's offsets, and restore it", a.backupCreateCommand(), a.backupListCommand(), a.backupRestoreCommand())
}

// backupFlags are what the commands have in common.
type backupFlags struct {
	s3     bool
	output string
}

func (f *backupFlags) add(c *cobra.Command) {
	c.Flags().BoolVar(&f.s3, "s3", false, "in the bucket that archive.* names, under backups/ (default: ClickHouse's folder of backups; with the embedded engine <embedded.dir>/"+backupsFolder+")")
	outputFlag(c, &f.output)
}

// backups reads the settings, and what backups are made of and restored to.
func (a *app) backups(f backupFlags) (config.Config, backup.Deps, error) {
	if err := checkOutput(f.output); err != nil {
		return config.Config{}, backup.Deps{}, err
	}
	c, err := a.load()
	if err != nil {
		return c, backup.Deps{}, err
	}
	r := c.Resolved()
	d := backup.Deps{ClickHouse: r.ClickHouse, Kafka: r.Kafka, Now: time.Now, Progress: a.backupProgress()}
	if c.EmbeddedClickHouse() {
		if d.Place.Folder, err = filepath.Abs(filepath.Join(c.Embedded.Dir, backupsFolder)); err != nil {
			return c, d, fmt.Errorf("embedded.dir: %w", err)
		}
	}
	if f.s3 {
		place := c.Archive.Places().All
		if place.Bucket == "" || place.AccessKey == "" || place.SecretKey == "" {
			return c, d, usagef("--s3: archive.bucket, archive.access_key and archive.secret_key must be set (archive.enabled may stay false)")
		}
		d.Place.S3 = &place
	}
	return c, d, nil
}

// backupProgress says which step is on, and on a terminal how far it is.
func (a *app) backupProgress() func(step string, done, total uint64) {
	file, ok := a.stderr.(*os.File)
	live := ok && term.IsTerminal(int(file.Fd()))
	current := ""
	return func(step string, done, total uint64) {
		if step != current {
			if current != "" && live {
				fmt.Fprintln(a.stderr)
			}
			current = step
			if !live {
				fmt.Fprintln(a.stderr, step)
			}
		}
		if !live {
			return
		}
		line := step
		if done > 0 {
			line += ", " + humanize.IBytes(done)
		}
		if total > 0 {
			line += " of " + humanize.IBytes(total)
		}
		fmt.Fprintf(a.stderr, "\r\033[K%s ", line)
	}
}

func (a *app) backupCreateCommand() *cobra.Command {
	var (
		f    backupFlags
		base string
	)
	c := &cobra.Command{
		Use: "create [NAME] [--base NAME] [--s3]", Short: "Take a backup beside running nodes", Args: cobra.MaximumNArgs(1),
		Long: `Take a backup of every table with ClickHouse's BACKUP, and with it the offsets that
ingest had committed in Kafka just before. Nodes go on meanwhile. The name is the
time where none is given. With --base it has only what is new since that backup,
and needs it as long as it is kept.

Without --s3 an external ClickHouse needs <backups><allowed_path> in its settings.`,
		Example: `  daybook backup create
  daybook backup create monday --s3
  daybook backup create tuesday --base monday --s3`,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, d, err := a.backups(f)
			if err != nil {
				return err
			}
			name := backup.Name(time.Now())
			if len(args) > 0 {
				name = args[0]
			}
			for _, n := range []string{name, base} {
				if err := backup.CheckName(n); err != nil && n != "" {
					return usageError{err}
				}
			}
			b, err := d.Create(cmd.Context(), name, base)
			if err != nil {
				return explain(c, err)
			}
			if f.output != "table" {
				return backupReport([]backup.Backup{b}, b).write(a.stdout, f.output)
			}
			_, err = fmt.Fprintf(a.stdout, "backup %s is whole: %s in %s\n", b.Name, humanize.IBytes(b.Bytes), d.Place)
			return err
		},
	}
	f.add(c)
	c.Flags().StringVar(&base, "base", "", "only what is new since this `backup`, which has to be in the same place")
	return c
}

func (a *app) backupListCommand() *cobra.Command {
	var f backupFlags
	c := &cobra.Command{
		Use: "list [--s3]", Short: "List backups, the newest first", Args: cobra.NoArgs,
		Long: `List backups with their time, size, and Kafka's offsets. What is not whole was cut, or
is being taken. Of a folder that only an external ClickHouse reaches, the store's own
record is shown: what a restored store does not know, it does not list.`,
		Example: "  daybook backup list\n  daybook backup list --s3 --output json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, d, err := a.backups(f)
			if err != nil {
				return err
			}
			var all []backup.Backup
			if d.Place.S3 != nil || d.Place.Folder != "" {
				all, err = d.Place.List(cmd.Context(), nil)
			} else {
				conn, openErr := clickhouse.Open(cmd.Context(), d.ClickHouse, clickhouse.WithMaxOpenConns(1))
				if openErr != nil {
					return explain(c, openErr)
				}
				defer func() { _ = conn.Close() }()
				all, err = d.Place.List(cmd.Context(), conn)
			}
			if err != nil {
				return err
			}
			return backupReport(all, map[string]any{"backups": append([]backup.Backup{}, all...)}).write(a.stdout, f.output)
		},
	}
	f.add(c)
	return c
}

func backupReport(all []backup.Backup, answer any) report {
	r := report{titles: []string{"name", "time", "state", "base", "offsets", "size"}, numbers: 1, answer: answer}
	for _, b := range all {
		at, base, size, offsets := "-", "-", "-", make([]string, len(b.Offsets))
		if !b.At.IsZero() {
			at = b.At.UTC().Format(time.RFC3339)
		}
		if b.Base != "" {
			base = b.Base
		}
		if b.Bytes > 0 {
			size = humanize.IBytes(b.Bytes)
		}
		for i, o := range b.Offsets {
			offsets[i] = strconv.Itoa(int(o.Partition)) + ":" + strconv.FormatInt(o.Offset, 10)
		}
		r.rows = append(r.rows, []string{b.Name, at, b.State, base, strings.Join(offsets, " "), size})
	}
	return r
}

func (a *app) backupRestoreCommand() *cobra.Command {
	var (
		f       backupFlags
		replace bool
	)
	c := &cobra.Command{
		Use: "restore NAME [--s3] [--replace]", Short: "Make the store what it was, and have ingest read the rest from Kafka again", Args: cobra.ExactArgs(1),
		Long: `Restore a backup while no node runs: every table, then the offsets of ingest's group in
Kafka. Start the nodes after it: they read from those offsets on, and nothing doubles.
What Kafka no longer has is named. With the embedded engines, this command starts them.

A database with rows in it is only replaced with --replace. A restore that was cut
leaves the store half restored: nodes refuse to start until it is run again.
Keys are those of the backup: revoke again what was revoked since.`,
		Example: `  daybook backup restore 20261128T233000Z
  daybook backup restore monday --s3 --replace`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			c, d, err := a.backups(f)
			if err != nil {
				return err
			}
			if err := backup.CheckName(args[0]); err != nil {
				return usageError{err}
			}
			engines, err := startEngines(cmd.Context(), c, zap.NewNop())
			if err != nil {
				return fmt.Errorf("no node may run during a restore: %w", err)
			}
			defer func() { err = errors.Join(err, engines.close()) }()
			r, err := d.Restore(cmd.Context(), args[0], replace)
			if err != nil {
				return err
			}
			return a.reportRestored(r, c, f.output)
		},
	}
	f.add(c)
	c.Flags().BoolVar(&replace, "replace", false, "drop what the database has")
	return c
}

func (a *app) reportRestored(r backup.Restored, c config.Config, output string) error {
	for _, l := range r.Lost {
		fmt.Fprintf(a.stderr, "daybook: warning: partition %d: offsets %d to %d (%s messages at most) are neither in the backup nor in Kafka: %s\n",
			l.Partition, l.From, l.To, humanize.Comma(l.Messages), l.Why)
	}
	if output != "table" {
		lost := int64(0)
		for _, l := range r.Lost {
			lost += l.Messages
		}
		return report{titles: []string{"name", "time", "events", "behind", "lost"}, numbers: 3, answer: r, rows: [][]string{{
			r.Name, r.At.UTC().Format(time.RFC3339), strconv.FormatUint(r.Events, 10), strconv.FormatInt(r.Behind, 10), strconv.FormatInt(lost, 10),
		}}}.write(a.stdout, output)
	}
	fmt.Fprintf(a.stdout, "restored %s of %s: %s events; Kafka has %s messages to read from its offsets on\n",
		r.Name, r.At.UTC().Format(time.RFC3339), humanize.Comma(int64(r.Events)), humanize.Comma(r.Behind))
	next := "start the nodes: daybook serve"
	if !c.EmbeddedClickHouse() {
		next = "run daybook migrate up, then start the nodes: daybook serve"
	}
	if c.Archive.Enabled {
		next += "\nthen daybook archive verify: the store does not know the days that were archived since the backup"
	}
	_, err := fmt.Fprintln(a.stdout, next)
	return err
}
