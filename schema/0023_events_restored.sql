-- +goose NO TRANSACTION
-- +goose Up
-- Events that were read back from the archive: no view counts them, and nothing but include=archive shows them.
CREATE TABLE IF NOT EXISTS events_restored AS events
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(created_at)
PRIMARY KEY (tenant_id, created_at, event_id)
ORDER BY (tenant_id, created_at, event_id, source)
SETTINGS index_granularity = 2048;

-- +goose Down
DROP TABLE events_restored;
