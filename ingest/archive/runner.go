package archive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	layout "daybook/pkg/archive"
	"daybook/pkg/clickhouse"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

// Config says what is archived when, and where to.
type Config struct {
	Places   layout.Places
	Delay    time.Duration // after its end, until a day is written
	Restored time.Duration // how long restored events stay
	Every    time.Duration // between two passes of Run; 0: an hour
	Writer   string        // the program and its version, for the manifests
}

// Deps is what the archive works with.
type Deps struct {
	Conn      driver.Conn
	Retention retention.Policy
	Registry  prometheus.Registerer // nil: no metrics
	Log       *zap.Logger
	Now       func() time.Time
}

// Runner writes, checks and restores the archive. Its methods may be called at once.
type Runner struct {
	Config
	Deps
	metrics *metrics
	step    func(at string) error // what a test does at a step; nil elsewhere

	mu      sync.Mutex // guards what follows
	buckets map[layout.Place]*bucket
	swept   time.Time
}

// New returns a Runner. The caller closes it.
func New(c Config, d Deps) *Runner {
	if c.Every == 0 {
		c.Every = time.Hour
	}
	if d.Registry == nil {
		d.Registry = prometheus.NewRegistry()
	}
	return &Runner{Config: c, Deps: d, metrics: newMetrics(d.Registry), buckets: map[layout.Place]*bucket{}}
}

// Close ends the idle connections to buckets.
func (r *Runner) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.buckets {
		b.close()
	}
}

// retryAfter is how long Run waits after a pass that failed.
const retryAfter = 5 * time.Minute

// Run archives what is closed, again and again until ctx is done. A pass that fails
// is logged and counted, and the next one does what it left.
func (r *Runner) Run(ctx context.Context) {
	for {
		wait := r.Every
		if err := r.pass(ctx); err != nil && ctx.Err() == nil {
			r.Log.Error("the archive is behind", zap.Error(err))
			wait = min(wait, retryAfter)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// pass does all that the clock asks for.
func (r *Runner) pass(ctx context.Context) error {
	report, err := r.Archive(ctx, Range{}, nil)
	if report.Days > 0 {
		r.Log.Info("archived", zap.Int("days", report.Days), zap.Uint64("events", report.Events), zap.Uint64("bytes", report.Bytes))
	}
	return errors.Join(err, r.sweep(ctx))
}

// Range chooses days.
type Range struct {
	Tenant tenant.ID // empty: all
	From   time.Time // the first day; zero: from the beginning
	To     time.Time // the day after the last; zero: to the end
}

func (g Range) has(u unit) bool {
	return (g.Tenant == "" || g.Tenant == u.tenant) && (g.From.IsZero() || !u.day.Before(g.From)) && (g.To.IsZero() || u.day.Before(g.To))
}

// where is the condition of the range on a column of days, or of instants.
func (g Range) where(column string) (text string, args []any) {
	text = "true"
	if g.Tenant != "" {
		text, args = text+" AND tenant_id = ?", append(args, string(g.Tenant))
	}
	if !g.From.IsZero() {
		text, args = text+" AND "+column+" >= ?", append(args, g.From.UTC().Format(time.DateOnly))
	}
	if !g.To.IsZero() {
		text, args = text+" AND "+column+" < ?", append(args, g.To.UTC().Format(time.DateOnly))
	}
	return text, args
}

// unit is what is archived and restored: a UTC day of a tenant.
type unit struct {
	tenant tenant.ID
	day    time.Time
}

func (u unit) String() string {
	return fmt.Sprintf("%s of tenant %s", u.day.Format(time.DateOnly), u.tenant)
}

func (u unit) folder() string { return layout.Folder(u.tenant, u.day) }

// end is the instant after the day.
func (u unit) end() time.Time { return u.day.AddDate(0, 0, 1) }

// Limits of statements.
const (
	// statementTime bounds a statement that nobody cancels.
	statementTime = time.Hour
	// nice is for the threads of ClickHouse that work for the archive: searches go first.
	nice = 10
)

var settings = func() chgo.Settings {
	s := chgo.Settings{
		"os_threads_nice_value_query": nice,
		"max_execution_time":          int(statementTime / time.Second),
		// Row groups of this size, with least and greatest values, are what a question to a
		// file reads; a large dictionary and bloom filters cost more than they save.
		"output_format_parquet_compression_method":  "zstd",
		"output_format_compression_level":           1,
		"output_format_parquet_row_group_size":      65536,
		"output_format_parquet_max_dictionary_size": 65536,
		"output_format_parquet_write_bloom_filter":  0,
		"max_partitions_per_insert_block":           0,
		"insert_deduplicate":                        0,
		// Restored parts get their indexes by their first merge, as those of ingest do.
		"materialize_skip_indexes_on_insert": 0,
		"optimize_on_insert":                 0,
	}
	maps.Copy(s, layout.Settings())
	return s
}()

// statement is the context of a statement that may be given up.
func statement(ctx context.Context) context.Context {
	return chgo.Context(ctx, chgo.WithSettings(settings))
}

// exec runs a statement that writes. It is not cancelled: see pkg/clickhouse.
func (r *Runner) exec(ctx context.Context, text string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), statementTime)
	defer cancel()
	return r.Conn.Exec(statement(ctx), text, args...)
}

// eachRow calls each for every row of an answer. It asks again, and calls begin first,
// where the server went away meanwhile.
func (r *Runner) eachRow(ctx context.Context, text string, args []any, begin func(), each func(driver.Rows) error) error {
	return clickhouse.ReadRetry(ctx, func() error {
		rows, err := r.Conn.Query(statement(ctx), text, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }()
		begin()
		for rows.Next() {
			if err := each(rows); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// at lets a test cut the work at a step.
func (r *Runner) at(step string) error {
	if r.step == nil {
		return nil
	}
	return r.step(step)
}

// bucketOf returns the bucket of a place, whose named collection ClickHouse has.
func (r *Runner) bucketOf(ctx context.Context, p layout.Place) (*bucket, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.buckets[p]; ok {
		return b, nil
	}
	b, err := openBucket(p)
	if err != nil {
		return nil, err
	}
	if err := layout.EnsureCollection(ctx, r.Conn, p); err != nil {
		b.close()
		return nil, err
	}
	r.buckets[p] = b
	return b, nil
}
