-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS dead_letters
(
    topic         LowCardinality(String),
    partition     Int32,
    offset        Int64 CODEC(Delta(8), ZSTD(1)),
    message_time  DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    key           String CODEC(ZSTD(1)),
    value         String CODEC(ZSTD(3)),
    header_names  Array(String),
    header_values Array(String),
    error_class   LowCardinality(String),
    error_field   LowCardinality(String),
    error         String CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(message_time)
ORDER BY (topic, partition, offset, message_time)
TTL toDateTime(message_time) + INTERVAL 365 DAY
SETTINGS ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- +goose Down
DROP TABLE dead_letters;
