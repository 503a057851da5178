package backup

import (
	"context"
	"os"
	"testing"

	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// A store that is backed up while events come in at speed, destroyed and
// restored, has every event once after it has caught up. Each part is taken
// only after more has been stored since the one before.
func TestBackup_UnderLoad(t *testing.T) {
	onBoth(t, func(s *stack) {
		_, stop := s.node()
		kafkatest.ProduceTo(s, s.Kafka, 0, broken("before", 50)...)
		end := s.load()
		s.until("events", func() bool { return s.events() > 500 })
		s.reached = func(step string) {
			if step == "offsets" {
				// A block of nothing but dead letters, which no event comes after.
				letters := s.letters()
				kafkatest.ProduceTo(s, s.Kafka, kafkatest.Partitions-1, broken("alone", 300)...)
				s.until("dead letters", func() bool { return s.letters() == letters+300 })
			}
			events := s.events()
			s.until("more events", func() bool { return s.events() > events+250 })
		}
		b, err := s.Create(s.Context(), s.name, "")
		if err != nil {
			s.Fatal(err)
		}
		if b.State != Whole || b.Bytes == 0 || len(b.Offsets) != kafkatest.Partitions {
			s.Errorf("backup %+v", b)
		}
		events := s.events()
		s.until("more events", func() bool { return s.events() > events+250 })
		end()
		stop()
		before := s.events()

		s.exec("DROP DATABASE " + s.ClickHouse.Database + " SYNC")
		s.reached = nil
		r, err := s.Restore(s.Context(), s.name, false)
		if err != nil {
			s.Fatal(err)
		}
		if r.Events == 0 || r.Events >= before || r.Behind <= 0 || len(r.Lost) > 0 {
			s.Errorf("restored %+v", r)
		}
		s.Logf("%d events restored of %d, %d messages behind", r.Events, before, r.Behind)
		s.maxRows = 100 // So that most blocks lie wholly above the table's end, and few are in doubt.
		s.node()
		s.oracle(0)
		if got := s.events(); got < before {
			s.Errorf("%d events, there were %d", got, before)
		}
		if n := s.count("SELECT count() FROM system.databases WHERE name = '" + schema.RestoreMark(s.ClickHouse.Database) + "'"); n > 0 {
			s.Error("the mark of a restore is left")
		}
	})
}

// A backup that is stopped in mid-copy is stopped in ClickHouse too, and leaves nothing.
func TestCreate_Stopped(t *testing.T) {
	s := inFolder(t)
	s.exec("CREATE TABLE " + s.table("large") + " ENGINE = MergeTree ORDER BY () AS SELECT rand64() AS n FROM numbers(10000000)")
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	asked := 0
	s.Progress = func(step string, _, _ uint64) {
		if step == "backing up events" {
			asked++
		}
		if asked > 1 { // The first time is before the statement.
			cancel()
		}
	}
	_, err := s.Create(ctx, s.name, "")
	s.wants(err, "context canceled")
	if n := s.count("SELECT count() FROM system.backups WHERE status NOT IN ('BACKUP_CREATED', 'BACKUP_CANCELLED')"); n > 0 {
		s.Errorf("%d backups go on", n)
	}
	if n := s.count("SELECT count() FROM system.backups WHERE status = 'BACKUP_CANCELLED'"); n != 1 {
		s.Errorf("%d backups were stopped", n)
	}
	if left, err := os.ReadDir(s.Place.Folder); err != nil || len(left) > 0 {
		s.Errorf("left: %v, %v", left, err)
	}
	s.Progress = nil
	s.create(s.name, "")
}

// What ClickHouse says of a folder that it may not write to says what to set.
func TestPlace_Forbidden(t *testing.T) {
	s := inFolder(t)
	err := s.conn.Exec(s.Context(), "BACKUP TABLE "+s.table(schema.Events)+" TO File('/nowhere/of/ours')")
	s.wants(s.Place.explain(err, "x"), "set <backups><allowed_path>")
}
