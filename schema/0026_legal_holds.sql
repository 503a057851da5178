-- +goose NO TRANSACTION
-- +goose Up
-- What is not purged, whatever its age: query/hold. A row is a state of a hold; lifted ones stay as a record.
CREATE TABLE IF NOT EXISTS legal_holds
(
    tenant_id      String,
    id             String,
    filter         String,
    reason         String,
    placed_at      DateTime64(3, 'UTC'),
    placed_by      String,
    placed_by_name String,
    lifted_at      DateTime64(3, 'UTC'),
    lifted_by      String,
    lifted_by_name String,
    lift_reason    String,
    version        UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (tenant_id, id);

-- +goose Down
DROP TABLE legal_holds;
