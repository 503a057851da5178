package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/clienttls"
)

const (
	dialTimeout = 5 * time.Second

	// readTimeout bounds the silence between two packets, not a query: a working
	// server reports progress several times a second. It is long because giving
	// up on an insert cuts its connection (see the package comment).
	readTimeout = 5 * time.Minute

	// Stale connections are dropped after this, so that a name that moved to
	// other machines is looked up again.
	connLifetime = 30 * time.Minute
)

// Option changes how Open connects.
type Option func(*clickhouse.Options)

// WithSettings sends ClickHouse settings with every query of the pool.
func WithSettings(settings map[string]any) Option {
	return func(o *clickhouse.Options) {
		maps.Copy(o.Settings, settings)
	}
}

// WithCompression compresses the blocks in transit with LZ4. It pays over a
// network; on loopback it only costs.
func WithCompression() Option {
	return func(o *clickhouse.Options) {
		o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
}

// WithMaxOpenConns bounds the pool to another number than the settings' one.
func WithMaxOpenConns(n int) Option {
	return func(o *clickhouse.Options) { o.MaxOpenConns, o.MaxIdleConns = n, n }
}

// Open returns a pool of native connections, after one of them has answered. The
// caller closes it. Every query carries async_insert=0: an insert that has
// returned is in its table.
func Open(ctx context.Context, config Config, options ...Option) (driver.Conn, error) {
	o, err := config.options(options)
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(o)
	if err != nil {
		return nil, fmt.Errorf("connect to ClickHouse: %w", err)
	}
	if err := conn.Ping(ctx); err != nil {
		if hint := config.hint(err); hint != "" {
			err = fmt.Errorf("%w (%s)", err, hint)
		}
		return nil, errors.Join(fmt.Errorf("connect to ClickHouse at %v: %w", config.Addrs, err), conn.Close())
	}
	return conn, nil
}

// hint says which settings to look at, for what keeps clients out; "" where the error
// says it.
func (c Config) hint(err error) string {
	if slices.Contains([]int{codeUnknownUser, codeWrongPassword, codeRequiredPassword, codeAuthentication}, Code(err)) {
		return "look at clickhouse.username and clickhouse.password"
	}
	if hint := clienttls.Hint("clickhouse.tls", err); hint != "" {
		return hint
	}
	if !c.TLS.Enabled && (errors.Is(err, io.EOF) || strings.Contains(err.Error(), "unexpected packet")) { // clickhouse-go has no value for it.
		return "so does a server that wants TLS (clickhouse.tls.enabled)"
	}
	return ""
}

// OpenDB returns the same connections as database/sql, for migrations. The
// caller closes it.
func OpenDB(config Config, options ...Option) (*sql.DB, error) {
	o, err := config.options(options)
	if err != nil {
		return nil, err
	}
	open, idle := o.MaxOpenConns, o.MaxIdleConns
	o.MaxOpenConns, o.MaxIdleConns, o.ConnMaxLifetime = 0, 0, 0 // database/sql has a pool of its own.
	db := clickhouse.OpenDB(o)
	db.SetMaxOpenConns(open)
	db.SetMaxIdleConns(idle)
	db.SetConnMaxLifetime(connLifetime)
	return db, nil
}

// CreateDatabase creates the database that the settings name, where it is
// missing, on every address that the settings name: Open with the database
// fails before that.
func CreateDatabase(ctx context.Context, config Config) error {
	if !identifier.MatchString(config.Database) {
		return fmt.Errorf("clickhouse.database: %q is not a name of letters, digits and underscores", config.Database)
	}
	for _, addr := range config.Addrs {
		if err := createDatabaseAt(ctx, config, addr); err != nil {
			return fmt.Errorf("create database %s at %s: %w", config.Database, addr, err)
		}
	}
	return nil
}

func createDatabaseAt(ctx context.Context, config Config, addr string) error {
	name := config.Database
	config.Addrs, config.Database, config.MaxOpenConns = []string{addr}, "", 1
	conn, err := Open(ctx, config)
	if err != nil {
		return err
	}
	return errors.Join(conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+name), conn.Close())
}

// options turns the settings into the driver's.
func (c Config) options(options []Option) (*clickhouse.Options, error) {
	if len(c.Addrs) == 0 {
		return nil, errors.New("clickhouse.addrs: no address of ClickHouse is set")
	}
	tls, err := c.TLS.Load("clickhouse.tls")
	if err != nil {
		return nil, err
	}
	o := &clickhouse.Options{
		Protocol:         clickhouse.Native,
		Addr:             c.Addrs,
		Auth:             clickhouse.Auth{Database: c.Database, Username: c.Username, Password: c.Password},
		TLS:              tls,
		ClientInfo:       clickhouse.ClientInfo{Products: []struct{ Name, Version string }{{Name: "daybook"}}},
		Settings:         clickhouse.Settings{"async_insert": 0},
		DialTimeout:      dialTimeout,
		ReadTimeout:      readTimeout,
		MaxOpenConns:     c.MaxOpenConns,
		MaxIdleConns:     c.MaxOpenConns,
		ConnMaxLifetime:  connLifetime,
		ConnOpenStrategy: clickhouse.ConnOpenInOrder,
	}
	for _, option := range options {
		option(o)
	}
	return o, nil
}
