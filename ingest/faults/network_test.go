//go:build faultpoints

package faults

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"daybook/ingest"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/kafka/kafkatest"
	"daybook/pkg/netfault"
	"daybook/schema"
)

// behindProxy puts a proxy between ingest, not the test, and ClickHouse.
func (s *stack) behindProxy() *netfault.Proxy {
	proxy := netfault.Start(s, s.store.Addrs[0])
	s.store.Addrs = []string{proxy.Addr()}
	return proxy
}

// at calls do, once, when a node of this process comes to a point for the n-th time.
func (s *stack) at(point string, nth int64, do func()) (happened <-chan struct{}) {
	done := make(chan struct{})
	var times atomic.Int64
	s.Cleanup(ingest.AtPoint(s.kafka.Topic, func(at string, _ int32) {
		if at == point && times.Add(1) == nth {
			do()
			close(done)
		}
	}))
	return done
}

// after waits for what at has arranged.
func (s *stack) after(happened <-chan struct{}) {
	s.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		s.Fatal("the point was not reached")
	}
}

// The way to ClickHouse fails in the middle of an insert, in every manner.
func TestFault03_WayToClickHouseFails(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*netfault.Proxy){
		"cut":               func(p *netfault.Proxy) { p.Cut() },
		"refused":           func(p *netfault.Proxy) { p.Refuse() },
		"half open":         func(p *netfault.Proxy) { p.Stall() },
		"only the response": func(p *netfault.Proxy) { p.DropResponses() },
		"slow":              func(p *netfault.Proxy) { p.Delay(200*time.Millisecond, 100*time.Millisecond) },
		"narrow":            func(p *netfault.Proxy) { p.Throttle(20_000) },
		"cut in an answer":  func(p *netfault.Proxy) { p.Truncate(1) },
		"cut in a request":  func(p *netfault.Proxy) { p.TruncateRequests(2000) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onBoth(t, func(s *stack) {
				s.config.MaxRows = 100
				proxy := s.behindProxy()
				for _, nth := range []int64{2, 5} {
					s.publish(mixed(fmt.Sprint("early", nth), 750)...)
					happened := s.at("mid_send", nth, func() { fault(proxy) })
					n := s.start()
					s.after(happened)
					s.publish(mixed(fmt.Sprint("late", nth), 100)...)
					s.wait(1500 * time.Millisecond)
					proxy.Heal()
					s.awaitSettled()
					n.stop()
				}
				s.settles()
			})
		})
	}
}

// The answer to an insert is lost and nobody ever says so: the connection stays
// open and mute. The node must notice by itself.
func TestFault03_AnswerLostForGood(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.config.MaxRows = 100
		proxy := s.behindProxy()
		s.publish(mixed("early", 500)...)
		happened := s.at("mid_send", 3, proxy.Mute)
		s.start()
		s.after(happened)
		s.settles()
	})
}

// A loop of cuts at random moments, under load.
func TestFault03_SpottyNetwork(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		random := s.random()
		s.config.MaxRows = 1000
		proxy := s.behindProxy()
		load := s.load(2000)
		s.start()
		for range 25 {
			s.wait(time.Duration(random.IntN(300)) * time.Millisecond)
			switch random.IntN(4) {
			case 0:
				proxy.Cut()
			case 1:
				proxy.TruncateRequests(int64(random.IntN(20_000)))
			case 2:
				proxy.Truncate(int64(random.IntN(300)))
			case 3:
				proxy.DropResponses()
			}
			s.wait(time.Duration(random.IntN(200)) * time.Millisecond)
			proxy.Heal()
		}
		load.stop()
		s.settles()
	})
}

// The broker is paused while it should take a commit, and comes back 5, 35 and
// 60 s later. ClickHouse's own Kafka engine makes 42 rows of these 22 messages.
func TestFault04_BrokerPausedDuringCommit(t *testing.T) {
	t.Parallel()
	for _, pause := range []time.Duration{5 * time.Second, 35 * time.Second, 60 * time.Second} {
		if pause > 5*time.Second && !long() {
			continue
		}
		for _, point := range []string{"after_write", "before_plan"} {
			t.Run(pause.String()+" "+point, func(t *testing.T) {
				t.Parallel()
				kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
					t.Parallel()
					k, proxy := kafkatest.Proxied(t, kind)
					s := newStack(t, k, clickhousetest.Start(t))
					s.config.MaxRows = 20
					s.publishTo(0, sample("x", 20)...)
					happened := s.at(point, 1, proxy.Stall)
					s.publishTo(0, sample("y", 2)...)
					s.start()
					s.after(happened)
					s.wait(pause)
					proxy.Heal()
					s.await(22, countEvents)
					s.settles()
					if got := s.count(countEvents); got != 22 {
						s.Errorf("%d rows for 22 messages", got)
					}
				})
			})
		}
	}
}

// The way to the broker fails at random, under load.
func TestFault04_SpottyWayToBroker(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		t.Parallel()
		k, proxy := kafkatest.Proxied(t, kind)
		s := newStack(t, k, clickhousetest.Start(t))
		random := s.random()
		s.config.MaxRows = 1000
		load := s.load(2000)
		s.start()
		for range 20 {
			s.wait(time.Duration(random.IntN(400)) * time.Millisecond)
			switch random.IntN(4) {
			case 0:
				proxy.Cut()
			case 1:
				proxy.Truncate(int64(random.IntN(100_000)))
			case 2:
				proxy.Stall()
			case 3:
				proxy.DropResponses()
			}
			s.wait(time.Duration(random.IntN(300)) * time.Millisecond)
			proxy.Heal()
		}
		load.stop()
		s.settles()
	})
}

// An insert commits long after its client has lost the connection, while the
// token that would stop the second one is not remembered: only waiting for it
// to end helps.
func TestFault11_InsertCommitsAfterItsClientGaveUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(s *stack) {
		s.config.MaxRows = 100
		proxy := s.behindProxy()
		s.exec("ALTER TABLE " + schema.Events + " MODIFY SETTING non_replicated_deduplication_window = 0")
		s.slowViews(1500 * time.Millisecond)
		s.publishTo(0, mixed("early", 300)...)
		happened := s.at("mid_send", 2, func() { time.AfterFunc(300*time.Millisecond, proxy.Cut) })
		s.start()
		s.after(happened)
		s.settles()
	})
}
