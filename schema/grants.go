package schema

import (
	"context"
	"fmt"
	"strings"

	"daybook/pkg/clickhouse"
)

// grants are what Daybook's user of ClickHouse needs, as GRANT takes them. %s is the
// database.
var grants = []string{
	"CREATE DATABASE ON %s.*",
	"SHOW, SELECT, INSERT, ALTER, CREATE TABLE, CREATE VIEW, DROP TABLE, DROP VIEW, TRUNCATE, OPTIMIZE ON %s.*",
	"TABLE ENGINE ON MergeTree", "TABLE ENGINE ON ReplacingMergeTree", "TABLE ENGINE ON SummingMergeTree",
	"SELECT ON system.processes", "SELECT ON system.parts",
}

// Grants returns what the settings' user needs, as GRANT takes it; the archive and
// backups need more, and say so.
func Grants(c clickhouse.Config) []string {
	all := make([]string, len(grants))
	for i, g := range grants {
		all[i] = strings.ReplaceAll(g, "%s", c.Database)
	}
	return all
}

// Lacking returns those of Grants that the user has not, as far as the server can
// tell: older ones can't, and some give leave to use engines without a grant.
func Lacking(ctx context.Context, c clickhouse.Config) []string {
	needed := Grants(c)
	c.Database, c.MaxOpenConns = "", 1
	conn, err := clickhouse.Open(ctx, c)
	if err != nil {
		return nil
	}
	defer func() { _ = conn.Close() }()
	var lacking []string
	for _, g := range needed {
		var granted uint8
		if err := conn.QueryRow(ctx, "CHECK GRANT "+g).Scan(&granted); err != nil {
			return nil
		}
		if granted == 0 {
			lacking = append(lacking, g)
		}
	}
	return lacking
}

// withLacking adds to an error what the user of ClickHouse lacks.
func withLacking(ctx context.Context, c clickhouse.Config, err error) error {
	lacking := Lacking(ctx, c)
	if len(lacking) == 0 {
		return err
	}
	return fmt.Errorf("%w; ClickHouse's user lacks: GRANT %s", err, strings.Join(lacking, ", GRANT "))
}
