-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS api_keys
(
    id         String,
    tenant_id  String,
    name       String,
    scopes     Array(LowCardinality(String)),
    hash       FixedString(32),
    created_at DateTime64(3, 'UTC'),
    expires_at Nullable(DateTime64(3, 'UTC')),
    revoked_at Nullable(DateTime64(3, 'UTC')),
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY id;

-- +goose Down
DROP TABLE api_keys;
