package preset

import (
	"context"
	"fmt"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/statement"
	"daybook/schema"
)

// The changes to a tenant's presets are a log: change n+1 is made by whoever has
// read change n and found that the next one is allowed. What makes that safe is
// ClickHouse's deduplication of inserts. Change n+1 is inserted under a token that
// names tenant and number, and of several inserts with one token the server keeps the
// first and drops the others while it adds the part, so there is one winner, for
// good, wherever the losers run. Each then reads the log to see whether it was the
// winner (the row has its writer); a loser decides again on what it reads there.
//
//	A reads 4, finds the name free          B reads 4, finds the name free
//	A inserts 5 under "t:5:0": kept         B inserts 5 under "t:5:0": dropped
//	A reads 5, written by A: done           B reads 5, written by A: the name is taken
//
// A server that dies in the middle may keep a token without the row. Nobody
// can use that token any more, so the try goes on with the next: "t:5:1". The insert also
// asks the server for the log's end. That holds the number even for a client
// that slept until its token was forgotten (after 10,000 inserts).

// row is a state of a preset as the log has it.
type row struct {
	Preset
	seq     uint64
	writer  string // who has made this change: random, for each attempt to make one
	deleted bool
}

// state is what a tenant has: the newest row of each preset.
type state struct {
	seq  uint64 // of the newest change; 0: there was none
	rows map[string]row
}

const columns = "tenant_id, seq, writer, id, version, owner, name, filter, shared, deleted, created_at, updated_at"

// read returns the tenant's presets, the starting ones included.
func read(ctx context.Context, reader *statement.Reader, id tenant.ID) (*state, error) {
	var usage statement.Usage
	rows, err := statement.Collect(ctx, reader, &usage, readStatement(id), scan)
	if err != nil {
		return nil, err
	}
	s := &state{rows: make(map[string]row, len(rows)+len(Starting))}
	for _, p := range Starting {
		s.rows[p.ID] = row{Preset: p}
	}
	for _, r := range rows {
		s.rows[r.ID] = r
		s.seq = max(s.seq, r.seq)
	}
	return s, nil
}

func readStatement(id tenant.ID) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ", columns, " FROM ", schema.Presets, " WHERE tenant_id = ")
	b.Text(string(id))
	b.Write(" ORDER BY version DESC LIMIT 1 BY id")
	return &b
}

func scan(rows driver.Rows) (row, error) {
	var r row
	var owner, object string
	var created, updated time.Time
	err := rows.Scan(&owner, &r.seq, &r.writer, &r.ID, &r.Version, &r.Owner, &r.Name, &object, &r.Shared, &r.deleted, &created, &updated)
	r.Filter, r.UpdatedAt = []byte(object), updated.UTC()
	if created.Unix() > 0 {
		r.CreatedAt = created.UTC()
	}
	return r, err
}

// appendTimeout bounds an insert of one row.
const appendTimeout = 10 * time.Second

// add inserts a row behind the log's end as the caller has read it. That it
// returns no error doesn't mean that the row is in the log.
func add(ctx context.Context, conn driver.Conn, id tenant.ID, r row, try int) error {
	text, args := addStatement(id, r).Statement()
	// Not cancelled with the request: whether a preset was saved must not depend
	// on the caller's patience, and the embedded ClickHouse finishes what it began.
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	settings := chgo.Settings{
		"async_insert": 0, "max_insert_threads": 1, "insert_deduplicate": 1,
		"insert_deduplication_token": fmt.Sprintf("%s:%d:%d", id, r.seq, try),
	}
	return conn.Exec(chgo.Context(bounded, chgo.WithSettings(settings)), text, args...)
}

func addStatement(id tenant.ID, r row) *filter.Builder {
	var b filter.Builder
	b.Write("INSERT INTO ", schema.Presets, " (", columns, ") SELECT ")
	b.Text(string(id))
	b.Write(", ")
	b.Int(int64(r.seq))
	for _, text := range []string{r.writer, r.ID} {
		b.Write(", ")
		b.Text(text)
	}
	b.Write(", ")
	b.Int(int64(r.Version))
	for _, text := range []string{r.Owner, r.Name, string(r.Filter)} {
		b.Write(", ")
		b.Text(text)
	}
	for _, flag := range []bool{r.Shared, r.deleted} {
		b.Write(", ", map[bool]string{true: "true", false: "false"}[flag])
	}
	for _, at := range []time.Time{r.CreatedAt, r.UpdatedAt} {
		b.Write(", fromUnixTimestamp64Milli(")
		b.Int(max(at.UnixMilli(), 0)) // Without a beginning: 1970.
		b.Write(")")
	}
	b.Write(" WHERE (SELECT max(seq) FROM ", schema.Presets, " WHERE tenant_id = ")
	b.Text(string(id))
	b.Write(") = ")
	b.Int(int64(r.seq - 1))
	return &b
}
