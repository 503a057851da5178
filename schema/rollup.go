package schema

import (
	"context"
	"fmt"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Rollup is a table of counts by the fixed dimensions and a bucket of time.
type Rollup struct {
	Table  string
	Bucket time.Duration
}

// Rollups are the rollups that views on events keep.
var Rollups = []Rollup{{Events1m, time.Minute}, {Events15m, 15 * time.Minute}}

// rollupKey are the columns that rollups and events share.
const rollupKey = "tenant_id, bucket, event_type, category, source, severity, kafka_partition"

// RepairRollup makes the counts of one Kafka partition agree with the events
// from the bucket of from to that of to, by adding the differences. It
// returns how many counts it corrected. Nothing may be inserted for the
// partition meanwhile. Copies of one event count once. It is one statement, so that
// a query id in ctx names it whole; ctx should let it finish: after an unknown
// outcome, wait until it is over, and call again.
func RepairRollup(ctx context.Context, conn driver.Conn, r Rollup, partition int32, from, to time.Time) (uint64, error) {
	first, last := from.Truncate(r.Bucket), to.Truncate(r.Bucket).Add(r.Bucket)
	// created_at is compared with DateTime64: against a DateTime, the server
	// (26.7) drops what lies in the last second before an upper bound.
	difference := fmt.Sprintf(`
SELECT %[1]s, toInt64(sum(n)) AS events FROM
(
    SELECT tenant_id, toStartOfInterval(created_at, INTERVAL %[2]d SECOND, 'UTC') AS bucket,
           event_type, category, source, severity, kafka_partition, toInt64(1) AS n
    FROM %[3]s FINAL
    WHERE kafka_partition = %[4]d AND created_at >= fromUnixTimestamp64Micro(%[8]d) AND created_at < fromUnixTimestamp64Micro(%[9]d)
    UNION ALL
    SELECT %[1]s, -events AS n
    FROM %[7]s
    WHERE kafka_partition = %[4]d AND bucket >= fromUnixTimestamp(%[5]d) AND bucket < fromUnixTimestamp(%[6]d)
)
GROUP BY %[1]s
HAVING events != 0`, rollupKey, int(r.Bucket.Seconds()), Events, partition, first.Unix(), last.Unix(), r.Table, first.UnixMicro(), last.UnixMicro())

	var corrected uint64
	// It carries no token: the difference is simply taken again.
	ctx = chgo.Context(ctx, chgo.WithSettings(chgo.Settings{"async_insert": 0, "insert_deduplicate": 0}),
		chgo.WithProgress(func(p *chgo.Progress) { corrected += p.WroteRows }))
	err := conn.Exec(ctx, "INSERT INTO "+r.Table+" ("+rollupKey+", events) "+difference)
	return corrected, err
}
