-- +goose NO TRANSACTION
-- +goose Up
-- Every read compares the time of every row that it looks at: ARCHITECTURE.md has the figures.
ALTER TABLE events MODIFY COLUMN created_at CODEC(T64, LZ4);

-- +goose Down
ALTER TABLE events MODIFY COLUMN created_at CODEC(Delta(8), ZSTD(1));
