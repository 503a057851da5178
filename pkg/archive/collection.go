package archive

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/clickhouse"
)

// codeAccessDenied is ClickHouse's code for what its user may not do.
const codeAccessDenied = 497

// EnsureCollection makes the named collection of a place where the server has
// none. It is cheap where there is one, and must have been called before anything
// reads or writes by Source: the collection alone has the address and the
// credentials, so that no other text has them.
func EnsureCollection(ctx context.Context, conn driver.Conn, p Place) error {
	err := conn.Exec(ctx, "CREATE NAMED COLLECTION IF NOT EXISTS "+p.Collection()+
		" AS url = ? NOT OVERRIDABLE, access_key_id = ? NOT OVERRIDABLE, secret_access_key = ? NOT OVERRIDABLE", p.URL(), p.AccessKey, p.SecretKey)
	switch {
	case err == nil:
		return nil
	case clickhouse.Code(err) == codeAccessDenied:
		return fmt.Errorf("make the named collection of the archive in ClickHouse: its user may not; GRANT CREATE NAMED COLLECTION, NAMED COLLECTION ON *, READ, WRITE ON S3 and CREATE TEMPORARY TABLE ON *.* (error code %d)", codeAccessDenied)
	}
	return fmt.Errorf("make the named collection of the archive in ClickHouse: %w", err)
}

// Source returns what a statement reads FROM, or inserts INTO FUNCTION, for
// objects of a place: a name within it, or several as {a,b}. The names of this
// package have nothing in them that a text in quotes would need to escape.
//
// It does not ask for encryption at rest: with a collection ClickHouse drops
// headers(…) silently. The bucket encrypts by its default, and who writes checks it.
func (p Place) Source(names ...string) string {
	name := names[0]
	if len(names) > 1 {
		name = "{" + strings.Join(names, ",") + "}"
	}
	return "s3(" + p.Collection() + ", filename = '" + name + "', format = 'Parquet', structure = '" + structure + "')"
}

func quoted(text string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(text) }

// Settings go with every statement that reads or writes by Source: names are not
// looked into for columns, a bucket is part of a path, and a storage that is away
// is told of after seconds, not after hundreds of attempts.
func Settings() map[string]any {
	return map[string]any{
		"use_hive_partitioning": 0, "s3_uri_style": "path", "s3_retry_attempts": 3, "s3_throw_on_zero_files_match": 1,
		"s3_request_timeout_ms": 30000, "s3_truncate_on_insert": 0, "s3_create_new_file_on_insert": 0,
	}
}

// Column is a column of the files.
type Column struct {
	Name string
	Type string // as ClickHouse names it
}

// Columns are those of the files, in order: the columns of events that ingest
// writes, of types that Parquet has. They are SchemaVersion's.
var Columns = []Column{
	{"tenant_id", "String"}, {"created_at", "DateTime64(6, 'UTC')"}, {"event_id", "String"}, {"event_type", "String"}, {"category", "String"},
	{"source", "String"}, {"severity", "String"}, {"actor_type", "String"}, {"actor_id", "String"}, {"actor_name", "String"},
	{"actor_email", "String"}, {"target_type", "String"}, {"target_id", "String"}, {"correlation_id", "String"}, {"ip_address", "String"},
	{"user_agent", "String"}, {"payload", "String"}, {"payload_text", "String"}, {"extra", "String"}, {"ingested_at", "DateTime64(3, 'UTC')"},
	{"kafka_topic", "String"}, {"kafka_partition", "Int32"}, {"kafka_offset", "Int64"},
}

// structure is Columns as s3() takes them within quotes.
var structure = func() string {
	parts := make([]string, len(Columns))
	for i, c := range Columns {
		parts[i] = c.Name + " " + quoted(c.Type)
	}
	return strings.Join(parts, ", ")
}()

// Structure returns Columns as a text in quotes has them.
func Structure() string { return structure }
