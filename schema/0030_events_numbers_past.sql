-- +goose NO TRANSACTION
-- +goose Up
-- Of what is stored already it is made in the background; until then each read makes it for itself.
ALTER TABLE events MATERIALIZE COLUMN payload_numbers SETTINGS mutations_sync = 0;

-- +goose Down
