-- +goose NO TRANSACTION
-- +goose Up
-- The parts that are there get it in the background. Until then they are read without it, for the same answer.
ALTER TABLE events_15m MATERIALIZE PROJECTION by_hour;

-- +goose Down
ALTER TABLE events_15m CLEAR PROJECTION IF EXISTS by_hour;
