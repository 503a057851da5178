package backup

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"daybook/pkg/archive"
	"daybook/pkg/archive/archivetest"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// wants fails unless the error has the text.
func (s *stack) wants(err error, text string) {
	s.Helper()
	if err == nil || !strings.Contains(err.Error(), text) {
		s.Errorf("error %v, want %s", err, text)
	}
}

// fill stores so many events, stops the node, and backs up.
func (s *stack) fill(n int) {
	s.Helper()
	_, stop := s.node()
	kafkatest.Produce(s, s.Kafka, sample("fill", n)...)
	s.settled()
	stop()
}

func (s *stack) create(name, base string) Backup {
	s.Helper()
	b, err := s.Create(s.Context(), name, base)
	if err != nil {
		s.Fatal(err)
	}
	return b
}

func (s *stack) restore(name string, replace bool) Restored {
	s.Helper()
	r, err := s.Restore(s.Context(), name, replace)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// What must not be overwritten is not: rows, and what a running node is about to write.
func TestRestore_Refused(t *testing.T) {
	onBoth(t, func(s *stack) {
		s.fill(200)
		s.create(s.name, "")
		_, err := s.Create(s.Context(), s.name, "")
		s.wants(err, "already")
		_, err = s.Restore(s.Context(), s.name, false)
		s.wants(err, "is not empty (rows: events 200")
		_, err = s.Restore(s.Context(), s.name+"-no", true)
		s.wants(err, "has no whole backup "+s.name+"-no")
		_, err = s.Restore(s.Context(), "../"+s.name, true)
		s.wants(err, "is no name of a backup")
		other := s.Deps
		other.Kafka.Topic = s.Kafka.DeadLetterTopic
		other.Kafka.DeadLetterTopic = s.Kafka.Topic
		_, err = other.Restore(s.Context(), s.name, true)
		s.wants(err, "is of the topic "+s.Kafka.Topic)

		_, stop := s.node()
		s.until("the node to join", func() bool { return nobody(context.Background(), s.Kafka) != nil })
		_, err = s.Restore(s.Context(), s.name, true)
		s.wants(err, "stop every daybook serve first")
		// One that joins once the tables are restored is noticed by the brokers.
		s.wants(setCommitted(s.Context(), s.Kafka, []Offset{{Partition: 0, Offset: 0}}), "stop every daybook serve first")
		stop()
		if got := s.events(); got != 200 {
			s.Errorf("%d events after what was refused", got)
		}
		s.restore(s.name, true)
		s.node()
		s.oracle(0)
	})
}

// A restore that was cut says so, keeps nodes from starting, and can be run again.
func TestRestore_Cut(t *testing.T) {
	s := newCut(t)
	for _, step := range []string{"restored " + partCounts, "restored " + partStore, "rewound"} {
		ctx, cancel := context.WithCancel(s.Context())
		s.reached = func(at string) {
			if at == step {
				cancel()
			}
		}
		_, err := s.Restore(ctx, s.name, true)
		s.wants(err, "context canceled")
		s.wants(schema.Check(s.Context(), s.ClickHouse), "run daybook backup restore "+s.name+" again")
		s.wants(s.up(), "half restored")
	}
	s.reached = nil
	s.restore(s.name, false)
	if err := s.up(); err != nil {
		s.Error(err)
	}
	s.node()
	s.oracle(0)
}

func newCut(t *testing.T) *stack {
	t.Helper()
	s := inFolder(t)
	s.fill(300)
	s.create(s.name, "")
	return s
}

// A backup that was cut is not whole, whatever of it is there, and nothing is
// dropped for it.
func TestRestore_CutBackup(t *testing.T) {
	s := newCut(t)
	ctx, cancel := context.WithCancel(s.Context())
	s.reached = func(step string) {
		if step == partCounts {
			cancel()
		}
	}
	if _, err := s.Create(ctx, "cut", ""); err == nil {
		s.Fatal("a backup that was cut is whole")
	}
	s.reached = nil
	if _, err := os.Stat(filepath.Join(s.Place.Folder, "cut")); err == nil {
		s.Error("what a cut backup has written is left")
	}
	if n := s.count("SELECT count() FROM " + s.table(schema.Backups) + " FINAL WHERE name = 'cut' AND state = 'failed'"); n != 1 {
		s.Error("the table does not say that the backup failed")
	}
	// As a killed process leaves it.
	whole := filepath.Join(s.Place.Folder, s.name)
	for _, file := range []string{manifest, filepath.Join(partStore, lastFile)} {
		if err := os.Remove(filepath.Join(whole, file)); err != nil {
			s.Fatal(err)
		}
	}
	_, err := s.Restore(s.Context(), s.name, true)
	s.wants(err, "is not whole")
	all, err := s.Place.List(s.Context(), nil)
	if err != nil || len(all) != 1 || all[0].Name != s.name || all[0].State != NotWhole || all[0].At.IsZero() {
		s.Errorf("listed %+v, %v", all, err)
	}
	if got := s.events(); got != 300 {
		s.Errorf("%d events are left after a restore that was refused", got)
	}
}

// A file that is missing in the middle of a restore leaves the store half restored,
// and another backup cures it.
func TestRestore_DamagedBackup(t *testing.T) {
	s := newCut(t)
	s.create("good", "")
	files, err := filepath.Glob(filepath.Join(s.Place.Folder, s.name, partStore, "data", stored, schema.Events, "*", "data.bin"))
	if err != nil || len(files) == 0 {
		s.Fatal("no files of events: ", err)
	}
	if err := os.Remove(files[0]); err != nil {
		s.Fatal(err)
	}
	_, err = s.Restore(s.Context(), s.name, true)
	s.wants(err, "half restored")
	s.wants(schema.Check(s.Context(), s.ClickHouse), "half restored")
	s.restore("good", false)
	s.node()
	s.oracle(0)
}

// What Kafka took after the backup is named with its number, by the restore and
// by the node. A partition that was added since is read from its beginning.
func TestRestore_KafkaMovedOn(t *testing.T) {
	onBoth(t, func(s *stack) {
		kafkatest.ProduceTo(s, s.Kafka, 0, sample("a", 100)...)
		_, stop := s.node()
		s.settled()
		s.create(s.name, "")
		kafkatest.ProduceTo(s, s.Kafka, 0, sample("b", 50)...)
		kafkatest.AddPartitions(s, s.Kafka, kafkatest.Partitions+1)
		kafkatest.ProduceTo(s, s.Kafka, kafkatest.Partitions, sample("c", 70)...)
		s.until("all of it", func() bool { return s.events() == 220 })
		s.settled()
		stop()
		kafkatest.DeleteRecords(s, s.Kafka, 0, 130)
		r := s.restore(s.name, true)
		want := fmt.Sprint([]Lost{{Partition: 0, From: 100, To: 130, Messages: 30, Why: "Kafka's retention took them"}})
		if fmt.Sprint(r.Lost) != want || r.Events != 100 || r.Behind != 90 {
			s.Errorf("restored %+v, want lost %s", r, want)
		}
		in, _ := s.node()
		s.until("20 and 70 events", func() bool { return s.events() == 190 })
		s.oracle(100)
		if gaps := in.Gaps(); len(gaps) != 1 || gaps[0].From != 100 || gaps[0].To != 130 || gaps[0].Messages != 30 {
			s.Errorf("gaps %+v", gaps)
		}
	})
}

// Kafka is lost as well: the topic is another one and the group is unknown. What is
// restored stays, what is published from then on is stored once, and both say so.
func TestRestore_KafkaAnew(t *testing.T) {
	onBoth(t, func(s *stack) {
		kafkatest.ProduceTo(s, s.Kafka, 0, sample("old", 150)...)
		_, stop := s.node()
		s.settled()
		stop()
		s.create(s.name, "")
		kafkatest.DeleteTopic(s, s.Kafka)
		kafkatest.CreateTopic(s, s.Kafka, s.Kafka.Topic, kafkatest.Partitions)
		s.Kafka.Group += "-anew"
		r := s.restore(s.name, true)
		if len(r.Lost) != 1 || r.Lost[0].From != 150 || !strings.Contains(r.Lost[0].Why, "made anew") || r.Events != 150 || r.Behind != 0 {
			s.Errorf("restored %+v", r)
		}
		kafkatest.ProduceTo(s, s.Kafka, 0, sample("new", 80)...)
		in, _ := s.node()
		s.until("80 events more", func() bool { return s.events() == 230 })
		s.oracle(150)
		if gaps := in.Gaps(); len(gaps) != 1 || gaps[0].Reason != "topic_recreated" {
			s.Errorf("gaps %+v", gaps)
		}
	})
}

// An increment needs its base, and is as good as a whole one.
func TestCreate_Increment(t *testing.T) {
	s := inFolder(t)
	s.fill(500)
	first := s.create("first", "")
	_, stop := s.node()
	kafkatest.Produce(s, s.Kafka, sample("more", 20)...)
	s.settled()
	stop()
	second := s.create("second", "first")
	parts := func(name string) int {
		found, err := filepath.Glob(filepath.Join(s.Place.Folder, name, partStore, "data", stored, schema.Events, "*", "data.bin"))
		if err != nil {
			s.Fatal(err)
		}
		return len(found)
	}
	if all := s.count("SELECT count() FROM system.parts WHERE active AND database = '" + s.ClickHouse.Database + "' AND table = 'events'"); parts("first") == 0 || parts("first")+parts("second") != int(all) {
		s.Errorf("%d parts in the first, %d in the second, %d in the table", parts("first"), parts("second"), all)
	}
	if first.Base != "" || second.Base != "first" {
		s.Errorf("first %+v, second %+v", first, second)
	}
	_, err := s.Create(s.Context(), "third", "absent")
	s.wants(err, "no whole backup absent")
	all, err := s.Place.List(s.Context(), nil)
	if err != nil || len(all) != 2 || all[0].Name != "second" || all[0].Base != "first" || all[0].State != Whole || len(all[0].Offsets) != kafkatest.Partitions {
		s.Errorf("listed %+v, %v", all, err)
	}
	s.exec("DROP DATABASE " + s.ClickHouse.Database + " SYNC")
	if r := s.restore("second", false); r.Events != 520 || r.Behind != 0 {
		s.Errorf("restored %+v", r)
	}
	s.node()
	s.oracle(0)
}

// Backups in S3-compatible storage, with the folder of the embedded ClickHouse on the way.
func TestBackup_S3(t *testing.T) {
	s := inFolder(t)
	gateway := archivetest.Start(t)
	place := gateway.Place("backups")
	place.Prefix = "ours/"
	s.Place.S3 = &place
	s.fill(300)

	wrong := s.Deps
	wrong.Place.S3 = func() *archive.Place { p := place; p.SecretKey = "wrong"; return &p }()
	_, err := wrong.Create(s.Context(), "one", "")
	s.wants(err, "refuses archive.access_key and archive.secret_key")
	_, err = wrong.Place.List(s.Context(), nil)
	s.wants(err, "refuses archive.access_key and archive.secret_key")
	absent := s.Deps
	absent.Place.S3 = func() *archive.Place { p := place; p.Bucket = "absent"; return &p }()
	_, err = absent.Create(s.Context(), "one", "")
	s.wants(err, "has no bucket absent")

	// Storage that goes away in between leaves nothing that is taken for a backup.
	s.reached = func(step string) {
		if step == partStore {
			gateway.Stop()
		}
	}
	short, cancel := context.WithCancel(s.Context())
	defer cancel()
	if _, err = s.Create(short, "gone", ""); err == nil {
		s.Error("a backup into storage that is away is whole")
	}
	s.reached = nil
	gateway.Run()

	s.create("one", "")
	left, err := os.ReadDir(s.Place.Folder)
	if err != nil || len(left) > 0 {
		s.Errorf("left in the folder: %v, %v", left, err)
	}
	all, err := s.Place.List(s.Context(), nil)
	if err != nil || len(all) != 1 || all[0].Name != "one" || all[0].State != Whole {
		s.Errorf("listed %+v, %v", all, err)
	}
	if _, err := os.Stat(gateway.File(place, "backups/one/"+partStore+"/"+lastFile)); err != nil {
		s.Error(err)
	}
	s.exec("DROP DATABASE " + s.ClickHouse.Database + " SYNC")
	_, err = s.Restore(s.Context(), "two", false)
	s.wants(err, "has no whole backup two")
	if err := os.Remove(gateway.File(place, "backups/one/"+manifest)); err != nil {
		s.Fatal(err)
	}
	if all, err := s.Place.List(s.Context(), nil); err != nil || len(all) != 1 || all[0].State != NotWhole {
		s.Errorf("listed %+v, %v", all, err)
	}
	if r := s.restore("one", false); r.Events != 300 {
		s.Errorf("restored %+v", r)
	}
	s.node()
	s.oracle(0)

	// One file that can't be written is enough.
	s.reached = func(step string) {
		if blocked := gateway.File(place, "backups/blocked/"+partStore); step == partStore {
			if err := errors.Join(os.MkdirAll(blocked, 0o750), os.WriteFile(filepath.Join(blocked, "data"), nil, 0o600)); err != nil {
				s.Error(err)
			}
		}
	}
	if _, err := s.Create(s.Context(), "blocked", ""); err == nil {
		s.Error("a backup without its files is whole")
	}
	all, err = s.Place.List(s.Context(), nil)
	if err != nil || len(all) != 2 || all[0].State != NotWhole || all[1].State != NotWhole {
		s.Errorf("listed %+v, %v", all, err)
	}
}

func TestPlace_Statements(t *testing.T) {
	p := archive.Place{Bucket: "b", Region: "eu-west-1", AccessKey: "a", SecretKey: "s"}
	for _, c := range []struct {
		place Place
		want  string
	}{
		{Place{}, "File('n/store')"},
		{Place{Folder: "/x"}, "File('n/store')"},
		{Place{Folder: "/x", S3: &p}, "File('.s3-n/store')"},
		{Place{S3: &p}, "S3(" + p.Collection() + ", 'backups/n/store')"},
	} {
		if got := c.place.at("n", partStore); got != c.want {
			t.Errorf("%s: %s, want %s", c.place, got, c.want)
		}
	}
}
