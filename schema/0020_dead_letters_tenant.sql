-- +goose NO TRANSACTION
-- +goose Up
-- Whose message it is, where the message says so for certain (event.TenantOf); else nobody's, and for keys of every tenant alone.
ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS tenant_id LowCardinality(String);

-- +goose Down
ALTER TABLE dead_letters DROP COLUMN IF EXISTS tenant_id;
