-- +goose NO TRANSACTION
-- +goose Up
-- What was purged, when and how much. A purge is planned here before a row goes, so that one that was cut off is finished, and told once.
CREATE TABLE IF NOT EXISTS purges
(
    tenant_id  String,
    table_name LowCardinality(String),
    planned_at DateTime64(3, 'UTC'),
    before     DateTime64(6, 'UTC'),
    state      Enum8('planned' = 1, 'deleted' = 2, 'done' = 3),
    found      UInt64,
    rows       UInt64,
    archived   UInt64,
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (planned_at, table_name, tenant_id);

-- +goose Down
DROP TABLE purges;
