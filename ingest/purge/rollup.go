package purge

import (
	"context"
	"fmt"
	"strconv"
	"time"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"daybook/schema"
)

const rollupKey = "tenant_id, bucket, event_type, category, source, severity, kafka_partition"

// purgeRollups makes the counts of what has expired those of the events that
// are still there: days without any lose their counts; where a hold keeps some
// events of a day, the difference is added. An event that ingest stores meanwhile
// may be counted wrongly until the next purge; nobody sees these counts.
func (p *Purger) purgeRollups(ctx context.Context, cuts []cut) error {
	for _, r := range schema.Rollups {
		t := table{name: r.Table, time: "bucket"}
		err := p.erase(ctx, t, func(string) *condition {
			var c condition
			c.expired("bucket", cuts)
			c.write(" AND (tenant_id, toDate(bucket)) NOT IN (SELECT tenant_id, toDate(created_at) FROM ", schema.Events, " WHERE ")
			c.expired("created_at", cuts)
			c.write(" GROUP BY ALL)")
			return &c
		})
		if err != nil {
			return err
		}
		if err := p.mendRollup(ctx, r, cuts); err != nil {
			return err
		}
	}
	return nil
}

func (p *Purger) mendRollup(ctx context.Context, r schema.Rollup, cuts []cut) error {
	var c condition
	c.write("SELECT ", rollupKey, ", toInt64(sum(n)) AS events FROM (SELECT tenant_id, toStartOfInterval(created_at, INTERVAL ",
		strconv.Itoa(int(r.Bucket/time.Second)), " SECOND, 'UTC') AS bucket, event_type, category, source, severity, kafka_partition, toInt64(1) AS n FROM ",
		schema.Events, " FINAL WHERE ")
	c.expired("created_at", cuts)
	c.write(" UNION ALL SELECT ", rollupKey, ", -events AS n FROM ", r.Table, " WHERE ")
	c.expired("bucket", cuts)
	c.write(") GROUP BY ", rollupKey, " HAVING events != 0")
	var wrong uint64
	if err := p.conn.QueryRow(ctx, "SELECT count() FROM ("+c.text.String()+")", c.args...).Scan(&wrong); err != nil {
		return fmt.Errorf("compare %s with the events that are held: %w", r.Table, err)
	}
	if wrong == 0 {
		return nil
	}
	// It carries no token: the difference is simply taken again.
	insert := chgo.Context(context.WithoutCancel(ctx), chgo.WithSettings(chgo.Settings{"async_insert": 0, "insert_deduplicate": 0}))
	if err := p.conn.Exec(insert, "INSERT INTO "+r.Table+" ("+rollupKey+", events) "+c.text.String(), c.args...); err != nil {
		return fmt.Errorf("make %s agree with the events that are held: %w", r.Table, err)
	}
	return nil
}
