-- +goose NO TRANSACTION
-- +goose Up
-- Sums of sums are the same whenever they are taken, so a merge may compute a projection anew.
ALTER TABLE events_15m MODIFY SETTING deduplicate_merge_projection_mode = 'rebuild';

-- +goose Down
ALTER TABLE events_15m RESET SETTING deduplicate_merge_projection_mode;
