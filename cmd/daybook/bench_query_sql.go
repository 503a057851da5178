package main

import (
	"context"
	"strings"
	"sync"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/schema"
)

// recorder passes statements on and notes those that read, so that they can be
// sent once more without the server around them.
type recorder struct {
	driver.Conn

	mu   sync.Mutex // guards said
	said []said
}

// said is a statement as the node sent it. Its context carries the settings.
type said struct {
	settings context.Context //nolint:containedctx // The driver keeps a statement's settings there.
	text     string
	args     []any
}

// Query implements driver.Conn.
func (r *recorder) Query(ctx context.Context, text string, args ...any) (driver.Rows, error) {
	if !strings.Contains(text, schema.APIKeys) { // The node reads its keys now and then.
		r.mu.Lock()
		r.said = append(r.said, said{context.WithoutCancel(ctx), text, args})
		r.mu.Unlock()
	}
	return r.Conn.Query(ctx, text, args...)
}

// take returns what was said since the last time.
func (r *recorder) take() []said {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.said
	r.said = nil
	return taken
}

// again sends the statements once more, one after the other, and drops their
// rows. It returns how many rows the server has read.
func (r *recorder) again(statements []said) (rowsRead uint64, err error) {
	for _, s := range statements {
		counted := chgo.Context(s.settings, chgo.WithProgress(func(p *chgo.Progress) { rowsRead += p.Rows }))
		rows, err := r.Conn.Query(counted, s.text, s.args...)
		if err != nil {
			return rowsRead, err
		}
		for rows.Next() { // Dropped.
		}
		if err := rows.Close(); err != nil {
			return rowsRead, err
		}
		if err := rows.Err(); err != nil {
			return rowsRead, err
		}
	}
	return rowsRead, nil
}
