-- +goose NO TRANSACTION
-- +goose Up
-- The payload's own members that are numbers, in their order: sums and percentiles read it instead of the
-- payload. Ingest writes it. Where it doesn't, or didn't yet, ClickHouse makes the same of the payload.
ALTER TABLE events ADD COLUMN IF NOT EXISTS payload_numbers Map(LowCardinality(String), Float64)
    DEFAULT mapFromArrays(
        arrayMap(x -> x.1, arrayFilter(x -> match(x.2, '^[-0-9]'), JSONExtractKeysAndValuesRaw(payload)) AS numbers),
        arrayMap(x -> JSONExtractFloat(x.2), numbers))
    CODEC(LZ4) AFTER payload_text;

-- +goose Down
ALTER TABLE events DROP COLUMN IF EXISTS payload_numbers;
