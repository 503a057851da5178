package purge

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/tenant"
	"daybook/schema"
)

// margin is how old a row must be in the store before it is purged: ingest may
// still compare the block that it came with with the table. A row that goes
// under ingest's eyes would be inserted once more, and purged once more.
const margin = time.Hour

// table is one of the tables that are purged by plan.
type table struct {
	name   string
	time   string // the column that the retention is about
	stored string // the column that margin is about; empty: none
	light  bool   // rows are masked first; else parts are rewritten
}

var (
	events      = table{name: schema.Events, time: "created_at", stored: "ingested_at", light: true}
	deadLetters = table{name: schema.DeadLetters, time: "message_time", light: true}
)

// tally is what a tenant has in a table that has expired.
type tally struct {
	found    uint64 // rows
	free     uint64 // of these, what may be purged
	archived uint64 // of these, what the archive has
	held     bool   // some are under a hold
	waiting  bool   // some wait for the archive
}

// survey is what has expired in a table.
type survey struct {
	tenants map[tenant.ID]*tally
	days    []string // the tenants' days that may be purged: dayKey
}

// dayKey names a tenant's day, in SQL and in Go.
const dayKey = "concat(toString(toDate(%s)), ' ', tenant_id)"

// reach writes the condition for the rows that have expired: older than the
// cuts, and in the store for long enough at the time of the plan.
func (t table) reach(c *condition, cuts []cut, planned time.Time) {
	c.expired(t.time, cuts)
	if t.stored != "" {
		c.write(" AND ", t.stored, " < ")
		c.time(planned.Add(-margin))
	}
}

// hold returns what is held in a table: the condition and its values; empty for nothing.
// A filter is about events, so it holds all dead letters of its tenant.
func (t table) hold(h Held) (string, []any) {
	if t.name == schema.Events {
		return h.SQL, h.Args
	}
	if len(h.Tenants) == 0 {
		return "", nil
	}
	names := make([]string, len(h.Tenants))
	for i, id := range h.Tenants {
		names[i] = string(id)
	}
	return "tenant_id IN {held:Array(String)}", []any{clickhouse.Named("held", names)}
}

// look surveys what has expired before the cuts.
func (p *Purger) look(ctx context.Context, t table, cuts []cut, planned time.Time, held Held) (*survey, error) {
	var c condition
	hold, holdArgs := t.hold(held)
	free := "count()"
	if hold != "" {
		free = "countIf(NOT (" + hold + "))"
	}
	day := fmt.Sprintf(dayKey, t.time)
	c.write("SELECT e.tenant_id, e.day_key, e.found, e.free, ")
	archive := t.name == schema.Events && p.archive.Enabled
	if archive {
		// A day is archived where the archive has as many events as the table. It has
		// more once a part of the day is purged; then whoever came since the day was verified is not in it.
		c.write("toBool(a.verified > 0 AND (a.rows = e.events OR a.rows > e.events AND toUnixTimestamp64Milli(e.latest) < a.verified))")
	} else {
		c.write("false")
	}
	c.write(" FROM (SELECT tenant_id, ", day, " AS day_key, count() AS found, ", free, " AS free")
	if archive {
		c.write(", uniqExact(created_at, event_id, source) AS events, max(ingested_at) AS latest")
	}
	c.write(" FROM ", t.name, " WHERE ")
	t.reach(&c, cuts, planned)
	c.write(" GROUP BY tenant_id, day_key) AS e")
	if archive {
		c.write(" LEFT JOIN (SELECT concat(toString(day), ' ', tenant_id) AS day_key, rows, toUnixTimestamp64Milli(verified_at) AS verified FROM ",
			schema.ArchiveDays, " FINAL) AS a ON a.day_key = e.day_key")
	}
	rows, err := p.conn.Query(ctx, c.text.String(), append(c.args, holdArgs...)...)
	if err != nil {
		return nil, fmt.Errorf("look for what has expired in %s: %w", t.name, err)
	}
	defer func() { _ = rows.Close() }()
	s := &survey{tenants: map[tenant.ID]*tally{}}
	for rows.Next() {
		var id, key string
		var found, free uint64
		var archived bool
		if err := rows.Scan(&id, &key, &found, &free, &archived); err != nil {
			return nil, fmt.Errorf("look for what has expired in %s: %w", t.name, err)
		}
		of := s.tenants[tenant.ID(id)]
		if of == nil {
			of = &tally{}
			s.tenants[tenant.ID(id)] = of
		}
		of.found += found
		of.held = of.held || free < found
		switch {
		case archived:
			of.archived += free
		case p.archive.Required && t.name == schema.Events && free > 0:
			of.waiting = true
			continue
		}
		of.free += free
		if free > 0 {
			s.days = append(s.days, key)
		}
	}
	return s, rows.Err()
}

// left counts the rows of each tenant that have expired and are still there.
func (p *Purger) left(ctx context.Context, t table, cuts []cut, planned time.Time) (map[tenant.ID]uint64, error) {
	var c condition
	c.write("SELECT tenant_id, count() FROM ", t.name, " WHERE ")
	t.reach(&c, cuts, planned)
	c.write(" GROUP BY tenant_id")
	rows, err := p.conn.Query(ctx, c.text.String(), c.args...)
	if err != nil {
		return nil, fmt.Errorf("count what a purge has left in %s: %w", t.name, err)
	}
	defer func() { _ = rows.Close() }()
	left := map[tenant.ID]uint64{}
	for rows.Next() {
		var id string
		var n uint64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("count what a purge has left in %s: %w", t.name, err)
		}
		left[tenant.ID(id)] = n
	}
	return left, rows.Err()
}
