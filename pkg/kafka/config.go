// Package kafka connects Daybook to Kafka through kafka-go: settings, topics,
// and a reader of one partition that never skips silently.
package kafka

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"daybook/pkg/clienttls"
)

// Config says where Kafka is and what Daybook uses there.
type Config struct {
	Brokers         []string         `mapstructure:"brokers"`           // host:port each; empty with the embedded broker
	Topic           string           `mapstructure:"topic"`             // where events are published
	Partitions      int              `mapstructure:"partitions"`        // of the topic, where Daybook creates it
	Replication     int              `mapstructure:"replication"`       // of the topics, where Daybook creates them; 0: the broker's default
	Group           string           `mapstructure:"group"`             // consumer group of ingest
	DeadLetterTopic string           `mapstructure:"dead_letter_topic"` // where messages go that are no events
	TLS             clienttls.Config `mapstructure:"tls"`
	SASL            SASL             `mapstructure:"sasl"`
}

// SASL says how to sign in to the brokers.
type SASL struct {
	Mechanism string `mapstructure:"mechanism"` // "" (none), plain, scram-sha-256, scram-sha-512
	Username  string `mapstructure:"username"`
	Password  string `mapstructure:"password"`
}

// DefaultConfig returns the settings of an installation that changes nothing.
func DefaultConfig() Config {
	return Config{Topic: "events", Partitions: 8, Group: "daybook", DeadLetterTopic: "events.dead"}
}

// Validate returns every fault of the settings.
func (c Config) Validate() error {
	var errs []error
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("kafka.brokers: %q is not host:port", b))
		}
	}
	if c.Topic == "" {
		errs = append(errs, errors.New("kafka.topic: must not be empty"))
	}
	if c.DeadLetterTopic == "" || c.DeadLetterTopic == c.Topic {
		errs = append(errs, errors.New("kafka.dead_letter_topic: must name a topic other than kafka.topic"))
	}
	if c.Group == "" {
		errs = append(errs, errors.New("kafka.group: must not be empty"))
	}
	if c.Partitions < 1 || c.Partitions > 10000 {
		errs = append(errs, fmt.Errorf("kafka.partitions: %d is not between 1 and 10000", c.Partitions))
	}
	if c.Replication < 0 {
		errs = append(errs, errors.New("kafka.replication: must not be negative"))
	}
	if _, err := c.SASL.mechanism(); err != nil {
		errs = append(errs, err)
	}
	if _, err := c.TLS.Load("kafka.tls"); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (s SASL) mechanism() (sasl.Mechanism, error) {
	switch strings.ToLower(s.Mechanism) {
	case "":
		return nil, nil
	case "plain":
		return plain.Mechanism{Username: s.Username, Password: s.Password}, nil
	case "scram-sha-256":
		return scram.Mechanism(scram.SHA256, s.Username, s.Password)
	case "scram-sha-512":
		return scram.Mechanism(scram.SHA512, s.Username, s.Password)
	default:
		return nil, fmt.Errorf("kafka.sasl.mechanism: %q is not plain, scram-sha-256 or scram-sha-512", s.Mechanism)
	}
}

// dialer returns what Reader connects with.
func (c Config) dialer() (*kafka.Dialer, error) {
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	config, err := c.TLS.Load("kafka.tls")
	if err != nil {
		return nil, err
	}
	return &kafka.Dialer{ClientID: "daybook", Timeout: 10 * time.Second, DualStack: true, TLS: config, SASLMechanism: mechanism}, nil
}

// transport returns what Client and Writer connect with.
func (c Config) transport() (*kafka.Transport, error) {
	mechanism, err := c.SASL.mechanism()
	if err != nil {
		return nil, err
	}
	config, err := c.TLS.Load("kafka.tls")
	if err != nil {
		return nil, err
	}
	return &kafka.Transport{ClientID: "daybook", DialTimeout: 10 * time.Second, TLS: config, SASL: mechanism}, nil
}

// Client returns a client of the brokers for everything but reading events.
// Its owner calls the returned function when done.
func (c Config) Client() (*kafka.Client, func(), error) {
	transport, err := c.transport()
	if err != nil {
		return nil, nil, err
	}
	client := &kafka.Client{Addr: kafka.TCP(c.Brokers...), Timeout: 30 * time.Second, Transport: transport}
	return client, transport.CloseIdleConnections, nil
}
