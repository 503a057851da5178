-- +goose NO TRANSACTION
-- +goose Up
-- A month that nothing was stored in for a day becomes one part: otherwise its small parts stay, each
-- read by itself.
ALTER TABLE events_1m MODIFY SETTING min_age_to_force_merge_seconds = 86400, min_age_to_force_merge_on_partition_only = 1;

-- +goose Down
ALTER TABLE events_1m RESET SETTING min_age_to_force_merge_seconds, min_age_to_force_merge_on_partition_only;
