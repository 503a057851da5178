package schema

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"

	"daybook/pkg/clickhouse"
)

//go:embed *.sql
var migrations embed.FS

// Migration is one numbered step of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// Up creates the database where it is missing, applies every migration that
// has not been, and takes the TTL from the tables that Daybook purges itself.
// Against a cluster it does so on every host. It is idempotent: what was cut
// off goes on at the next call.
func Up(ctx context.Context, c clickhouse.Config) error {
	hosts, err := hosts(ctx, c)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		if err := upHost(ctx, host); err != nil {
			return fmt.Errorf("migrate %s: %w", strings.Join(host.Addrs, ","), withLacking(ctx, host, err))
		}
	}
	return nil
}

// hosts returns one configuration per host that needs the schema: those of
// the cluster that the settings name, or else those of clickhouse.addrs.
// ON CLUSTER is not used, since the embedded engine and many managed ones
// refuse it.
func hosts(ctx context.Context, c clickhouse.Config) ([]clickhouse.Config, error) {
	addrs := c.Addrs
	if c.Cluster != "" {
		system := c
		system.Database = "system"
		conn, err := clickhouse.Open(ctx, system)
		if err != nil {
			return nil, err
		}
		defer func() { _ = conn.Close() }()
		rows, err := conn.Query(ctx, "SELECT host_name, port FROM clusters WHERE cluster = ? ORDER BY shard_num, replica_num", c.Cluster)
		if err != nil {
			return nil, fmt.Errorf("list the hosts of cluster %s: %w", c.Cluster, err)
		}
		defer func() { _ = rows.Close() }()
		addrs = nil
		for rows.Next() {
			var host string
			var port uint16
			if err := rows.Scan(&host, &port); err != nil {
				return nil, err
			}
			addrs = append(addrs, net.JoinHostPort(host, strconv.Itoa(int(port))))
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
		if len(addrs) == 0 {
			return nil, fmt.Errorf("clickhouse.cluster: the server knows no cluster %q (see system.clusters)", c.Cluster)
		}
	}
	out := make([]clickhouse.Config, len(addrs))
	for i, addr := range addrs {
		out[i] = c
		out[i].Addrs = []string{addr}
	}
	return out, nil
}

func upHost(ctx context.Context, c clickhouse.Config) error {
	if err := whole(ctx, c); err != nil {
		return err
	}
	if err := clickhouse.CreateDatabase(ctx, c); err != nil {
		return err
	}
	db, provider, err := open(c)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	return dropTTL(ctx, db)
}

// Status returns every migration with whether the first host has it.
func Status(ctx context.Context, c clickhouse.Config) ([]Migration, error) {
	db, provider, err := open(c)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	states, err := provider.Status(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Migration, 0, len(states))
	for _, s := range states {
		out = append(out, Migration{Version: s.Source.Version, Name: s.Source.Path, Applied: s.State == goose.StateApplied})
	}
	return out, nil
}

// Check reports an error where the database is missing or older than this
// program, or where the settings' addresses lead to different ones; the error says
// what to do.
func Check(ctx context.Context, c clickhouse.Config) error {
	if err := whole(ctx, c); err != nil {
		return err
	}
	states, err := Status(ctx, c)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w (a new database is set up by: daybook migrate up)", err)
	}
	for _, m := range states {
		if !m.Applied {
			return fmt.Errorf("the database lacks migration %s: run daybook migrate up", m.Name)
		}
	}
	return oneStore(ctx, c)
}

func open(c clickhouse.Config) (*sql.DB, *goose.Provider, error) {
	db, err := clickhouse.OpenDB(c)
	if err != nil {
		return nil, nil, err
	}
	provider, err := goose.NewProvider(goose.DialectClickHouse, db, migrations)
	if err != nil {
		_ = db.Close()
		return nil, nil, fmt.Errorf("read the migrations: %w", err)
	}
	return db, provider, nil
}

// purged are the tables that ingest/purge deletes from. ClickHouse's own TTL,
// which older programs have set, knows no tenant and no hold.
var purged = []string{Events, Events1m, Events15m, DeadLetters}

// ttlDays finds the days of a table's TTL in its definition.
var ttlDays = regexp.MustCompile(`TTL .*toIntervalDay\((\d+)\)`)

// dropTTL removes the TTL of the tables that have one. Where it has held events
// to a number of days, these stay in force until others are confirmed.
func dropTTL(ctx context.Context, db *sql.DB) error {
	for _, table := range purged {
		var definition string
		row := db.QueryRowContext(ctx, "SELECT engine_full FROM system.tables WHERE database = currentDatabase() AND name = ?", table)
		if err := row.Scan(&definition); err != nil {
			return fmt.Errorf("read the TTL of %s: %w", table, err)
		}
		days := ttlDays.FindStringSubmatch(definition)
		if days == nil {
			continue
		}
		if table == Events {
			_, err := db.ExecContext(ctx, fmt.Sprintf(`INSERT INTO %s (tenant_id, days, version) SELECT '', %s, 1
				WHERE (SELECT count() FROM %s) = 0 AND (SELECT count() FROM (SELECT 1 FROM %s LIMIT 1)) > 0`, Retention, days[1], Retention, Events))
			if err != nil {
				return fmt.Errorf("remember the retention of %s: %w", table, err)
			}
		}
		if _, err := db.ExecContext(ctx, "ALTER TABLE "+table+" REMOVE TTL"); err != nil {
			return fmt.Errorf("remove the TTL of %s: %w", table, err)
		}
	}
	return nil
}
