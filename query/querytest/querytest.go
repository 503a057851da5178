// Package querytest gives the tests of the query side a store: the real
// ClickHouse with the real schema, and rows as ingest writes them.
package querytest

import (
	"context"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
	"daybook/schema"
	"daybook/schema/schematest"
)

// Topic is the Kafka topic of every row.
const Topic = "events"

// Open returns connections to an empty store of the test's own.
func Open(t testing.TB) driver.Conn {
	t.Helper()
	return schematest.Open(t)
}

// Row is an event with its place in Kafka.
type Row struct {
	event.Event
	event.Position
}

// Rows gives events consecutive offsets of partition 0.
func Rows(events ...event.Event) []Row {
	rows := make([]Row, len(events))
	for i, e := range events {
		rows[i] = Row{e, event.Position{Offset: int64(i)}}
	}
	return rows
}

// Insert stores rows as one block.
func Insert(t testing.TB, conn driver.Conn, rows []Row) {
	t.Helper()
	batch, err := conn.PrepareBatch(context.WithoutCancel(t.Context()), schema.Insert(schema.Events, schema.EventColumns))
	require.NoError(t, err)
	defer func() { require.NoError(t, batch.Close()) }()
	for _, r := range rows {
		if r.Payload == nil {
			r.Payload = []byte("{}")
		}
		if r.Severity == 0 {
			r.Severity = event.Info
		}
		if r.IngestedAt.IsZero() {
			r.IngestedAt = r.CreatedAt
		}
		require.NoError(t, batch.Append(r.TenantID, r.CreatedAt, r.EventID, r.EventType, r.Category, r.Source, int8(r.Severity),
			r.ActorType, r.ActorID, r.ActorName, r.ActorEmail, r.TargetType, r.TargetID, r.CorrelationID, r.IPAddress, r.UserAgent,
			string(r.Payload), string(event.SearchText(nil, r.Payload)), string(r.Extra), r.IngestedAt, Topic, r.Partition, r.Offset))
	}
	require.NoError(t, batch.Send())
}
