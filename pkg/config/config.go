// Package config holds every setting of Daybook, composed of what each
// package declares. It guarantees that a setting that does not exist is
// refused rather than ignored, that every key can be set by file and by
// environment, and that all faults are reported at once, by key.
package config

import (
	"errors"
	"fmt"
	"net"

	"daybook/ingest"
	"daybook/pkg/auth"
	"daybook/pkg/clickhouse"
	"daybook/pkg/event"
	"daybook/pkg/httpserver"
	"daybook/pkg/kafka"
	"daybook/pkg/telemetry"
	"daybook/query/statement"
	"daybook/query/stream"
)

// Config is everything that config.yaml and the environment can say.
type Config struct {
	HTTP       httpserver.Config      `mapstructure:"http"`
	Admin      httpserver.AdminConfig `mapstructure:"admin"`
	Embedded   Embedded               `mapstructure:"embedded"`
	Kafka      kafka.Config           `mapstructure:"kafka"`
	ClickHouse clickhouse.Config      `mapstructure:"clickhouse"`
	Ingest     ingest.Config          `mapstructure:"ingest"`
	Retention  Retention              `mapstructure:"retention"`
	Query      statement.Config       `mapstructure:"query"`
	Stream     stream.Config          `mapstructure:"stream"`
	Auth       auth.Config            `mapstructure:"auth"`
	Archive    Archive                `mapstructure:"archive"`
	// Categories extends and overrides the table of event types: a type
	// (order.shipped), a family (order.*) or * to a category's name.
	Categories map[string]string `mapstructure:"categories"`
	Log        telemetry.Config  `mapstructure:"log"`
}

// Default returns the settings of an installation that changes nothing: all
// of Daybook on one machine, reachable from that machine only.
func Default() Config {
	return Config{
		HTTP:       httpserver.DefaultConfig(),
		Admin:      httpserver.DefaultAdminConfig(),
		Embedded:   defaultEmbedded(),
		Kafka:      kafka.DefaultConfig(),
		ClickHouse: clickhouse.DefaultConfig(),
		Ingest:     ingest.DefaultConfig(),
		Retention:  Retention{Days: 365},
		Archive:    defaultArchive(),
		Query:      statement.DefaultConfig(),
		Stream:     stream.DefaultConfig(),
		Auth:       auth.DefaultConfig(),
		Log:        telemetry.DefaultConfig(),
	}
}

// Validate returns every fault of the settings, those between sections
// included.
func (c Config) Validate() error {
	errs := []error{
		c.HTTP.Validate(), c.Admin.Validate(), c.Embedded.Validate(), c.Kafka.Validate(), c.ClickHouse.Validate(),
		c.Ingest.Validate(), c.Retention.Validate(), c.Query.Validate(), c.Stream.Validate(),
		c.Auth.Validate(), c.Archive.Validate(), c.Log.Validate(),
	}
	if _, err := event.NewCategories(c.Categories); err != nil {
		errs = append(errs, err)
	}
	if c.EmbeddedClickHouse() && c.ClickHouse.Database == "default" {
		errs = append(errs, errors.New("clickhouse.database: the embedded ClickHouse needs another one than default"))
	}
	if !c.Embedded.Enabled && len(c.Kafka.Brokers) == 0 {
		errs = append(errs, errors.New("kafka.brokers: must be set where embedded.enabled is false"))
	}
	if !c.Embedded.Enabled && len(c.ClickHouse.Addrs) == 0 {
		errs = append(errs, errors.New("clickhouse.addrs: must be set where embedded.enabled is false"))
	}
	return errors.Join(append(errs, c.sharedAddresses()...)...)
}

// Event returns the settings that are about single events.
func (c Config) Event() event.Config {
	return event.Config{MaxEventBytes: c.Ingest.MaxEventBytes, RetentionDays: c.Retention.Policy().Longest(), Categories: c.Categories}
}

// EmbeddedKafka reports whether the embedded broker is used.
func (c Config) EmbeddedKafka() bool { return c.Embedded.Enabled && len(c.Kafka.Brokers) == 0 }

// EmbeddedClickHouse reports whether the embedded ClickHouse is used.
func (c Config) EmbeddedClickHouse() bool { return c.Embedded.Enabled && len(c.ClickHouse.Addrs) == 0 }

// Resolved returns the settings with the embedded parts' addresses filled in,
// so that what connects need not know whether they are embedded.
func (c Config) Resolved() Config {
	if c.EmbeddedKafka() {
		c.Kafka.Brokers = []string{c.Embedded.KafkaAddr}
	}
	if c.EmbeddedClickHouse() {
		c.ClickHouse.Addrs = []string{c.Embedded.ClickHouseAddr}
	}
	return c
}

// sharedAddresses returns a fault for each address that two listeners want.
func (c Config) sharedAddresses() []error {
	listeners := []struct{ key, addr string }{{"http.addr", c.HTTP.Addr}, {"admin.addr", c.Admin.Addr}}
	if c.EmbeddedKafka() {
		listeners = append(listeners, struct{ key, addr string }{"embedded.kafka_addr", c.Embedded.KafkaAddr})
	}
	if c.EmbeddedClickHouse() {
		listeners = append(listeners, struct{ key, addr string }{"embedded.clickhouse_addr", c.Embedded.ClickHouseAddr})
	}
	var errs []error
	owner := map[string]string{}
	for _, l := range listeners {
		_, port, err := net.SplitHostPort(l.addr)
		if err != nil || port == "0" {
			continue // Reported by its owner; port 0 is never shared.
		}
		if other, taken := owner[l.addr]; taken {
			errs = append(errs, fmt.Errorf("%s: %s is taken by %s", l.key, l.addr, other))
		}
		owner[l.addr] = l.key
	}
	return errs
}
