-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS dead_letter_replays
(
    topic        LowCardinality(String),
    partition    Int32,
    offset       Int64,
    message_time DateTime64(3, 'UTC'),
    replayed_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(replayed_at)
ORDER BY (topic, partition, offset, message_time)
TTL toDateTime(replayed_at) + INTERVAL 366 DAY;

-- +goose Down
DROP TABLE dead_letter_replays;
