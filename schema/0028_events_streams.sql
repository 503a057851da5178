-- +goose NO TRANSACTION
-- +goose Up
-- A page reads every column of a few rows. Each file that has to be opened and each block that has to be
-- unpacked for one row costs it, so a text is one file instead of two, and blocks are small. README.md has the figures.
ALTER TABLE events MODIFY SETTING string_serialization_version = 'single_stream', min_compress_block_size = 16384;
ALTER TABLE events_restored MODIFY SETTING string_serialization_version = 'single_stream', min_compress_block_size = 16384;

-- +goose Down
ALTER TABLE events RESET SETTING string_serialization_version, min_compress_block_size;
ALTER TABLE events_restored RESET SETTING string_serialization_version, min_compress_block_size;
