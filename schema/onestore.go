package schema

import (
	"context"
	"fmt"

	"daybook/pkg/clickhouse"
)

// oneStore reports an error where the addresses of the settings lead to different
// tables: a node goes on with the next address when one is away, and what it stores
// there would be missing from the other. Replicas of a Replicated database have the
// same tables, and one server has under any of its names. What doesn't answer now
// is not looked at.
func oneStore(ctx context.Context, c clickhouse.Config) error {
	if len(c.Addrs) < 2 {
		return nil
	}
	var first, of string
	for _, addr := range c.Addrs {
		id, err := eventsID(ctx, c, addr)
		switch {
		case err != nil:
			continue
		case first == "":
			first, of = id, addr
		case id != first:
			return fmt.Errorf("clickhouse.addrs: %s and %s have each a table %s.%s of its own, so what is stored in one is missing from the other; name one server, or replicas of a Replicated database",
				of, addr, c.Database, Events)
		}
	}
	return nil
}

// eventsID is the UUID of the table of events at an address.
func eventsID(ctx context.Context, c clickhouse.Config, addr string) (id string, err error) {
	c.Addrs, c.MaxOpenConns = []string{addr}, 1
	conn, err := clickhouse.Open(ctx, c)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	err = conn.QueryRow(ctx, "SELECT toString(uuid) FROM system.tables WHERE database = currentDatabase() AND name = ?", Events).Scan(&id)
	return id, err
}
