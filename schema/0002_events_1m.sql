-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS events_1m
(
    tenant_id       LowCardinality(String),
    bucket          DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    event_type      LowCardinality(String),
    category        LowCardinality(String),
    source          LowCardinality(String),
    severity        Enum8('INFO' = 1, 'WARN' = 2, 'ERROR' = 3, 'CRITICAL' = 4),
    kafka_partition Int32 CODEC(T64, ZSTD(1)),
    events          Int64 CODEC(T64, ZSTD(1))
)
ENGINE = SummingMergeTree(events)
PARTITION BY toYYYYMM(bucket)
ORDER BY (tenant_id, bucket, event_type, category, source, severity, kafka_partition)
TTL bucket + INTERVAL 366 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- +goose Down
DROP TABLE events_1m;
