package kafka

import (
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"go.uber.org/zap"
)

// GroupTimings are the timings of a consumer group's membership.
type GroupTimings struct {
	Session   time.Duration // without a heartbeat for so long, a member is dead
	Heartbeat time.Duration
	Rebalance time.Duration // how long members may take to finish their work when the group changes
}

// TimingsOf returns the timings by one setting: how soon a silent node is taken
// for dead.
func TimingsOf(session time.Duration) GroupTimings {
	return GroupTimings{Session: session, Heartbeat: session / 5, Rebalance: 6 * session}
}

// ConsumerGroup joins the group for the topic of events. Generations tell
// which partitions belong to this member; the group notices partitions that
// are added.
func (c Config) ConsumerGroup(t GroupTimings, log *zap.Logger) (*kafka.ConsumerGroup, error) {
	dialer, err := c.dialer()
	if err != nil {
		return nil, err
	}
	return kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: c.Group, Brokers: c.Brokers, Topics: []string{c.Topic}, Dialer: dialer,
		HeartbeatInterval: t.Heartbeat, SessionTimeout: t.Session, RebalanceTimeout: t.Rebalance,
		JoinGroupBackoff: time.Second, Timeout: 10 * time.Second,
		WatchPartitionChanges: true, PartitionWatchInterval: 5 * time.Second,
		StartOffset: kafka.FirstOffset,
		ErrorLogger: kafka.LoggerFunc(func(format string, args ...any) { log.Warn("consumer group: " + fmt.Sprintf(format, args...)) }),
	})
}

// Writer is a producer that ends its connections when it is closed.
type Writer struct{ *kafka.Writer }

// Writer returns a producer to a topic that is acknowledged by all in-sync
// replicas. It keeps what has one key in one partition. Its retries may put a
// message into the topic twice: kafka-go has no idempotent producer. Its
// owner closes it.
func (c Config) Writer(topic string) (*Writer, error) {
	transport, err := c.transport()
	if err != nil {
		return nil, err
	}
	return &Writer{&kafka.Writer{
		Addr: kafka.TCP(c.Brokers...), Topic: topic, Transport: transport, Balancer: kafka.Murmur2Balancer{Consistent: true},
		RequiredAcks: kafka.RequireAll, BatchTimeout: 2 * time.Millisecond, BatchSize: 1000, BatchBytes: 16 << 20,
		WriteTimeout: 15 * time.Second, ReadTimeout: 15 * time.Second, MaxAttempts: 3,
	}}, nil
}

// Close flushes what is being written and ends the connections.
func (w *Writer) Close() error {
	err := w.Writer.Close()
	if transport, ok := w.Transport.(*kafka.Transport); ok {
		transport.CloseIdleConnections()
	}
	return err
}
