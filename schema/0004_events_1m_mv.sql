-- +goose NO TRANSACTION
-- +goose Up
CREATE MATERIALIZED VIEW IF NOT EXISTS events_1m_mv TO events_1m AS
SELECT tenant_id, toStartOfMinute(created_at, 'UTC') AS bucket, event_type, category, source, severity, kafka_partition,
       toInt64(count()) AS events
FROM events
GROUP BY tenant_id, bucket, event_type, category, source, severity, kafka_partition;

-- +goose Down
DROP VIEW events_1m_mv;
