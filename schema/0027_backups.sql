-- +goose NO TRANSACTION
-- +goose Up
-- Backups that were begun from this store, with the offsets that ingest's group had committed just before: ingest/backup.
-- A backup's own row is written before it, so that it is inside.
CREATE TABLE IF NOT EXISTS backups
(
    place      String,
    name       String,
    at         DateTime64(3, 'UTC'),
    base       String,
    topic      String,
    partitions Array(Int32),
    offsets    Array(Int64),
    plans      Array(String),
    state      Enum8('begun' = 1, 'whole' = 2, 'failed' = 3),
    bytes      UInt64,
    fault      String,
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (place, name);

-- +goose Down
DROP TABLE backups;
