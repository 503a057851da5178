package config

import (
	"errors"
	"fmt"
	"net"
	"time"

	"daybook/pkg/bytesize"
)

// Embedded says where the embedded broker and ClickHouse live and what they
// may use.
type Embedded struct {
	Enabled        bool   `mapstructure:"enabled"`
	Dir            string `mapstructure:"dir"`             // data folder of both
	KafkaAddr      string `mapstructure:"kafka_addr"`      // unused where kafka.brokers is set
	ClickHouseAddr string `mapstructure:"clickhouse_addr"` // unused where clickhouse.addrs is set

	KafkaRetention      time.Duration `mapstructure:"kafka_retention"`       // of messages in the topics
	KafkaRetentionBytes bytesize.Size `mapstructure:"kafka_retention_bytes"` // of a topic
	ClickHouseMemory    bytesize.Size `mapstructure:"clickhouse_memory"`     // 0: by the machine's memory
}

func defaultEmbedded() Embedded {
	return Embedded{
		Enabled: true, Dir: "./data", KafkaAddr: "127.0.0.1:9092", ClickHouseAddr: "127.0.0.1:9000",
		KafkaRetention: 7 * 24 * time.Hour, KafkaRetentionBytes: 10 * bytesize.GiB,
	}
}

// Validate returns every fault of the settings.
func (c Embedded) Validate() error {
	if !c.Enabled {
		return nil
	}
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("embedded.dir: must not be empty"))
	}
	for _, a := range []struct{ key, addr string }{{"embedded.kafka_addr", c.KafkaAddr}, {"embedded.clickhouse_addr", c.ClickHouseAddr}} {
		if _, _, err := net.SplitHostPort(a.addr); err != nil {
			errs = append(errs, fmt.Errorf("%s: %q is not host:port", a.key, a.addr))
		}
	}
	if c.KafkaRetention < time.Hour {
		errs = append(errs, fmt.Errorf("embedded.kafka_retention: %s is less than 1h", c.KafkaRetention))
	}
	if c.KafkaRetentionBytes < bytesize.GiB {
		errs = append(errs, fmt.Errorf("embedded.kafka_retention_bytes: %s is less than 1GiB", c.KafkaRetentionBytes))
	}
	if c.ClickHouseMemory != 0 && c.ClickHouseMemory < bytesize.GiB/2 {
		errs = append(errs, fmt.Errorf("embedded.clickhouse_memory: %s is less than 512MiB", c.ClickHouseMemory))
	}
	return errors.Join(errs...)
}
