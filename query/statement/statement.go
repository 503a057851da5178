// Package statement runs the reads of the query side. Every one of them runs
// under the limits of the settings query.*, can't write, is repeated once over
// a restart of ClickHouse, and fails with a problem that says what to do: 422 naming
// the limit, or 503 while ClickHouse is away.
package statement

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/bytesize"
	"daybook/pkg/clickhouse"
	"daybook/query/filter"
)

// Config bounds what one query may use.
type Config struct {
	MaxDuration time.Duration `mapstructure:"max_duration"`
	MaxMemory   bytesize.Size `mapstructure:"max_memory"`    // of ClickHouse
	MaxRowsRead int64         `mapstructure:"max_rows_read"` // 0: no limit
	MaxLimit    int           `mapstructure:"max_limit"`     // events in a page of a search
	MaxExports  int           `mapstructure:"max_exports"`   // that a node runs at once; each holds a connection
}

// DefaultConfig returns the settings of an installation that changes nothing.
func DefaultConfig() Config {
	return Config{MaxDuration: 10 * time.Second, MaxMemory: bytesize.GiB, MaxRowsRead: 1_000_000_000, MaxLimit: 1000, MaxExports: 4}
}

// Validate returns every fault of the settings.
func (c Config) Validate() error {
	var errs []error
	if c.MaxDuration < 100*time.Millisecond {
		errs = append(errs, fmt.Errorf("query.max_duration: %s is less than 100ms", c.MaxDuration))
	}
	if c.MaxMemory < 16*bytesize.MiB {
		errs = append(errs, fmt.Errorf("query.max_memory: %s is less than 16MiB", c.MaxMemory))
	}
	if c.MaxRowsRead < 0 {
		errs = append(errs, errors.New("query.max_rows_read: must not be negative"))
	}
	if c.MaxLimit < 1 || c.MaxLimit > 100_000 {
		errs = append(errs, fmt.Errorf("query.max_limit: %d is not between 1 and 100000", c.MaxLimit))
	}
	if c.MaxExports < 1 || c.MaxExports > 1000 {
		errs = append(errs, fmt.Errorf("query.max_exports: %d is not between 1 and 1000", c.MaxExports))
	}
	return errors.Join(errs...)
}

// Reader runs statements.
type Reader struct {
	conn   driver.Conn
	config Config
}

// NewReader returns a reader that uses the connections.
func NewReader(conn driver.Conn, config Config) *Reader { return &Reader{conn, config} }

// Config returns the limits.
func (r *Reader) Config() Config { return r.config }

// Usage counts what a request has cost so far. All statements of a request share
// its time: however many there are, together they take query.max_duration at most.
type Usage struct {
	RowsRead uint64
	took     time.Duration
}

// grace is how long ClickHouse has to end a query by itself at its limit, and
// to say so, before the read is given up.
const grace = 2 * time.Second

// leastTime is less than any statement takes, and more than what ClickHouse would
// take for no limit.
const leastTime = time.Millisecond

// Collect runs a statement and returns what scan makes of each row. Rows that
// were read are added to the usage. Its errors are problems, but for the
// caller's own cancellation.
func Collect[T any](ctx context.Context, r *Reader, usage *Usage, b *filter.Builder, scan func(driver.Rows) (T, error)) ([]T, error) {
	text, args := b.Statement()
	if _, _, fault := b.Archive(); fault != nil {
		return nil, fault
	}
	left := r.config.MaxDuration - usage.took
	if left < leastTime {
		return nil, r.exceeded("query.max_duration", nil)
	}
	began := time.Now()
	defer func() { usage.took += time.Since(began) }()
	var found []T
	// Not a deadline: clickhouse-go would make one the statement's max_execution_time.
	bounded, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer time.AfterFunc(left+grace, func() { cancel(context.DeadlineExceeded) }).Stop()
	err := clickhouse.ReadRetry(bounded, func() error {
		found = found[:0]
		rows, err := r.conn.Query(chgo.Context(bounded, chgo.WithSettings(r.settings(b, left)), chgo.WithProgress(func(p *chgo.Progress) {
			usage.RowsRead += p.Rows
		})), text, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // Err has told everything.
		for rows.Next() {
			row, err := scan(rows)
			if err != nil {
				return err
			}
			found = append(found, row)
		}
		return rows.Err()
	})
	if err != nil {
		if ctx.Err() == nil && errors.Is(context.Cause(bounded), context.DeadlineExceeded) {
			err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		}
		return nil, r.problem(ctx, b, err)
	}
	return found, nil
}

func (r *Reader) settings(b *filter.Builder, left time.Duration) chgo.Settings {
	settings := chgo.Settings{
		"readonly":           2, // Reads only; settings may be given.
		"max_execution_time": left.Seconds(),
		"max_memory_usage":   int64(r.config.MaxMemory),
		"max_rows_to_read":   r.config.MaxRowsRead,
	}
	if reads, _, _ := b.Archive(); reads {
		r.archiveSettings(settings)
	}
	return settings
}

// problem turns an error of ClickHouse into one that the caller is told.
func (r *Reader) problem(ctx context.Context, b *filter.Builder, err error) error {
	if ctx.Err() != nil {
		return err // Nobody waits for an answer any more.
	}
	if problem := archiveProblem(b, err); problem != nil {
		return problem
	}
	if setting, ok := clickhouse.IsLimit(err); ok {
		return r.exceeded(setting, err)
	}
	if clickhouse.IsRetriable(err) {
		return &apierror.Error{
			Kind: apierror.KindUnavailable, Detail: "the event store does not answer now; try again shortly", RetryAfter: 2 * time.Second, Cause: err,
		}
	}
	return fmt.Errorf("read events: %w", err)
}

func (r *Reader) exceeded(setting string, cause error) error {
	return &apierror.Error{
		Kind:   apierror.KindLimit,
		Detail: fmt.Sprintf("the query ran into the limit %s (%s): narrow its time range or its filter, or raise the setting", setting, r.limit(setting)),
		Cause:  cause,
	}
}

func (r *Reader) limit(setting string) string {
	switch setting {
	case "query.max_memory":
		return r.config.MaxMemory.String()
	case "query.max_rows_read":
		return strconv.FormatInt(r.config.MaxRowsRead, 10)
	case "query.max_limit":
		return strconv.Itoa(r.config.MaxLimit)
	default:
		return r.config.MaxDuration.String()
	}
}
