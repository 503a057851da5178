package config

import (
	"time"

	"daybook/pkg/bytesize"
)

// Embedded says where the embedded broker and ClickHouse live.
type Embedded struct {
	Enabled        bool   `mapstructure:"enabled"`
	Dir            string `mapstructure:"dir"`
	KafkaAddr      string `mapstructure:"kafka_addr"`
	ClickHouseAddr string `mapstructure:"clickhouse_addr"`
}

func defaultEmbedded() Embedded {
	return Embedded{Enabled: true, Dir: "./data", KafkaAddr: "127.0.0.1:9092", ClickHouseAddr: "127.0.0.1:9000"}
}

// Validate returns every fault of the settings.
func (c Embedded) Validate() error { return nil }

// ClickHouse says where ClickHouse is.
type ClickHouse struct {
	Addrs    []string `mapstructure:"addrs"`
	Database string   `mapstructure:"database"`
	Username string   `mapstructure:"username"`
	Password string   `mapstructure:"password"`
	Cluster  string   `mapstructure:"cluster"`
}

func defaultClickHouse() ClickHouse { return ClickHouse{Database: "daybook"} }

// Validate returns every fault of the settings.
func (c ClickHouse) Validate() error { return nil }

// Ingest bounds the blocks that ingest writes.
type Ingest struct {
	MaxRows          int           `mapstructure:"max_rows"`
	MaxBytes         bytesize.Size `mapstructure:"max_bytes"`
	MaxAge           time.Duration `mapstructure:"max_age"`
	MaxBufferedBytes bytesize.Size `mapstructure:"max_buffered_bytes"`
	MaxEventBytes    bytesize.Size `mapstructure:"max_event_bytes"`
}

func defaultIngest() Ingest {
	return Ingest{
		MaxRows: 50000, MaxBytes: 32 * bytesize.MiB, MaxAge: time.Second,
		MaxBufferedBytes: 256 * bytesize.MiB, MaxEventBytes: bytesize.MiB,
	}
}

// Validate returns every fault of the settings.
func (c Ingest) Validate() error { return nil }

// Query bounds what one query may use.
type Query struct {
	MaxDuration time.Duration `mapstructure:"max_duration"`
	MaxMemory   bytesize.Size `mapstructure:"max_memory"`
	MaxRowsRead int64         `mapstructure:"max_rows_read"`
	MaxLimit    int           `mapstructure:"max_limit"`
}

func defaultQuery() Query {
	return Query{MaxDuration: 10 * time.Second, MaxMemory: bytesize.GiB, MaxRowsRead: 1_000_000_000, MaxLimit: 1000}
}

// Validate returns every fault of the settings.
func (c Query) Validate() error { return nil }

// Stream bounds the live stream.
type Stream struct {
	Heartbeat           time.Duration `mapstructure:"heartbeat"`
	RingBytes           bytesize.Size `mapstructure:"ring_bytes"`
	MaxClients          int           `mapstructure:"max_clients"`
	MaxClientsPerTenant int           `mapstructure:"max_clients_per_tenant"`
	MaxAge              time.Duration `mapstructure:"max_age"`
}

func defaultStream() Stream {
	return Stream{
		Heartbeat: 15 * time.Second, RingBytes: 256 * bytesize.MiB,
		MaxClients: 20000, MaxClientsPerTenant: 5000, MaxAge: 30 * time.Minute,
	}
}

// Validate returns every fault of the settings.
func (c Stream) Validate() error { return nil }
