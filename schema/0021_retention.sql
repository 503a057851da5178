-- +goose NO TRANSACTION
-- +goose Up
-- The retention in force, which purges go by: ingest/purge. The tenant '' is every one that has no days of its own; 0 days: it has none any more.
CREATE TABLE IF NOT EXISTS retention
(
    tenant_id String,
    days      UInt32,
    version   UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY tenant_id;

-- +goose Down
DROP TABLE retention;
