-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS presets
(
    tenant_id  String,
    id         String,
    owner      String,
    name       String,
    filter     String,
    shared     Bool,
    deleted    Bool,
    created_at DateTime64(3, 'UTC'),
    updated_at DateTime64(3, 'UTC'),
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, id);

-- +goose Down
DROP TABLE presets;
