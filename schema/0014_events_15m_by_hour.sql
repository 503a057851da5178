-- +goose NO TRANSACTION
-- +goose Up
-- Counts by hour over all Kafka partitions, within each part of the rollup: query/rollup reads them.
ALTER TABLE events_15m ADD PROJECTION IF NOT EXISTS by_hour
(
    SELECT tenant_id, toStartOfHour(bucket, 'UTC') AS hour, event_type, category, source, severity, sum(events)
    GROUP BY tenant_id, hour, event_type, category, source, severity
);

-- +goose Down
ALTER TABLE events_15m DROP PROJECTION IF EXISTS by_hour;
