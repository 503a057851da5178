-- +goose NO TRANSACTION
-- +goose Up
-- Sessions of browsers are rows beside the keys that they are of: pkg/auth/session.go. They leave a day after they expire, keys stay.
ALTER TABLE api_keys
    ADD COLUMN IF NOT EXISTS session_of String,
    MODIFY TTL toDateTime(ifNull(expires_at, toDateTime64(0, 3, 'UTC'))) + INTERVAL 1 DAY DELETE WHERE session_of != '';

-- +goose Down
ALTER TABLE api_keys REMOVE TTL, DROP COLUMN IF EXISTS session_of;
