//go:build faultpoints

package faults

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"daybook/ingest"
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
					s.publish(mixed(fmt.Sprint("early", nth), 1200)...)
					happened := s.at("mid_send", nth, func() { fault(proxy) })
					n := s.start()
					s.after(happened)
					s.publish(mixed(fmt.Sprint("late", nth), 200)...)
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

// A loop of cuts at random moments, under load.
func TestFault03_SpottyNetwork(t *testing.T) {
	onBoth(t, func(s *stack) {
		random := s.random()
		s.config.MaxRows = 200
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

// An insert commits long after its client has lost the connection, while the
// token that would stop the second one is not remembered: only waiting for it
// to end helps.
func TestFault11_InsertCommitsAfterItsClientGaveUp(t *testing.T) {
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
