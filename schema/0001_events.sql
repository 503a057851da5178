-- +goose NO TRANSACTION
-- +goose Up
CREATE TABLE IF NOT EXISTS events
(
    tenant_id       LowCardinality(String),
    created_at      DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)),
    event_id        String CODEC(ZSTD(1)),
    event_type      LowCardinality(String),
    category        LowCardinality(String),
    source          LowCardinality(String),
    severity        Enum8('INFO' = 1, 'WARN' = 2, 'ERROR' = 3, 'CRITICAL' = 4),
    actor_type      LowCardinality(String),
    actor_id        String CODEC(ZSTD(1)),
    actor_name      String CODEC(ZSTD(1)),
    actor_email     String CODEC(ZSTD(1)),
    target_type     LowCardinality(String),
    target_id       String CODEC(ZSTD(1)),
    correlation_id  String CODEC(ZSTD(1)),
    ip_address      String CODEC(ZSTD(1)),
    user_agent      String CODEC(ZSTD(1)),
    payload         String CODEC(ZSTD(1)),
    payload_text    String CODEC(ZSTD(1)),
    extra           String CODEC(ZSTD(1)),
    ingested_at     DateTime64(3, 'UTC') CODEC(Delta(8), ZSTD(1)),
    kafka_topic     LowCardinality(String),
    kafka_partition Int32 CODEC(T64, ZSTD(1)),
    kafka_offset    Int64 CODEC(Delta(8), ZSTD(1)),
    -- Why these, with figures: ARCHITECTURE.md. Only LIKE '%…%' of at least four characters uses ix_text.
    INDEX ix_event event_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_correlation correlation_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_actor actor_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_target target_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX ix_text payload_text TYPE ngrambf_v1(4, 32768, 3, 0) GRANULARITY 4,
    INDEX ix_offset kafka_offset TYPE minmax GRANULARITY 1
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(created_at)
PRIMARY KEY (tenant_id, created_at, event_id)
ORDER BY (tenant_id, created_at, event_id, source)
TTL toDateTime(created_at) + INTERVAL 365 DAY
SETTINGS index_granularity = 2048, ttl_only_drop_parts = 1, non_replicated_deduplication_window = 10000;

-- +goose Down
DROP TABLE events;
