package schema_test

import (
	"fmt"
	"testing"
	"time"

	"daybook/schema"
)

// RepairRollup leaves right counts as they are, wherever in a bucket the
// events lie, and mends wrong ones.
func TestRepairRollup(t *testing.T) {
	minute := time.Date(2026, 11, 22, 11, 40, 0, 0, time.UTC)
	for _, at := range []time.Duration{0, time.Microsecond, 30 * time.Second, 59 * time.Second, 59*time.Second + 999_999*time.Microsecond, time.Minute} {
		t.Run(at.String(), func(t *testing.T) {
			_, conn := migrated(t)
			run := func(statement string) {
				t.Helper()
				if err := conn.Exec(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			sum := func(r schema.Rollup, partition int) int64 {
				t.Helper()
				var n int64
				if err := conn.QueryRow(t.Context(), fmt.Sprintf("SELECT sum(events) FROM %s WHERE kafka_partition = %d", r.Table, partition)).Scan(&n); err != nil {
					t.Fatal(err)
				}
				return n
			}
			created := minute.Add(at)
			run(fmt.Sprintf(`INSERT INTO events (tenant_id, created_at, event_id, kafka_topic, kafka_partition, kafka_offset)
				SELECT concat('t', toString(number %% 3)), fromUnixTimestamp64Micro(%d), toString(number), 'x', number %% 2, number FROM numbers(100)`, created.UnixMicro()))
			for _, r := range schema.Rollups {
				if n, err := schema.RepairRollup(t.Context(), conn, r, 0, created, created); err != nil || n != 0 || sum(r, 0) != 50 {
					t.Errorf("%s: %d right counts were changed (%v), the sum is %d", r.Table, n, err, sum(r, 0))
				}
				run("TRUNCATE TABLE " + r.Table)
				if n, err := schema.RepairRollup(t.Context(), conn, r, 0, created, created); err != nil || n != 3 || sum(r, 0) != 50 || sum(r, 1) != 0 {
					t.Errorf("%s: %d lost counts were mended (%v), the sums are %d and %d", r.Table, n, err, sum(r, 0), sum(r, 1))
				}
			}
		})
	}
}
