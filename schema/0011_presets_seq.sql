-- +goose NO TRANSACTION
-- +goose Up
-- The changes to a tenant's presets have one order: query/preset/log.go.
ALTER TABLE presets
    ADD COLUMN IF NOT EXISTS seq UInt64 AFTER tenant_id,
    ADD COLUMN IF NOT EXISTS writer String AFTER seq,
    MODIFY SETTING non_replicated_deduplication_window = 10000;

-- +goose Down
ALTER TABLE presets
    DROP COLUMN IF EXISTS seq,
    DROP COLUMN IF EXISTS writer,
    RESET SETTING non_replicated_deduplication_window;
