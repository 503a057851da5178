-- +goose NO TRANSACTION
-- +goose Up
-- Which days events_restored has whole (done), may have in part (begun), or has no more (removed).
CREATE TABLE IF NOT EXISTS restores
(
    tenant_id  String,
    day        Date,
    state      Enum8('begun' = 1, 'done' = 2, 'removed' = 3),
    manifest   UInt32,
    rows       UInt64,
    at         DateTime64(3, 'UTC'),
    expires_at DateTime64(3, 'UTC'),
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, day);

-- +goose Down
DROP TABLE restores;
