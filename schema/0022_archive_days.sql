-- +goose NO TRANSACTION
-- +goose Up
-- What the bucket has of each day, by its newest manifest: ingest/archive. The bucket is the truth; this is what is known of it.
CREATE TABLE IF NOT EXISTS archive_days
(
    tenant_id   String,
    day         Date,
    manifest    UInt32,
    rows        UInt64,
    bytes       UInt64,
    ids         UInt64,
    content     UInt64,
    first       DateTime64(6, 'UTC'),
    last        DateTime64(6, 'UTC'),
    files       Array(String),
    file_rows   Array(UInt64),
    written_at  DateTime64(3, 'UTC'),
    verified_at DateTime64(3, 'UTC'),
    fault       String,
    version     UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, day);

-- +goose Down
DROP TABLE archive_days;
