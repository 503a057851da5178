package statement

import (
	"context"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/clickhouse"
	"daybook/query/filter"
)

// Each runs a statement that may last, and calls row for each of its rows as
// it arrives. Neither its time nor its rows are limited, but its memory is: rows come
// in blocks of at most blockRows, and a block stands in memory whole, there and here. When the server is lost and comes back, build is called again for the statement of
// what is missing: row may have been called for some of it already. An error of row
// ends it, and is returned as it is; other errors are problems, as Collect's.
func Each(ctx context.Context, r *Reader, blockRows int, build func() *filter.Builder, row func(driver.Rows) error) error {
	var stopped error
	b := build()
	if _, _, fault := b.Archive(); fault != nil {
		return fault
	}
	err := clickhouse.ReadRetry(ctx, func() error {
		// Closing rows reads them to their end, unless the query is cancelled.
		running, cancel := context.WithCancel(ctx)
		defer cancel()
		b = build()
		text, args := b.Statement()
		settings := r.settings(b, 0)
		settings["max_rows_to_read"] = 0
		settings["max_block_size"] = blockRows
		rows, err := r.conn.Query(chgo.Context(running, chgo.WithSettings(settings)), text, args...)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // Err has told everything.
		for rows.Next() {
			if stopped = row(rows); stopped != nil {
				cancel()
				return nil
			}
		}
		return rows.Err()
	})
	if stopped != nil || err == nil {
		return stopped
	}
	return r.problem(ctx, b, err)
}
