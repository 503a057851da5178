package stream

import (
	"errors"
	"fmt"
	"time"

	"daybook/pkg/bytesize"
)

// Config bounds the live stream of one node.
type Config struct {
	// Heartbeat is how long a connection may be silent before a comment keeps
	// proxies from closing it; 1 s to 60 s, default 15 s.
	Heartbeat time.Duration `mapstructure:"heartbeat"`
	// RingBytes bounds the memory that holds the latest events; at least 1 MiB,
	// default 256 MiB. Clients further behind are served from Kafka.
	RingBytes bytesize.Size `mapstructure:"ring_bytes"`
	// Preload is how far back the ring is filled at the start of a node, so
	// that clients which return after a restart find their place in memory;
	// default 30 s, zero for none.
	Preload time.Duration `mapstructure:"preload"`
	// MaxClients bounds the open streams of the node; default 20000.
	MaxClients int `mapstructure:"max_clients"`
	// MaxClientsPerTenant bounds the open streams of one tenant; default 5000.
	MaxClientsPerTenant int `mapstructure:"max_clients_per_tenant"`
	// MaxClientsPerKey bounds the open streams of one key, so that a program that
	// leaks them leaves room for the rest of its tenant; default 2500.
	MaxClientsPerKey int `mapstructure:"max_clients_per_key"`
	// MaxCatchups bounds how many clients read from Kafka or ClickHouse at once; the others
	// wait their turn on their open connection. Default 8.
	MaxCatchups int `mapstructure:"max_catchups"`
	// MaxAge is when a connection is asked to reconnect, less up to a fifth at
	// random so that clients spread; default 30 min.
	MaxAge time.Duration `mapstructure:"max_age"`
	// WriteTimeout is how long a client's socket may block before the stream
	// is closed; the client resumes by its last id. Default 10 s.
	WriteTimeout time.Duration `mapstructure:"write_timeout"`
	// Drain is over how long the clients of a node that stops are told to
	// reconnect, so that they do not all arrive elsewhere at once; 0 s to 10 s,
	// default 5 s. A few clients take less.
	Drain time.Duration `mapstructure:"drain"`
	// Canary is how often the node publishes an event of its own and measures how
	// long it takes to come back on the stream; at least 1 s, zero for never.
	// Default 10 s.
	Canary time.Duration `mapstructure:"canary"`
}

// DefaultConfig returns the settings of an installation that changes nothing.
func DefaultConfig() Config {
	return Config{
		Heartbeat: 15 * time.Second, RingBytes: 256 * bytesize.MiB, Preload: 30 * time.Second,
		MaxClients: 20000, MaxClientsPerTenant: 5000, MaxClientsPerKey: 2500, MaxCatchups: 8,
		MaxAge: 30 * time.Minute, WriteTimeout: 10 * time.Second, Drain: 5 * time.Second, Canary: 10 * time.Second,
	}
}

// Validate returns every fault of the settings.
func (c Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Heartbeat >= time.Second && c.Heartbeat <= time.Minute, "stream.heartbeat: %s is not between 1s and 60s", c.Heartbeat)
	check(c.RingBytes >= bytesize.MiB, "stream.ring_bytes: %s is less than 1MiB", c.RingBytes)
	check(c.Preload >= 0 && c.Preload <= time.Hour, "stream.preload: %s is not between 0s and 1h", c.Preload)
	check(c.MaxClients >= 1, "stream.max_clients: %d is not positive", c.MaxClients)
	check(c.MaxClientsPerTenant >= 1, "stream.max_clients_per_tenant: %d is not positive", c.MaxClientsPerTenant)
	check(c.MaxClientsPerKey >= 1, "stream.max_clients_per_key: %d is not positive", c.MaxClientsPerKey)
	check(c.MaxCatchups >= 1, "stream.max_catchups: %d is not positive", c.MaxCatchups)
	check(c.MaxAge >= time.Minute, "stream.max_age: %s is less than 1m", c.MaxAge)
	check(c.WriteTimeout >= time.Second && c.WriteTimeout <= 5*time.Minute, "stream.write_timeout: %s is not between 1s and 5m", c.WriteTimeout)
	check(c.Drain >= 0 && c.Drain <= 10*time.Second, "stream.drain: %s is not between 0s and 10s", c.Drain)
	check(c.Canary == 0 || c.Canary >= time.Second, "stream.canary: %s is less than 1s, and not 0s for never", c.Canary)
	return errors.Join(errs...)
}
