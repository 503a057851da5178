package ingest

import (
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2/lib/column"

	"daybook/pkg/event"
	"daybook/schema"
)

// eventColumns are what appendTo fills, in its order.
var eventColumns = append(slices.Clone(schema.EventColumns), schema.Numbers)

// numbers appends the column of the numbers in the payloads. One row serves for all of
// them: the driver copies what it is given.
func (c *columns) numbers(rows []event.Event) {
	if c.err != nil {
		return
	}
	into := c.batch.Column(c.next)
	c.next++
	row := numbersRow{names: make(boxed, 64)}
	for i := range rows {
		row.found = event.AppendNumbers(row.found[:0], rows[i].Payload)
		if err := into.AppendRow(&row); err != nil {
			c.err = fmt.Errorf("column %d: %w", c.next-1, err)
			return
		}
	}
}

// numbersRow is a Map of ClickHouse as the driver takes it, without a map: names may
// come twice, and nothing is allocated for a name that is known.
type numbersRow struct {
	found []event.Number
	at    int // behind the current one
	names boxed
}

// Put implements column.IterableOrderedMap. It is called of rows that are read.
func (*numbersRow) Put(any, any) { panic("numbersRow is written only") }

// Iterator implements column.IterableOrderedMap.
func (r *numbersRow) Iterator() column.MapIterator {
	r.at = 0
	return r
}

// Next implements column.MapIterator.
func (r *numbersRow) Next() bool {
	r.at++
	return r.at <= len(r.found)
}

// Key implements column.MapIterator.
func (r *numbersRow) Key() any { return r.names.of(alias(r.found[r.at-1].Name)) }

// Value implements column.MapIterator. The driver follows the pointer at once.
func (r *numbersRow) Value() any { return &r.found[r.at-1].Value }
