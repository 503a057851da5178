//go:build faultpoints

package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"daybook/pkg/kafka/kafkatest"
	"daybook/schema"
)

// A node is killed with -9 at each place where what Kafka, the table and the
// node know of a block differs.
func TestFault01_KilledAtEveryPoint(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]string{ // one process after the other
		"before the plan":                {"before_plan:3:kill"},
		"after the plan":                 {"after_plan:3:kill"},
		"in mid-send":                    {"mid_send:3:kill"},
		"after send, before acknowledge": {"mid_send:3:kill:250ms"}, // a slow view holds the answer back
		"after acknowledge":              {"after_insert:3:kill"},
		"with dead letters half stored":  {"after_dead:2:kill"},
		"after the block, before commit": {"after_write:3:kill"},
		"after commit":                   {"after_commit:1:kill"},
		"again while it verifies":        {"after_insert:3:kill", "before_verify:1:kill", "after_plan:1:kill"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				s.config.MaxRows = 100
				if name == "after send, before acknowledge" {
					s.slowViews(500 * time.Millisecond)
				}
				s.publish(mixed("early", 900)...)
				for _, fault := range faults {
					p := s.startProcess(fault)
					p.awaitExit()
					if code := p.command.ProcessState.ExitCode(); code != -1 { // -1: by a signal
						s.Fatalf("the process was not killed but ended with %d", code)
					}
				}
				s.publish(mixed("late", 100)...)
				s.startProcess("")
				s.settles()
			})
		})
	}
}

// slowViews makes the server answer an insert into events so much later, when
// its rows are there already.
func (s *stack) slowViews(d time.Duration) {
	s.exec("CREATE TABLE slow_null (x UInt8) ENGINE = Null")
	s.exec(fmt.Sprintf("CREATE MATERIALIZED VIEW slow TO slow_null AS SELECT sleep(%g) AS x FROM %s", d.Seconds(), schema.Events))
}

// A node is killed at random moments under load. FAULTS_KILLS and FAULTS_SEED
// ask for another number and another course.
func TestFault01_KilledAtRandomMoments(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		kills, random := s.numberFrom("FAULTS_KILLS", 6), s.random()
		s.config.MaxRows = 1000
		s.config.SessionTimeout = time.Second
		load := s.load(2000)
		for range kills {
			p := s.startProcess("")
			if s.kind == kafkatest.Embedded {
				// Its group coordinator may stand still for minutes when one member after
				// the other dies while it joins; there, only members at work are killed.
				s.awaitProgressBeyond(s.acknowledged())
			}
			s.wait(time.Duration(200+random.IntN(2500)) * time.Millisecond)
			p.kill()
		}
		load.stop()
		s.startProcess("")
		s.settles()
	})
}

// numberFrom reads a setting of the suite from the environment.
func (s *stack) numberFrom(name string, fallback int) int {
	s.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		s.Fatalf("%s: %v", name, err)
	}
	return n
}

// random returns a source whose seed a failing test prints.
func (s *stack) random() *rand.Rand {
	s.Helper()
	seed := uint64(s.numberFrom("FAULTS_SEED", int(time.Now().UnixNano()&0xffffff)))
	s.Cleanup(func() {
		if s.Failed() {
			s.Logf("FAULTS_SEED=%d", seed)
		}
	})
	return rand.New(rand.NewPCG(seed, 0))
}

// ClickHouse and the node go away under load, again and again: the server killed
// or shut down in order, and every other time the node with it. The topic has
// one partition, or three.
func TestFault02_ServerAndNodeRestarted(t *testing.T) {
	t.Parallel()
	for name, restart := range map[string]func(*server){"killed": (*server).killed, "in order": (*server).inOrder} {
		for _, partitions := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, %d partitions", name, partitions), func(t *testing.T) {
				t.Parallel()
				onBothWithServer(t, func(s *stack, server *server) {
					s.config.MaxRows = 1500
					var load *load
					if partitions == 1 {
						load = s.loadOf(3000, 0)
					} else {
						load = s.load(3000)
					}
					n := s.start()
					for round := range 4 {
						s.wait(700 * time.Millisecond)
						restart(server)
						if round%2 == 1 {
							n.stop()
							n = s.start()
						}
					}
					load.stop()
					s.settles()
				})
			})
		}
	}
}

// The owner of a partition freezes: with the insert begun, with the plan made,
// with the rows stored. Others take over, and then it wakes up and goes on.
func TestFault07_Zombie(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]string{
		"before the plan":  "before_plan:3:stop",
		"in mid-insert":    "mid_send:3:stop",
		"after the plan":   "after_plan:3:stop",
		"after the insert": "after_insert:3:stop",
		"before commit":    "after_write:3:stop",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				s.config.MaxRows = 100
				s.publish(mixed("early", 900)...)
				zombie := s.startProcess(fault)
				zombie.awaitStopped()
				// Where no plan binds it, the new owner cuts blocks elsewhere: no token of the zombie's is one of its own.
				s.config.MaxRows = 70
				s.startProcess("")
				s.awaitSettled()
				load := s.load(200)
				s.awaitProgressBeyond(1000)
				zombie.signal(syscall.SIGCONT)
				s.wait(2 * time.Second)
				load.stop()
				s.settles()
				zombie.stop()
				s.settles()
			})
		})
	}
}

// As above, and the zombie wakes up while the new owner still waits for the
// insert that it has begun: whichever comes second must change nothing.
func TestFault07_ZombieWakesDuringTakeover(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.config.MaxRows = 100
		s.publish(mixed("early", 900)...)
		zombie := s.startProcess("mid_send:3:stop")
		zombie.awaitStopped()
		s.config.MaxRows = 70 // As above: what the zombie has planned is known by its plan alone.
		s.startProcess("")
		s.wait(s.config.SessionTimeout + 3*time.Second)
		zombie.signal(syscall.SIGCONT)
		s.publish(mixed("late", 100)...)
		s.settles()
	})
}

// A node is asked to stop under load, with half a block in its hands, and
// another goes on.
func TestFault08_StoppedUnderLoad(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		load := s.load(3000)
		for range 4 {
			p := s.startProcess("")
			s.wait(1500 * time.Millisecond)
			p.stop()
		}
		load.stop()
		s.startProcess("")
		s.settles()
	})
}

// 1, then 5, then 2 nodes, coming in order, leaving by SIGTERM and by kill -9,
// while the topic gets more partitions.
func TestNodes_ComeAndGo(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.config.SessionTimeout = 2 * time.Second
		load := s.load(1500)
		nodes := []*process{s.startProcess("")}
		s.wait(2 * time.Second)
		for range 4 {
			nodes = append(nodes, s.startProcess(""))
			s.wait(500 * time.Millisecond)
		}
		kafkatest.AddPartitions(s, s.kafka, 7)
		s.wait(6 * time.Second) // The group looks for new partitions every 5 s.
		nodes[0].kill()
		nodes[1].stop()
		s.wait(time.Second)
		nodes[2].kill()
		s.wait(3 * time.Second)
		load.stop()
		s.settles()
		if s.count("SELECT uniqExact(kafka_partition) FROM "+schema.Events) != 7 {
			s.Error("nothing came through the partitions that were added")
		}
	})
}

// Up to eleven members join and leave while events are published.
func TestFault06_RebalanceStorm(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		random := s.random()
		kafkatest.AddPartitions(s, s.kafka, 8)
		s.config.MaxRows = 1000
		load := s.load(2000)
		nodes := []*node{s.start()}
		for range 16 {
			if len(nodes) < 5 || len(nodes) < 11 && random.IntN(2) == 0 {
				nodes = append(nodes, s.start())
			} else {
				i := random.IntN(len(nodes))
				nodes[i].stop()
				nodes = append(nodes[:i], nodes[i+1:]...)
			}
			s.wait(time.Duration(random.IntN(800)) * time.Millisecond)
		}
		load.stop()
		s.settles()
		for _, n := range nodes {
			n.stop()
		}
	})
}
