// Package schematest gives tests databases with the schema. What all migrations
// together have made is remembered by the test binary and made by one statement
// for each table: a tenth of the work, in hundreds of databases.
package schematest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/schema"
)

// Open returns connections to a database with the schema, of the test's own on the
// ClickHouse that the tests of this binary share. They are closed with the test.
func Open(t testing.TB) driver.Conn {
	t.Helper()
	config := clickhousetest.Start(t)
	Up(t, config)
	conn, err := clickhouse.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Errorf("close the connections to ClickHouse: %v", err)
		}
	})
	return conn
}

// Up does what schema.Up does, to an empty database.
func Up(t testing.TB, config clickhouse.Config) {
	t.Helper()
	if err := up(t.Context(), config); err != nil {
		t.Fatal(err)
	}
}

// made is what the first database of this test binary got from its migrations.
var made struct {
	sync.Mutex // guards all of it
	database   string
	statements []string // never written to again
}

func up(ctx context.Context, config clickhouse.Config) error {
	made.Lock()
	if made.statements == nil {
		defer made.Unlock()
		return first(ctx, config)
	}
	database, statements := made.database, made.statements
	made.Unlock()
	conn, err := clickhouse.Open(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	for _, statement := range statements {
		if err := conn.Exec(ctx, strings.ReplaceAll(statement, database+".", config.Database+".")); err != nil {
			return fmt.Errorf("make the schema anew: %w", err)
		}
	}
	return nil
}

// first migrates a database, and remembers what came of it.
func first(ctx context.Context, config clickhouse.Config) error {
	if err := schema.Up(ctx, config); err != nil {
		return err
	}
	conn, err := clickhouse.Open(ctx, config)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	var tables []string
	var versions string
	const text = `SELECT
		(SELECT groupArray(create_table_query) FROM (SELECT create_table_query FROM system.tables
			WHERE database = currentDatabase() ORDER BY engine = 'MaterializedView', name)),
		(SELECT toString(groupArray(version_id)) FROM (SELECT version_id FROM goose_db_version ORDER BY version_id))`
	if err := conn.QueryRow(ctx, text).Scan(&tables, &versions); err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	made.database = config.Database
	made.statements = append(tables, "INSERT INTO "+config.Database+".goose_db_version (version_id, is_applied) SELECT arrayJoin("+versions+"), 1")
	return nil
}
