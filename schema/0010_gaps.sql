-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS gaps
(
    topic       LowCardinality(String),
    partition   Int32,
    from_offset Int64,
    to_offset   Int64,
    messages    Int64,
    reason      LowCardinality(String),
    noticed_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, partition, from_offset, to_offset, reason)
TTL toDateTime(noticed_at) + INTERVAL 366 DAY;

-- +goose Down
DROP TABLE gaps;
