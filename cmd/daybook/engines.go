package main

import (
	"context"
	"errors"
	"path/filepath"

	"go.uber.org/zap"

	"daybook/pkg/archive"
	"daybook/pkg/config"
	"daybook/pkg/embedded"
)

// engines are the embedded parts of a node; nil where the part is external.
type engines struct {
	lock       *embedded.Lock
	broker     *embedded.Broker
	clickhouse *embedded.ClickHouse
}

// backupsFolder is where in embedded.dir the embedded ClickHouse may write backups.
const backupsFolder = "backups"

// startEngines starts what the settings want embedded, on a data folder that
// no other process uses.
func startEngines(ctx context.Context, c config.Config, log *zap.Logger) (e *engines, err error) {
	e = &engines{}
	if !c.EmbeddedKafka() && !c.EmbeddedClickHouse() {
		return e, nil
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, e.close())
		}
	}()
	if e.lock, err = embedded.LockDir(c.Embedded.Dir); err != nil {
		return e, err
	}
	if c.EmbeddedKafka() {
		e.broker, err = embedded.StartBroker(embedded.BrokerConfig{ //nolint:contextcheck // It returns at once and lives until Close.
			Dir: filepath.Join(c.Embedded.Dir, "kafka"), Addr: c.Embedded.KafkaAddr, Partitions: c.Kafka.Partitions,
			Retention: c.Embedded.KafkaRetention, RetentionBytes: c.Embedded.KafkaRetentionBytes, Log: log.Named("broker"),
		})
		if err != nil {
			return e, err
		}
	}
	if c.EmbeddedClickHouse() {
		e.clickhouse, err = embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{
			Dir: filepath.Join(c.Embedded.Dir, "clickhouse"), Addr: c.Embedded.ClickHouseAddr,
			Backups: filepath.Join(c.Embedded.Dir, backupsFolder), MaxMemory: c.Embedded.ClickHouseMemory, S3: s3Places(c.Archive.Places()), Log: log.Named("clickhouse"),
		})
	}
	return e, err
}

// s3Places is what ClickHouse is told about the archive's places.
func s3Places(places archive.Places) (out []embedded.S3Place) {
	for p := range places.Each() {
		out = append(out, embedded.S3Place{URL: p.URL(), Region: p.Region, KMSKey: p.KMSKey})
	}
	return out
}

// close stops the broker, then ClickHouse, then gives the folder back.
func (e *engines) close() error {
	var errs []error
	if e.broker != nil {
		errs = append(errs, e.broker.Close())
	}
	if e.clickhouse != nil {
		errs = append(errs, e.clickhouse.Close())
	}
	if e.lock != nil {
		errs = append(errs, e.lock.Close())
	}
	return errors.Join(errs...)
}
