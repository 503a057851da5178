package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/ingest/archive"
	"daybook/pkg/clickhouse"
	"daybook/pkg/config"
	"daybook/pkg/tenant"
)

func (a *app) archiveCommand() *cobra.Command {
	return group("archive", "Closed days in the customer's own bucket: write, list, check, read back",
		a.archiveRunCommand(), a.archiveListCommand(), a.archiveVerifyCommand(), a.archiveRestoreCommand(), a.archiveRemoveCommand())
}

// newArchive returns what writes and reads the archive of the settings.
func newArchive(c config.Config, conn driver.Conn, registry prometheus.Registerer, log *zap.Logger) *archive.Runner {
	return archive.New(archive.Config{
		Places: c.Archive.Places(), Delay: c.Archive.Delay, Restored: time.Duration(c.Archive.RestoredDays) * 24 * time.Hour,
		Writer: "daybook " + version,
	}, archive.Deps{Conn: conn, Retention: c.Retention.Policy(), Registry: registry, Log: log, Now: time.Now})
}

// archiveFlags choose days, and how an answer is printed.
type archiveFlags struct {
	tenant, from, to string
	output           string
}

func (f *archiveFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.tenant, "tenant", "", "only the days of this `tenant`")
	c.Flags().StringVar(&f.from, "from", "", "only from this `day` on, like 2026-01-31 (UTC)")
	c.Flags().StringVar(&f.to, "to", "", "only up to this `day`, itself included")
	outputFlag(c, &f.output)
}

func (f *archiveFlags) days() (g archive.Range, err error) {
	if err := checkOutput(f.output); err != nil {
		return g, err
	}
	if f.tenant != "" {
		if err := tenant.ID(f.tenant).Validate(); err != nil {
			return g, usagef("--tenant: %v", err)
		}
		g.Tenant = tenant.ID(f.tenant)
	}
	for _, one := range []struct {
		flag, text string
		day        *time.Time
		more       int
	}{{"--from", f.from, &g.From, 0}, {"--to", f.to, &g.To, 1}} {
		if one.text == "" {
			continue
		}
		day, err := time.Parse(time.DateOnly, one.text)
		if err != nil {
			return g, usagef("%s: %q is not a day like 2026-01-31", one.flag, one.text)
		}
		*one.day = day.AddDate(0, 0, one.more)
	}
	if !g.From.IsZero() && !g.To.IsZero() && !g.From.Before(g.To) {
		return g, usagef("--from: %s is after --to", f.from)
	}
	return g, nil
}

// archive runs a command on the archive. It works beside a serve that runs.
func (a *app) archive(cmd *cobra.Command, f *archiveFlags, do func(context.Context, *archive.Runner, archive.Range) error) error {
	g, err := f.days()
	if err != nil {
		return err
	}
	c, err := a.load()
	if err != nil {
		return err
	}
	if !c.Archive.Enabled {
		return usagef("archive.enabled is false: the settings say no bucket")
	}
	conn, err := clickhouse.Open(cmd.Context(), c.Resolved().ClickHouse, clickhouse.WithMaxOpenConns(8))
	if err != nil {
		return explain(c, err)
	}
	defer func() { _ = conn.Close() }()
	r := newArchive(c, conn, nil, zap.NewNop())
	defer r.Close()
	return explain(c, do(cmd.Context(), r, g))
}

// counted shows how far a command has come.
func (a *app) counted(what string, do func(*atomic.Int64) error) error {
	var done atomic.Int64
	end := startProgress(a.stderr, what, &done, 0)
	err := do(&done)
	end()
	return err
}

func archiveReport(r archive.Report) report {
	return report{
		titles: []string{"days", "events", "bytes"}, numbers: 3, answer: r,
		rows: [][]string{{strconv.Itoa(r.Days), strconv.FormatUint(r.Events, 10), strconv.FormatUint(r.Bytes, 10)}},
	}
}

func (a *app) archiveRunCommand() *cobra.Command {
	var f archiveFlags
	c := &cobra.Command{
		Use: "run [--tenant T] [--from DAY] [--to DAY]", Short: "Write the closed days that the archive lacks, and late events", Args: cobra.NoArgs,
		Long: `Write the closed days that the archive lacks, and the events that came late to others.
A node with the role ingest does so every hour. Two that write at once harm nothing.
Each day is read back and compared with the table before it counts as archived.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.archive(cmd, &f, func(ctx context.Context, r *archive.Runner, g archive.Range) error {
				var done archive.Report
				err := a.counted("events archived", func(n *atomic.Int64) (err error) {
					done, err = r.Archive(ctx, g, n)
					return err
				})
				return errors.Join(archiveReport(done).write(a.stdout, f.output), err)
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) archiveListCommand() *cobra.Command {
	var f archiveFlags
	c := &cobra.Command{
		Use: "list [--tenant T] [--from DAY] [--to DAY]", Short: "List the days of the archive", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.archive(cmd, &f, func(ctx context.Context, r *archive.Runner, g archive.Range) error {
				days, err := r.List(ctx, g)
				if err != nil {
					return err
				}
				out := report{titles: []string{"day", "tenant", "state", "verified", "restored until", "files", "events", "bytes"}, numbers: 3, answer: days}
				for _, d := range days {
					state := "verified"
					if d.VerifiedAt == nil {
						state = "faulty: " + d.Fault
					}
					out.rows = append(out.rows, []string{
						d.Day, string(d.Tenant), state, orDash(d.VerifiedAt), orDash(d.RestoredTo),
						strconv.Itoa(len(d.Files)), strconv.FormatUint(d.Rows, 10), strconv.FormatUint(d.Bytes, 10),
					})
				}
				if err := out.write(a.stdout, f.output); err != nil {
					return err
				}
				waiting, err := r.Waiting(ctx, g)
				if err == nil && waiting > 0 {
					fmt.Fprintf(a.stderr, "%s closed days wait to be archived: daybook archive run\n", humanize.Comma(int64(waiting)))
				}
				return err
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) archiveVerifyCommand() *cobra.Command {
	var f archiveFlags
	c := &cobra.Command{
		Use: "verify [--tenant T] [--from DAY] [--to DAY]", Short: "Read the archive whole, repair what can be repaired; fails where something can't", Args: cobra.NoArgs,
		Long: `Read what the bucket has: manifests, the SHA-256 of each file, its events and their checksums.
What the store does not know of the archive is put there. A lost manifest is made anew where the files are what the store knows.
A file that is lost or altered is written anew where the table still has its events. Anything else is a fault, and its day is not purged.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.archive(cmd, &f, func(ctx context.Context, r *archive.Runner, g archive.Range) error {
				var found archive.Verified
				err := a.counted("events read", func(n *atomic.Int64) (err error) {
					found, err = r.Verify(ctx, g, n)
					return err
				})
				out := archiveReport(found.Report)
				out.answer = found
				if err := errors.Join(out.write(a.stdout, f.output), err); err != nil {
					return err
				}
				for _, one := range found.Repaired {
					fmt.Fprintf(a.stderr, "repaired: %s of tenant %s: %s\n", one.Day, one.Tenant, visible(one.Text))
				}
				for _, one := range found.Faults {
					fmt.Fprintf(a.stderr, "fault: %s of tenant %s: %s\n", one.Day, one.Tenant, visible(one.Text))
				}
				if len(found.Faults) > 0 {
					return fmt.Errorf("%d days of the archive are not what they should be", len(found.Faults))
				}
				return nil
			})
		},
	}
	f.add(c)
	return c
}

func (a *app) archiveRestoreCommand() *cobra.Command {
	var f archiveFlags
	var keep string
	c := &cobra.Command{
		Use: "restore --tenant T --from DAY --to DAY [--keep 30d]", Short: "Read days back, so that calls with include=archive find them fast", Args: cobra.NoArgs,
		Long: `Read archived days back into the store. Calls with include=archive find their events, marked as archived;
no other call sees them. They leave again after archive.restored_days, or what --keep says.
Days that are there already stay for as long from now on. Without a restore, include=archive reads the bucket.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.needDays(); err != nil {
				return err
			}
			stay, err := parseKeep(keep)
			if err != nil {
				return err
			}
			return a.archive(cmd, &f, func(ctx context.Context, r *archive.Runner, g archive.Range) error {
				var done archive.Report
				err := a.counted("events restored", func(n *atomic.Int64) (err error) {
					done, err = r.Restore(ctx, g, stay, n)
					return err
				})
				if err == nil && done.Days == 0 {
					err = errors.New("the archive has nothing of these days")
				}
				return errors.Join(archiveReport(done).write(a.stdout, f.output), err)
			})
		},
	}
	f.add(c)
	c.Flags().StringVar(&keep, "keep", "", "how `long` they stay, like 30d or 12h; empty: archive.restored_days")
	return c
}

// needDays refuses what would restore or remove everything of everybody.
func (f *archiveFlags) needDays() error {
	if f.tenant == "" || f.from == "" || f.to == "" {
		return usagef("say which: --tenant, --from and --to")
	}
	return nil
}

func parseKeep(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var d time.Duration
	var err error
	if days, ok := strings.CutSuffix(text, "d"); ok {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 16)
		d = time.Duration(n) * 24 * time.Hour
	} else {
		d, err = time.ParseDuration(text)
	}
	if err != nil || d <= 0 {
		return 0, usagef("--keep: %q is not like 30d or 12h", text)
	}
	return d, nil
}

func (a *app) archiveRemoveCommand() *cobra.Command {
	var f archiveFlags
	c := &cobra.Command{
		Use: "remove --tenant T --from DAY --to DAY", Short: "Delete restored days from the store before their time; the archive keeps them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.needDays(); err != nil {
				return err
			}
			return a.archive(cmd, &f, func(ctx context.Context, r *archive.Runner, g archive.Range) error {
				n, err := r.Remove(ctx, g)
				if err != nil {
					return err
				}
				out := report{titles: []string{"days"}, numbers: 1, rows: [][]string{{strconv.Itoa(n)}}, answer: archive.Report{Days: n}}
				return out.write(a.stdout, f.output)
			})
		},
	}
	f.add(c)
	return c
}
