// Package backup wraps ClickHouse's BACKUP and RESTORE so that a restored store
// catches up from Kafka to exactly once.
//
// A backup is two of ClickHouse's, taken one after the other, and the offsets of
// ingest's consumer group from before both:
//
//  1. the offsets that the group had committed, with its plans, as a row of the
//     table backups, which the second part has in it;
//  2. counts: rollups and dead letters;
//  3. store: events and everything else.
//
// Ingest goes on meanwhile. What is below the offsets is in all parts, since it
// was stored before. What is above them is read from Kafka again after a restore,
// and ingest verifies it against the table, as after any offset that was set back
// (ingest/recover.go): what is there isn't inserted again, and rollups are mended
// over the time of each block that may be there. Blocks above the table's end are
// not verified, so nothing else may have seen them: that is why events come last.
// A rollup that was taken after the events would have counts of blocks that are
// inserted, and counted, again.
package backup

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"daybook/pkg/clickhouse"
	"daybook/pkg/kafka"
	"daybook/schema"
)

// The parts of a backup, in the order in which they are taken.
const (
	partCounts = "counts"
	partStore  = "store"
)

// counted are the tables of the first part; the second has all others.
var counted = []string{schema.Events1m, schema.Events15m, schema.DeadLetters}

// stored is what databases are called within backups, whatever they are called
// in the settings.
const stored = "daybook"

// States of a Backup.
const (
	Whole    = "whole"
	NotWhole = "not whole" // cut, or being taken
)

// Backup is what is known of one backup.
type Backup struct {
	Name    string    `json:"name"`
	At      time.Time `json:"at"`             // when it was begun
	Base    string    `json:"base,omitempty"` // the backup that it needs, where it has only what is new since
	State   string    `json:"state"`
	Bytes   uint64    `json:"bytes"` // what it takes, without its base
	Topic   string    `json:"topic,omitempty"`
	Offsets []Offset  `json:"offsets,omitempty"`
}

// Offset is what ingest's group had committed for one partition.
type Offset struct {
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"` // everything below is in the backup; -1: nothing was committed
	Plan      string `json:"plan"`   // the commit's metadata
}

// Deps is what backups are made of and restored to.
type Deps struct {
	ClickHouse clickhouse.Config
	Kafka      kafka.Config
	Place      Place
	Now        func() time.Time

	// Progress is told the step and how many bytes of it are done; total is 0
	// where it isn't known yet. Nil: nobody is told.
	Progress func(step string, done, total uint64)

	reached func(step string) // tests interfere here
}

// A name stands in statements, paths and names of objects.
var validName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// Name returns the name of a backup that is begun now: 20261128T233000Z.
func Name(now time.Time) string { return now.UTC().Format("20060102T150405Z") }

// CheckName says what is wrong with the name of a backup.
func CheckName(name string) error {
	if validName.MatchString(name) {
		return nil
	}
	return fmt.Errorf("%q is no name of a backup: up to 100 letters, digits, dots, hyphens and underscores, the first a letter or digit", name)
}

func (d Deps) progress(step string, done, total uint64) {
	if d.Progress != nil {
		d.Progress(step, done, total)
	}
}

func (d Deps) at(step string) {
	if d.reached != nil {
		d.reached(step)
	}
}

// oneServer refuses settings that name several servers: a backup is of one.
func (d Deps) oneServer() error {
	switch {
	case d.ClickHouse.Cluster != "":
		return errors.New("clickhouse.cluster: backups of a cluster are ClickHouse's own (BACKUP … ON CLUSTER); this one is of a single server")
	case len(d.ClickHouse.Addrs) > 1:
		return fmt.Errorf("clickhouse.addrs names %d servers, and a backup is of one: where all of them show the same tables, name one in DAYBOOK_CLICKHOUSE_ADDRS for this command", len(d.ClickHouse.Addrs))
	}
	return nil
}
