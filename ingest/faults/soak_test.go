//go:build faultpoints

package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/netfault"
	"daybook/schema"
)

// TestFault24_Soak runs several nodes under load for SOAK_DURATION (default 90s)
// while something random fails every few seconds, or every 10 to 60 in a soak
// of five minutes or more, which lasts until it has seen two a minute. What must hold at any time is asked continuously;
// every minute the faults are healed and the whole oracle is asked.
// FAULTS_SEED repeats a course.
func TestFault24_Soak(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		t.Parallel()
		duration := 90 * time.Second
		if text := os.Getenv("SOAK_DURATION"); text != "" {
			var err error
			if duration, err = time.ParseDuration(text); err != nil {
				t.Fatalf("SOAK_DURATION: %v", err)
			}
		}
		k, way := kafkatest.Proxied(t, kind)
		v := startServer(t)
		v.s = newStack(t, k, clickhousetest.Config(t, v.ClickHouse))
		s := v.s
		for _, table := range []string{schema.Events, schema.Events1m, schema.Events15m, schema.DeadLetters} {
			s.exec("ALTER TABLE " + table + " MODIFY SETTING parts_to_throw_insert = 100000, parts_to_delay_insert = 100000")
		}
		s.config.MaxAge = time.Second
		soak := &soak{stack: s, server: v, toStore: s.behindProxy(), toKafka: way, random: s.random()}
		soak.run(duration)
	})
}

type soak struct {
	*stack
	server           *server
	toStore, toKafka *netfault.Proxy
	random           *rand.Rand
	nodes            []*process
	course           []string // what happened, for who looks into a failure
}

func (k *soak) run(duration time.Duration) {
	began := time.Now()
	k.Cleanup(func() {
		if k.Failed() {
			k.Logf("the course of faults:\n  %s\nlook at the last of them, and at the logs of the nodes of that time", strings.Join(k.course, "\n  "))
		}
	})
	k.nodes = []*process{k.startProcess(""), k.startProcess("")}
	faults, least := 0, 0
	if duration >= 5*time.Minute {
		least = int(2 * duration.Minutes())
	}
	for time.Since(began) < duration || faults < least {
		load := k.load(800)
		for round := time.Now(); time.Since(round) < time.Minute && (time.Since(began) < duration || faults < least); {
			pause := 2*time.Second + time.Duration(k.random.Int64N(int64(5*time.Second)))
			if duration >= 5*time.Minute {
				u := k.random.Float64()
				pause = 10*time.Second + time.Duration(u*u*float64(50*time.Second))
			}
			for end := time.Now().Add(pause); time.Now().Before(end); k.wait(time.Second) {
				k.checkAlways()
			}
			k.strike(time.Since(began))
			faults++
		}
		k.heal()
		published := load.stop()
		k.settles()
		k.course = append(k.course, fmt.Sprintf("%5.1fs: settled, %d more messages", time.Since(began).Seconds(), published))
		if k.Failed() {
			return
		}
	}
	k.Logf("%d faults in %s, %d events and %d dead letters, nothing lost, nothing doubled", faults, time.Since(began).Round(time.Second), k.count(countEvents), k.count(countDead))
}

// checkAlways asks what holds whatever is broken: no event and no offset is there twice.
func (k *soak) checkAlways() {
	k.Helper()
	var rows, offsets, ids uint64
	err := k.conn.QueryRow(k.Context(), "SELECT count(), uniqExact(kafka_partition, kafka_offset), uniqExact(tenant_id, source, event_id) FROM "+schema.Events).Scan(&rows, &offsets, &ids)
	if err == nil && (rows != offsets || rows != ids) {
		k.Fatalf("%d rows, %d offsets, %d ids", rows, offsets, ids)
	}
}

// strike lets something fail, for a while where it passes by itself.
func (k *soak) strike(at time.Duration) {
	hold := time.Duration(200+k.random.IntN(12_000)) * time.Millisecond
	proxies := map[string]*netfault.Proxy{"the way to ClickHouse": k.toStore, "the way to Kafka": k.toKafka}
	name := [...]string{"the way to ClickHouse", "the way to Kafka"}[k.random.IntN(2)]
	proxy := proxies[name]
	say := func(format string, args ...any) {
		k.course = append(k.course, fmt.Sprintf("%5.1fs: ", at.Seconds())+fmt.Sprintf(format, args...))
	}
	i := k.random.IntN(len(k.nodes))
	switch k.random.IntN(14) {
	case 0, 1:
		say("node %d killed", i)
		k.nodes[i].kill()
		k.nodes[i] = k.startProcess("")
	case 2:
		say("node %d stopped and started", i)
		k.nodes[i].stop()
		k.nodes[i] = k.startProcess("")
	case 3:
		say("node %d frozen for %s", i, hold)
		k.nodes[i].signal(syscall.SIGSTOP)
		k.wait(hold)
		k.nodes[i].signal(syscall.SIGCONT)
	case 4:
		if len(k.nodes) < 5 {
			say("a node joins")
			k.nodes = append(k.nodes, k.startProcess(""))
			return
		}
		say("node %d killed for good", i)
		k.nodes[i].kill()
		k.nodes = append(k.nodes[:i], k.nodes[i+1:]...)
	case 5, 6:
		say("ClickHouse killed")
		k.server.killed()
	case 7:
		say("ClickHouse frozen for %s", hold)
		k.server.signal(syscall.SIGSTOP)
		k.wait(hold)
		k.server.signal(syscall.SIGCONT)
	case 8:
		say("%s cut", name)
		proxy.Cut()
	case 9:
		say("%s half open for %s", name, hold)
		proxy.Stall()
		k.wait(hold)
		proxy.Heal()
	case 10:
		say("%s loses answers for %s", name, hold)
		proxy.DropResponses()
		k.wait(hold)
		proxy.Heal()
	case 11:
		n := int64(k.random.IntN(50_000))
		say("%s cut after %d bytes of an answer, for %s", name, n, hold/4)
		proxy.Truncate(n)
		k.wait(hold / 4)
		proxy.Heal()
	case 12:
		say("%s slow and narrow for %s", name, hold)
		proxy.Delay(100*time.Millisecond, 100*time.Millisecond)
		proxy.Throttle(300_000)
		k.wait(hold)
		proxy.Heal()
	case 13:
		say("a node killed in mid-insert, and the tokens forgotten")
		victim := k.startProcess("mid_send:2:kill:50ms")
		k.wait(hold)
		victim.kill()
		for _, window := range []int{0, 10_000} {
			k.window(window)
		}
	}
}

func (k *soak) heal() {
	k.toStore.Heal()
	k.toKafka.Heal()
}
