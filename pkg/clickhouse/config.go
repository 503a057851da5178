// Package clickhouse connects Daybook to ClickHouse through clickhouse-go:
// settings, connections, and what an error means for the one who got it.
//
// Inserts and reads differ in one thing that matters. A read may be cancelled
// at any time, and is repeated once when the server restarts (ReadRetry). The
// context of an insert is never cancelled while the server lives, its time-outs
// included: a connection cut in mid-insert leaves an unknown outcome, and the
// embedded server aborts on it. Wait for the insert, then verify.
package clickhouse

import (
	"errors"
	"fmt"
	"net"
	"regexp"

	"daybook/pkg/clienttls"
)

// Config says where ClickHouse is and how to sign in.
type Config struct {
	Addrs    []string         `mapstructure:"addrs"`    // host:port of the native protocol, all of one store; empty with the embedded ClickHouse
	Database string           `mapstructure:"database"` // holds every table of Daybook; not "default" with the embedded ClickHouse
	Username string           `mapstructure:"username"` // empty: default
	Password string           `mapstructure:"password"`
	TLS      clienttls.Config `mapstructure:"tls"`
	Cluster  string           `mapstructure:"cluster"` // of system.clusters, on whose hosts the tables are made; empty: Addrs

	MaxOpenConns int `mapstructure:"max_open_conns"` // for a pool; an open insert holds one
}

// DefaultConfig returns the settings of an installation that changes nothing.
func DefaultConfig() Config {
	return Config{Database: "daybook", MaxOpenConns: 32}
}

// A database name that needs no quoting, so that it can stand in any statement.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// Validate returns every fault of the settings.
func (c Config) Validate() error {
	var errs []error
	for _, a := range c.Addrs {
		if _, _, err := net.SplitHostPort(a); err != nil {
			errs = append(errs, fmt.Errorf("clickhouse.addrs: %q is not host:port", a))
		}
	}
	if !identifier.MatchString(c.Database) {
		errs = append(errs, fmt.Errorf("clickhouse.database: %q is not a name of letters, digits and underscores", c.Database))
	}
	if c.Cluster != "" && !identifier.MatchString(c.Cluster) {
		errs = append(errs, fmt.Errorf("clickhouse.cluster: %q is not a name of letters, digits and underscores", c.Cluster))
	}
	if c.MaxOpenConns < 1 {
		errs = append(errs, fmt.Errorf("clickhouse.max_open_conns: %d is not at least 1", c.MaxOpenConns))
	}
	if _, err := c.TLS.Load("clickhouse.tls"); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
