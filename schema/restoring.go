package schema

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"daybook/pkg/clickhouse"
)

// RestoreMark is the database that is there while another one is being
// restored from a backup. Its comment is the backup's name.
func RestoreMark(database string) string { return database + "__restoring" }

// Newest is the number of the last migration that this program has.
func Newest() int64 {
	files, err := migrations.ReadDir(".")
	if err != nil || len(files) == 0 {
		return 0 // Embedded, so it can't be.
	}
	digits, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	newest, _ := strconv.ParseInt(digits, 10, 64)
	return newest
}

// whole reports an error where a restore of the database was cut: what is
// there looks like a store, and lacks events.
func whole(ctx context.Context, c clickhouse.Config) error {
	mark := RestoreMark(c.Database)
	c.Database, c.MaxOpenConns = "system", 1
	db, err := clickhouse.OpenDB(c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	var name string
	switch err := db.QueryRowContext(ctx, "SELECT comment FROM system.databases WHERE name = ?", mark).Scan(&name); {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look for a restore that was cut: %w", err)
	}
	return fmt.Errorf("the store is half restored: run daybook backup restore %[1]s again, as it was run; if what is there shall stay as it is, DROP DATABASE %[2]s", name, mark)
}
