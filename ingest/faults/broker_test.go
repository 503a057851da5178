//go:build faultpoints

package faults

import (
	"testing"
	"time"

	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/kafka/kafkatest"
)

// The broker goes away under load and comes back with what it has promised.
func TestFault05_BrokerRestarted(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		broker := kafkatest.Broker(t, dir, "127.0.0.1:0")
		s := newStack(t, kafkatest.Fresh(t, broker.Addr(), 1), clickhousetest.Start(t))
		load := s.load(1000)
		s.start()
		for range 3 {
			s.wait(700 * time.Millisecond)
			addr := broker.Addr()
			if err := broker.Close(); err != nil {
				t.Fatal(err)
			}
			broker = kafkatest.Broker(t, dir, addr)
		}
		load.stop()
		s.settles()
	})
	t.Run("apache", func(t *testing.T) {
		t.Parallel()
		broker := kafkatest.ApacheServer(t)
		s := newStack(t, broker.Config(t), clickhousetest.Start(t))
		load := s.load(1000)
		s.start()
		for range 2 {
			s.wait(time.Second)
			broker.Kill()
			if err := broker.Start(); err != nil {
				t.Fatal(err)
			}
		}
		load.stop()
		s.settles()
	})
}

// The partitions' leaders and the group's coordinator move to other brokers, in
// order, again and again, under load.
func TestFault05_LeadersAndCoordinatorMove(t *testing.T) {
	t.Parallel()
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		t.Parallel()
		cluster := kafkatest.StartCluster(t, kind)
		s := newStack(t, cluster.Config(t), clickhousetest.Start(t))
		s.config.MaxRows = 1000
		load := s.load(1000)
		s.start()
		for round := range 6 {
			s.wait(500 * time.Millisecond)
			cluster.MoveLeader(t, s.kafka, round%kafkatest.Partitions)
			if round%2 == 0 {
				cluster.MoveCoordinator(t, s.kafka)
			}
		}
		load.stop()
		s.settles()
	})
}

// Of three brokers the one that leads, and then the one that coordinates, is
// killed under load.
func TestFault05_LeaderAndCoordinatorKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("SKIP: three brokers take a while to start")
	}
	cluster := kafkatest.ApacheCluster(t, 3)
	s := newStack(t, cluster.Config(t), clickhousetest.Start(t))
	s.config.MaxRows = 1000
	load := s.load(1000)
	s.start()
	for _, victim := range []func() int{
		func() int { return kafkatest.Leader(t, s.kafka, 0) },
		func() int { return kafkatest.Coordinator(t, s.kafka) },
	} {
		s.wait(2 * time.Second)
		id := victim()
		cluster.Node(id).Kill()
		s.wait(3 * time.Second)
		if err := cluster.Node(id).Start(); err != nil {
			t.Fatal(err)
		}
		cluster.AwaitInSync(t, s.kafka)
	}
	load.stop()
	s.settles()
}
