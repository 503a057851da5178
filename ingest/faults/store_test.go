//go:build faultpoints

package faults

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"daybook/ingest"
	"daybook/pkg/event"
	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// long says whether the long forms of the tests are asked for: FAULTS_LONG=1.
func long() bool { return os.Getenv("FAULTS_LONG") != "" }

// The server forgets its deduplication tokens between an attempt and the retry.
func TestFault09_TokensForgotten(t *testing.T) {
	t.Parallel()
	for name, window := range map[string]int{"off": 0, "one": 1} {
		for _, point := range []string{"after_insert", "after_dead"} {
			t.Run("node killed "+point+", window "+name, func(t *testing.T) {
				t.Parallel()
				onBoth(t, func(s *stack) {
					s.config.MaxRows = 100
					s.publish(mixed("early", 800)...)
					p := s.startProcess(point + ":3:kill")
					p.awaitExit()
					s.window(window)
					s.startProcess("")
					s.settles()
				})
			})
		}
		t.Run("lost answer, window "+name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				s.config.MaxRows = 100
				proxy := s.behindProxy()
				s.publish(mixed("early", 800)...)
				happened := s.at("mid_send", 3, func() {
					proxy.DropResponses()
					s.window(window)
				})
				s.start()
				s.after(happened)
				s.wait(time.Second)
				proxy.Heal()
				s.settles()
			})
		})
	}
}

func (s *stack) window(n int) {
	for _, table := range []string{schema.Events, schema.Events1m, schema.Events15m, schema.DeadLetters} {
		s.exec(fmt.Sprintf("ALTER TABLE %s MODIFY SETTING non_replicated_deduplication_window = %d", table, n))
	}
}

// The server remembers the token of a part that it has lost: a retry is
// "deduplicated" and nothing is stored.
func TestFault10_TokenWithoutPart(t *testing.T) {
	t.Parallel()
	for name, condition := range map[string]string{"half the rows": "kafka_offset % 2 = 1", "all": "1"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				s.publishTo(0, sample("x", 300)...)
				s.leaveBehind(0, 300, func(int) bool { return true })
				s.exec("DELETE FROM " + schema.Events + " WHERE " + condition + " SETTINGS lightweight_deletes_sync = 2")
				s.start()
				s.publishTo(0, sample("y", 100)...)
				s.settles()
			})
		})
	}
}

// A block spans two table partitions and the server dies after the first part;
// and whatever else a node may leave half done behind its plan.
func TestFault12_PartOfABlock(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]func(i int) bool{
		"first table partition": func(i int) bool { return i < 150 },
		"every other row":       func(i int) bool { return i%2 == 0 },
		"nothing":               func(int) bool { return false },
		"everything":            func(int) bool { return true },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				messages := sample("x", 300)
				last := time.Now().UTC().AddDate(0, -1, 0)
				for i := range messages[:150] {
					messages[i].Value = fmt.Appendf(nil, `{"eventId":"x-%d","tenantId":"t","eventType":"login.ok","createdAt":%q}`, i, last.Format(time.RFC3339))
				}
				s.publishTo(0, messages...)
				s.leaveBehind(0, 300, keep)
				s.start()
				s.publishTo(0, sample("y", 100)...)
				s.settles()
			})
		})
	}
}

// The events' part is there and the rollups' is not.
func TestFault12_RollupNeverWritten(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.publishTo(0, sample("x", 300)...)
		s.leaveBehind(0, 300, func(int) bool { return true })
		s.exec("TRUNCATE TABLE " + schema.Events1m)
		s.start()
		s.settles()
	})
}

// A constraint of the table refuses some rows. They become dead letters; the
// others, and what follows, are stored.
func TestFault17_RefusedByServer(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.config.MaxRows = 500
		s.exec("ALTER TABLE " + schema.Events + " ADD CONSTRAINT nobody CHECK actor_id != 'nobody'")
		messages := sample("x", 500)
		refused := 0
		for i := 100; i < 500; i += 99 {
			messages[i].Value = fmt.Appendf(nil, `{"eventId":"bad-%d","tenantId":"t","eventType":"a.b","actorId":"nobody"}`, i)
			refused++
		}
		s.publishTo(0, messages...)
		s.start()
		s.publishTo(0, sample("y", 50)...)
		s.await(refused, countDead)
		s.settlesBut(exceptions{refused: func(at position) bool {
			return strings.Contains(string(s.topic.records[at].Value), `"nobody"`)
		}})
	})
}

// The table is changed, or gone for a while, under a running node. Nothing is
// given up: what was refused because of the table is stored when it is back.
func TestFault19_SchemaChangesLive(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"column dropped":      {"ALTER TABLE events DROP COLUMN user_agent", "ALTER TABLE events ADD COLUMN user_agent String CODEC(ZSTD(1)) AFTER ip_address"},
		"column of our own":   {"ALTER TABLE events ADD COLUMN note String DEFAULT 'none'", "ALTER TABLE events DROP COLUMN note"},
		"type changed":        {"ALTER TABLE events MODIFY COLUMN actor_name LowCardinality(String)", "ALTER TABLE events MODIFY COLUMN actor_name String"},
		"type that can't fit": {"ALTER TABLE events DROP COLUMN user_agent, ADD COLUMN user_agent DateTime", "ALTER TABLE events DROP COLUMN user_agent, ADD COLUMN user_agent String CODEC(ZSTD(1)) AFTER ip_address"},
		"table missing":       {"RENAME TABLE events TO elsewhere", "RENAME TABLE elsewhere TO events"},
		"rollup missing":      {"RENAME TABLE events_1m TO elsewhere", "RENAME TABLE elsewhere TO events_1m"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				s.publish(mixed("before", 200)...)
				s.start()
				s.await(190, countEvents)
				s.exec(change[0])
				s.publish(mixed("during", 205)...)
				s.publishTo(0, sample("single", 1)...)
				s.wait(2 * time.Second)
				s.exec(change[1])
				s.publish(mixed("after", 200)...)
				s.settles()
			})
		})
	}
}

// ClickHouse is away at full rate: memory stays bounded, the group keeps its
// members, and then ingest catches up by itself.
func TestFault20_ClickHouseDown(t *testing.T) {
	t.Parallel()
	onBothWithServer(t, func(s *stack, server *server) {
		// Nothing but the budget keeps blocks small, and more is waiting than they may hold.
		s.config.MaxBufferedBytes, s.config.MaxBytes, s.config.MaxAge = 16<<20, 16<<20, 20*time.Second
		s.publish(mixed("before", 1000)...)
		n := s.start()
		s.awaitSettled() // Each partition has asked the server where it stands.
		server.signal(syscall.SIGSTOP)
		random, noise := s.random(), make([]byte, 30_000) // What is compressed counts for less in a fetch.
		for partition := range 2 {
			large := make([]kafka.Message, 300)
			for i := range large {
				for k := range noise {
					noise[k] = byte(random.Uint32())
				}
				large[i].Value = fmt.Appendf(nil, `{"eventId":"large%d-%d","tenantId":"t","eventType":"x","payload":{"s":"%x"}}`, partition, i, noise)
			}
			for batch := range slices.Chunk(large, 20) { // A fetch returns a producer's batch whole.
				s.publishTo(partition, batch...)
			}
		}
		generations := n.metric("daybook_ingest_generations_total")
		down := 10 * time.Second
		if long() {
			down = 60 * time.Second
		}
		load := s.load(4000)
		half := float64(s.config.MaxBufferedBytes) / 2
		s.until("blocks to hold half of the budget", func() (bool, string) {
			held := n.metric("daybook_ingest_buffered_bytes")
			return held >= half, strconv.FormatFloat(held, 'f', 0, 64)
		})
		most := 0.0
		for end := time.Now().Add(down); time.Now().Before(end); s.wait(100 * time.Millisecond) {
			most = max(most, n.metric("daybook_ingest_buffered_bytes"))
		}
		server.signal(syscall.SIGCONT)
		load.stop()
		s.settles()
		// One fetch per partition may overdraw the budget.
		if limit := float64(s.config.MaxBufferedBytes) + kafkatest.Partitions*3*(2<<20); most > limit {
			s.Errorf("blocks held up to %.0f bytes, the budget is %d", most, s.config.MaxBufferedBytes)
		}
		if now := n.metric("daybook_ingest_generations_total"); now != generations {
			s.Errorf("the group went through %.0f generations while ClickHouse was away", now-generations)
		}
	})
}

// The server has too much of something, or too little, and says so.
func TestFault22_ServerShortOfSomething(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begin, end string
		code       int
	}{
		"too many parts":    {"ALTER TABLE events MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1", "ALTER TABLE events RESET SETTING parts_to_throw_insert, parts_to_delay_insert", 252},
		"memory":            {"CREATE MATERIALIZED VIEW hungry TO hungry_null AS SELECT length(groupArray(arrayMap(x -> toString(x) || payload, range(200000)))) AS x FROM events SETTINGS max_memory_usage = 100000000", "DROP VIEW hungry", 241},
		"disk":              {"ALTER TABLE events MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000", "ALTER TABLE events RESET SETTING min_free_disk_bytes_to_perform_insert", 243},
		"readonly":          {"ALTER TABLE events MODIFY SETTING table_readonly = 1", "ALTER TABLE events MODIFY SETTING table_readonly = 0", 774},
		"a view that fails": {"CREATE MATERIALIZED VIEW fails TO hungry_null AS SELECT throwIf(1) AS x FROM events", "DROP VIEW fails", 395},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				s.exec("CREATE TABLE hungry_null (x UInt64) ENGINE = Null")
				s.publish(mixed("before", 400)...)
				n := s.start()
				s.await(380, countEvents)
				s.exec(c.begin)
				s.publish(mixed("during", 405)...)
				s.until("the server to refuse", func() (bool, string) {
					seen := n.classes()
					return seen[fmt.Sprintf("clickhouse_%d", c.code)], fmt.Sprint(seen)
				})
				s.exec(c.end)
				s.publish(mixed("after", 200)...)
				s.settles()
			})
		})
	}
}

// classes returns the classes of errors for which blocks were tried again.
func (n *node) classes() map[string]bool {
	families, err := n.registry.Gather()
	if err != nil {
		n.stack.Fatal(err)
	}
	out := map[string]bool{}
	for _, f := range families {
		if f.GetName() == "daybook_ingest_retries_total" {
			for _, m := range f.GetMetric() {
				out[m.GetLabel()[0].GetValue()] = true
			}
		}
	}
	return out
}

// The server's own default is async_insert=1, and the events have views.
func TestFault23_AsyncInsertByDefault(t *testing.T) {
	t.Parallel()
	onBothWithServer(t, func(s *stack, _ *server) {
		if s.count("SELECT toUInt64(getServerSetting('max_connections') > 0)") != 1 {
			s.Fatal("the server does not answer")
		}
		if got := s.count("SELECT toUInt64(default = '1') FROM system.settings WHERE name = 'async_insert'"); got != 1 {
			s.Error("the server's default is no longer async_insert=1, so that this test shows nothing")
		}
		s.publish(mixed("x", 2000)...)
		// This server makes no native insert asynchronous, others do: each is told not to be. And to let searches go first.
		var told, nice []string
		inserting := s.at("mid_send", 1, func() {
			row := s.conn.QueryRow(s.Context(), "SELECT groupUniqArray(Settings['async_insert']), groupUniqArray(Settings['os_threads_nice_value_query']) FROM system.processes WHERE startsWith(query_id, 'ingest/')")
			if err := row.Scan(&told, &nice); err != nil {
				s.Error(err)
			}
		})
		s.start()
		s.after(inserting)
		if !slices.Equal(told, []string{"0"}) {
			s.Errorf("inserts run with async_insert %q", told)
		}
		if !slices.Equal(nice, []string{"5"}) {
			s.Errorf("inserts run with the nice value %q", nice)
		}
		s.settles()
		if got := s.count("SELECT sum(value) FROM system.events WHERE event = 'AsyncInsertQuery'"); got != 0 {
			s.Errorf("%d inserts were asynchronous", got)
		}
	})
}

// leaveBehind does what an owner of the partition does that dies in mid-insert:
// it plans the first n messages as one block, and inserts some of them.
func (s *stack) leaveBehind(partition int32, n int, keep func(i int) bool) {
	s.Helper()
	var messages []event.Message
	s.read(s.kafka.Topic, partition, 0, func(m event.Message) {
		if len(messages) < n {
			messages = append(messages, m)
		}
	})
	metadata, err := ingest.LeaveBehind(s.conn, s.decoder, messages, keep)
	if err != nil {
		s.Fatal(err)
	}
	kafkatest.SetCommitted(s, s.kafka, int(partition), 0, metadata)
}
