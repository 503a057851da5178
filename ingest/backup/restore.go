package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/clickhouse"
	"daybook/pkg/kafka"
	"daybook/schema"
)

// Restored is what a restore has done.
type Restored struct {
	Backup
	Events uint64 `json:"events"` // rows of the table
	Behind int64  `json:"behind"` // messages that ingest reads from Kafka again
	Lost   []Lost `json:"lost"`   // what Kafka no longer has, and the backup hasn't
}

// Lost is a range of offsets that a restored store can't have.
type Lost struct {
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`     // first offset that ingest would read
	To        int64  `json:"to"`       // first offset that Kafka has
	Messages  int64  `json:"messages"` // at most so many
	Why       string `json:"why"`
}

// Restore makes the store what it was when a backup was taken, and sets the
// group's offsets back to those of then, so that nodes, when they are started,
// read the rest from Kafka. No node may run meanwhile. What the database has is
// only replaced on request, or where it is what a cut restore has left.
//
// While it runs the database schema.RestoreMark is there, and serve refuses to
// start. A restore that was cut is run again.
func (d Deps) Restore(ctx context.Context, name string, replace bool) (r Restored, err error) {
	if err := errors.Join(CheckName(name), d.oneServer()); err != nil {
		return r, err
	}
	if err := nobody(ctx, d.Kafka); err != nil {
		return r, err
	}
	if err := kafka.EnsureTopics(ctx, d.Kafka); err != nil {
		return r, err
	}
	system := d.ClickHouse
	system.Database = "system"
	conn, err := clickhouse.Open(ctx, system, clickhouse.WithMaxOpenConns(2),
		clickhouse.WithSettings(map[string]any{"max_table_size_to_drop": 0, "max_partition_size_to_drop": 0})) // It was asked for.
	if err != nil {
		return r, err
	}
	defer func() { _ = conn.Close() }()
	if err := d.replaceable(ctx, conn, replace); err != nil {
		return r, err
	}
	if err := d.fetch(ctx, conn, name); err != nil {
		return r, err
	}
	if d.Place.staged() {
		defer d.Place.discard(name)
	}
	if r.Backup, err = d.inspect(ctx, conn, name); err != nil {
		return r, err
	}
	r.Lost = []Lost{}
	if r.Topic != d.Kafka.Topic {
		return r, fmt.Errorf("backup %s is of the topic %s and kafka.topic is %s: its offsets mean nothing there", name, r.Topic, d.Kafka.Topic)
	}
	if err := d.rewrite(ctx, conn, name); err != nil {
		return r, fmt.Errorf("restore %s: %w; the store is half restored: run the command again", name, d.Place.explain(err, name))
	}
	if err := d.rewind(ctx, conn, &r); err != nil {
		return r, fmt.Errorf("restore %s: the tables are restored, the offsets are not: %w; then run the command again", name, err)
	}
	d.at("rewound")
	// Its own row is from before it was whole.
	if err := note(ctx, conn, d.ClickHouse.Database+"."+schema.Backups, d.Place, r.Backup, Whole, ""); err != nil {
		return r, err
	}
	return r, conn.Exec(ctx, "DROP DATABASE IF EXISTS "+schema.RestoreMark(d.ClickHouse.Database)+" SYNC")
}

// replaceable fails where the database has rows that nobody has given up.
func (d Deps) replaceable(ctx context.Context, conn driver.Conn, replace bool) error {
	var half uint64
	if err := conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = ?", schema.RestoreMark(d.ClickHouse.Database)).Scan(&half); err != nil {
		return fmt.Errorf("look what the database has: %w", err)
	}
	if half > 0 || replace {
		return nil
	}
	var tables []string
	err := conn.QueryRow(ctx, `SELECT groupArray(concat(name, ' ', toString(rows))) FROM
		(SELECT name, sum(total_rows) AS rows FROM system.tables WHERE database = ? AND total_rows > 0 AND name != 'goose_db_version' GROUP BY name ORDER BY rows DESC, name)`,
		d.ClickHouse.Database).Scan(&tables)
	if err != nil {
		return fmt.Errorf("look what the database has: %w", err)
	}
	if len(tables) > 0 {
		return fmt.Errorf("the database %s is not empty (rows: %s): back it up if it is needed, and use --replace to drop it for the backup", d.ClickHouse.Database, strings.Join(tables, ", "))
	}
	return nil
}

// fetch brings a backup from storage to where the embedded ClickHouse reads it.
func (d Deps) fetch(ctx context.Context, conn driver.Conn, name string) error {
	if !d.Place.staged() {
		return d.Place.prepare(ctx, conn)
	}
	bucket, err := d.Place.bucket()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(d.Place.stagingFolder(name)); err != nil {
		return err
	}
	n, err := bucket.download(ctx, objects+name, d.Place.stagingFolder(name), func(done, total uint64) { d.progress("copying from the bucket", done, total) })
	if err == nil && n == 0 {
		return d.absent(ctx, name)
	}
	return err
}

// absent says that the place has no whole backup of the name.
func (d Deps) absent(ctx context.Context, name string) error {
	if taken, err := d.Place.taken(ctx, name); err == nil && taken {
		return fmt.Errorf("the backup %s in %s is not whole: it was cut, or is being taken", name, d.Place)
	}
	return fmt.Errorf("%s has no whole backup %s (daybook backup list)", d.Place, name)
}

// inspect reads what a backup says of itself, without touching the store.
func (d Deps) inspect(ctx context.Context, conn driver.Conn, name string) (b Backup, err error) {
	scratch := d.ClickHouse.Database + "__backup"
	drop := "DROP DATABASE IF EXISTS " + scratch + " SYNC"
	if err := errors.Join(conn.Exec(ctx, drop), conn.Exec(ctx, "CREATE DATABASE "+scratch)); err != nil {
		return b, fmt.Errorf("look into the backup: %w", err)
	}
	defer func() { err = errors.Join(err, conn.Exec(context.WithoutCancel(ctx), drop)) }()
	versions := "goose_db_version"
	err = conn.Exec(ctx, fmt.Sprintf("RESTORE TABLE %[1]s.%[2]s AS %[3]s.%[2]s, TABLE %[1]s.%[4]s AS %[3]s.%[4]s FROM %[5]s",
		stored, schema.Backups, scratch, versions, d.Place.at(name, partStore)))
	if code(err) == codeNotFound {
		return b, d.absent(ctx, name)
	}
	if err != nil {
		return b, fmt.Errorf("look into the backup %s: %w", name, d.Place.explain(err, name))
	}
	var version int64
	if err := conn.QueryRow(ctx, "SELECT max(version_id) FROM "+scratch+"."+versions).Scan(&version); err != nil {
		return b, fmt.Errorf("look into the backup: %w", err)
	}
	if version > schema.Newest() {
		return b, fmt.Errorf("the backup %s is of a newer Daybook: it has migration %d, and this program none after %d", name, version, schema.Newest())
	}
	own, err := read(ctx, conn, scratch+"."+schema.Backups, "name = ? ORDER BY at DESC LIMIT 1", name)
	if err == nil && len(own) == 0 {
		err = errors.New("it has no row of itself: it is not of daybook backup create")
	}
	if err != nil {
		return b, fmt.Errorf("look into the backup %s: %w", name, err)
	}
	own[0].State = Whole
	return own[0], nil
}

// rewrite drops the database and restores it.
func (d Deps) rewrite(ctx context.Context, conn driver.Conn, name string) error {
	database, mark := d.ClickHouse.Database, schema.RestoreMark(d.ClickHouse.Database)
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+mark+" COMMENT '"+name+"'"); err != nil {
		return err
	}
	// A cut restore may have been of another backup. Older servers can't change a comment.
	if err := conn.Exec(ctx, "ALTER DATABASE "+mark+" MODIFY COMMENT '"+name+"'"); err != nil && ctx.Err() != nil {
		return err
	}
	for _, statement := range []string{
		"DROP DATABASE IF EXISTS " + database + " SYNC",
		"CREATE DATABASE " + database,
	} {
		if err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	tables := make([]string, len(counted))
	for i, table := range counted {
		tables[i] = fmt.Sprintf("TABLE %s.%s AS %s.%s", stored, table, database, table)
	}
	for _, part := range []struct{ name, step, what string }{
		{partCounts, "counts and dead letters", strings.Join(tables, ", ")},
		{partStore, "events", fmt.Sprintf("DATABASE %s AS %s", stored, database)},
	} {
		if _, err := d.run(ctx, conn, "restoring "+part.step, "RESTORE "+part.what+" FROM "+d.Place.at(name, part.name), ", allow_different_database_def = 1"); err != nil {
			return err
		}
		d.at("restored " + part.name)
	}
	return nil
}

// rewind sets the offsets back, and finds out what Kafka no longer has.
func (d Deps) rewind(ctx context.Context, conn driver.Conn, r *Restored) error {
	events := d.ClickHouse.Database + "." + schema.Events
	if err := conn.QueryRow(ctx, "SELECT count() FROM "+events).Scan(&r.Events); err != nil {
		return err
	}
	logs, err := logBounds(ctx, d.Kafka)
	if err != nil {
		return err
	}
	now, err := committed(ctx, d.Kafka)
	if err != nil {
		return err
	}
	set, err := d.offsets(ctx, conn, r, logs, now)
	if err != nil {
		return err
	}
	return setCommitted(ctx, d.Kafka, set)
}

// offsets returns what to commit for each partition that the topic has.
func (d Deps) offsets(ctx context.Context, conn driver.Conn, r *Restored, logs map[int32]bounds, now []Offset) (set []Offset, err error) {
	lost := func(partition int32, from, to, messages int64, why string) {
		r.Lost = append(r.Lost, Lost{partition, from, to, messages, why})
	}
	for _, o := range r.Offsets {
		if _, ok := logs[o.Partition]; !ok {
			lost(o.Partition, max(o.Offset, 0), max(o.Offset, 0), 0, "the topic no longer has the partition")
		}
	}
	for _, current := range now {
		log := logs[current.Partition]
		at := slices.IndexFunc(r.Offsets, func(o Offset) bool { return o.Partition == current.Partition })
		if at < 0 || r.Offsets[at].Offset < 0 {
			// Nothing of it was acknowledged: all of the log is read, and compared with the table.
			r.Behind += log.end - log.first
			if log.first > 0 {
				lost(current.Partition, 0, log.first, log.first, "the log begins later, and the backup is from before anything of the partition was stored")
			}
			if current.Offset >= 0 {
				set = append(set, Offset{Partition: current.Partition, Offset: log.first})
			}
			continue
		}
		o := r.Offsets[at]
		set = append(set, o)
		switch {
		case log.end < o.Offset:
			lost(o.Partition, o.Offset, log.first, 0, fmt.Sprintf("the log ends at %d already: the topic was made anew, or its end was cut off; ingest begins at its beginning", log.end))
			r.Behind += log.end - log.first
		case log.first > o.Offset:
			n, err := d.inStore(ctx, conn, o.Partition, o.Offset, log.first)
			if err != nil {
				return nil, err
			}
			if missing := log.first - o.Offset - n; missing > 0 {
				lost(o.Partition, o.Offset, log.first, missing, "Kafka's retention took them")
			}
			r.Behind += log.end - log.first
		default:
			r.Behind += log.end - o.Offset
		}
	}
	return set, nil
}

// inStore returns how many offsets of [from, to) are events or dead letters.
func (d Deps) inStore(ctx context.Context, conn driver.Conn, partition int32, from, to int64) (int64, error) {
	var n uint64
	err := conn.QueryRow(ctx, `SELECT uniqExact(o) FROM
		(
			SELECT kafka_offset AS o FROM `+d.ClickHouse.Database+`.`+schema.Events+` WHERE kafka_topic = ? AND kafka_partition = ? AND kafka_offset >= ? AND kafka_offset < ?
			UNION ALL
			SELECT offset AS o FROM `+d.ClickHouse.Database+`.`+schema.DeadLetters+` WHERE topic = ? AND partition = ? AND offset >= ? AND offset < ?
		)`, d.Kafka.Topic, partition, from, to, d.Kafka.Topic, partition, from, to).Scan(&n)
	return int64(n), err
}
