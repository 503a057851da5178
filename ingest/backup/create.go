package backup

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/clickhouse"
	"daybook/schema"
)

// Create takes a backup beside running nodes. With a base it has only what is
// new since that one, and needs it. What failed has left nothing that List calls
// whole.
func (d Deps) Create(ctx context.Context, name, base string) (b Backup, err error) {
	if err := errors.Join(CheckName(name), d.oneServer()); err != nil {
		return b, err
	}
	if base != "" {
		if err := CheckName(base); err != nil {
			return b, err
		}
		if d.Place.staged() {
			return b, errors.New("--base: with the embedded ClickHouse, backups on S3 are whole; use a folder for increments")
		}
	}
	if err := schema.Check(ctx, d.ClickHouse); err != nil {
		return b, err
	}
	conn, err := clickhouse.Open(ctx, d.ClickHouse, clickhouse.WithMaxOpenConns(2))
	if err != nil {
		return b, err
	}
	defer func() { _ = conn.Close() }()
	switch taken, err := d.Place.taken(ctx, name); {
	case err != nil:
		return b, err
	case taken:
		return b, fmt.Errorf("%s has a backup %s already, whole or not: choose another name", d.Place, name)
	}
	if base != "" {
		// Without its base it would fail at the first file, or worse, when it is needed.
		if err := d.checkBase(ctx, conn, base); err != nil {
			return b, err
		}
	}
	if err := d.Place.prepare(ctx, conn); err != nil {
		return b, err
	}
	if d.Place.staged() {
		d.Place.discard(name) // What a killed process has left on its way.
	}

	// From here on the order matters: see the package comment.
	b = Backup{Name: name, At: d.Now().UTC().Truncate(time.Millisecond), Base: base, State: NotWhole, Topic: d.Kafka.Topic}
	if b.Offsets, err = committed(ctx, d.Kafka); err != nil {
		return b, err
	}
	if err := note(ctx, conn, schema.Backups, d.Place, b, "begun", ""); err != nil {
		return b, err
	}
	d.at("offsets")
	if err := d.take(ctx, conn, &b); err != nil {
		err = d.Place.explain(err, name)
		if code(err) != codeExists {
			d.Place.discard(name)
		}
		ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // Also of what was stopped.
		defer cancel()
		return b, errors.Join(fmt.Errorf("backup %s: %w", name, err), note(ended, conn, schema.Backups, d.Place, b, "failed", err.Error()))
	}
	return b, note(ctx, conn, schema.Backups, d.Place, b, "whole", "")
}

// take takes both parts and seals them.
func (d Deps) take(ctx context.Context, conn driver.Conn, b *Backup) error {
	database := d.ClickHouse.Database
	tables := make([]string, len(counted))
	for i, table := range counted {
		tables[i] = fmt.Sprintf("TABLE %s.%s AS %s.%s", database, table, stored, table)
	}
	for _, part := range []struct{ name, step, what string }{
		{partCounts, "counts and dead letters", strings.Join(tables, ", ")},
		{partStore, "events", fmt.Sprintf("DATABASE %s AS %s EXCEPT TABLES %s", database, stored, strings.Join(counted, ", "))},
	} {
		settings := ""
		if b.Base != "" {
			settings = ", base_backup = " + d.Place.at(b.Base, part.name)
		}
		o, err := d.run(ctx, conn, "backing up "+part.step, "BACKUP "+part.what+" TO "+d.Place.at(b.Name, part.name), settings)
		if err != nil {
			return err
		}
		b.Bytes += o.written
		d.at(part.name)
	}
	if d.Place.staged() {
		bucket, err := d.Place.bucket()
		if err != nil {
			return err
		}
		err = bucket.upload(ctx, d.Place.stagingFolder(b.Name), objects+b.Name, func(done, total uint64) { d.progress("copying to the bucket", done, total) })
		if err != nil {
			return err
		}
		d.Place.discard(b.Name)
	}
	b.State = Whole
	return d.Place.seal(ctx, *b)
}

// checkBase fails where the place has no whole backup of that name.
func (d Deps) checkBase(ctx context.Context, conn driver.Conn, base string) error {
	all, err := d.Place.List(ctx, conn)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.Name == base && b.State == Whole {
			return nil
		}
	}
	return fmt.Errorf("--base: %s has no whole backup %s (daybook backup list)", d.Place, base)
}

// note writes how a backup stands into the table.
func note(ctx context.Context, conn driver.Conn, table string, p Place, b Backup, state, fault string) error {
	partitions, offsets, plans := make([]int32, len(b.Offsets)), make([]int64, len(b.Offsets)), make([]string, len(b.Offsets))
	for i, o := range b.Offsets {
		partitions[i], offsets[i], plans[i] = o.Partition, o.Offset, o.Plan
	}
	err := conn.Exec(ctx, `INSERT INTO `+table+` (place, name, at, base, topic, partitions, offsets, plans, state, bytes, fault, version)
		SELECT ?, ?, fromUnixTimestamp64Milli(?), ?, ?, ?, ?, ?, ?, ?, ?, toUnixTimestamp64Micro(now64(6))`,
		p.String(), b.Name, b.At.UnixMilli(), b.Base, b.Topic, partitions, offsets, plans, state, b.Bytes, fault)
	if err != nil {
		return fmt.Errorf("note the backup in the table %s: %w", table, err)
	}
	return nil
}

// known returns the backups of a place that the table knows.
func known(ctx context.Context, conn driver.Conn, p Place) ([]Backup, error) {
	return read(ctx, conn, schema.Backups, "place = ?", p.String())
}

func read(ctx context.Context, conn driver.Conn, table, condition string, args ...any) ([]Backup, error) {
	rows, err := conn.Query(ctx, `SELECT name, at, base, topic, partitions, offsets, plans, toString(state), bytes FROM `+table+` FINAL WHERE `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("read the table %s: %w", table, err)
	}
	defer func() { _ = rows.Close() }()
	var out []Backup
	for rows.Next() {
		var b Backup
		var partitions []int32
		var offsets []int64
		var plans []string
		if err := rows.Scan(&b.Name, &b.At, &b.Base, &b.Topic, &partitions, &offsets, &plans, &b.State, &b.Bytes); err != nil {
			return nil, err
		}
		for i, p := range partitions {
			b.Offsets = append(b.Offsets, Offset{p, offsets[i], plans[i]})
		}
		if b.State != Whole {
			b.State = NotWhole
		}
		out = append(out, b)
	}
	return out, rows.Err()
}
