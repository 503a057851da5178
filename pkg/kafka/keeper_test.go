package kafka_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"

	"daybook/pkg/kafka"
	"daybook/pkg/kafka/kafkatest"
)

var keeperTimings = kafka.GroupTimings{Session: 6 * time.Second, Heartbeat: time.Second, Rebalance: 10 * time.Second}

// keeperChild in the environment makes the test binary a node that keeps, for
// TestKeep_KilledNode: broker, topic and group.
const keeperChild = "DAYBOOK_KEEPER_CHILD"

// keepAsChild keeps until it is killed, and says when it begins.
func keepAsChild(setting string) {
	c := kafka.DefaultConfig()
	part := strings.Split(setting, ",")
	c.Brokers, c.Topic, c.Group = part[:1], part[1], part[2]
	fmt.Println(kafka.Keep(context.Background(), c, keeperTimings, zap.NewNop(), func(ctx context.Context) {
		fmt.Println("begun")
		<-ctx.Done()
	}))
}

// member is a node that keeps in this process.
type member struct {
	begun chan struct{} // receives each time that it begins
	stop  context.CancelFunc
	done  chan error
}

func keep(t *testing.T, c kafka.Config, working *atomic.Int32) *member {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	m := &member{begun: make(chan struct{}, 100), stop: stop, done: make(chan error, 1)}
	go func() {
		m.done <- kafka.Keep(ctx, c, keeperTimings, zap.NewNop(), func(ctx context.Context) {
			if working.Add(1) > 1 {
				t.Error("two nodes keep at a time")
			}
			m.begun <- struct{}{}
			<-ctx.Done()
			working.Add(-1)
		})
	}()
	t.Cleanup(sync.OnceFunc(func() {
		stop()
		if err := <-m.done; err != nil {
			t.Errorf("leave: %v", err)
		}
	}))
	return m
}

func TestKeep_OneNodeAtATime(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		c := kafkatest.Start(t, kind)
		var working atomic.Int32
		a, b := keep(t, c, &working), keep(t, c, &working)
		// Whoever keeps leaves; the other goes on. Joining may move the work once more.
		stayed := b
		select {
		case <-a.begun:
			a.stop()
		case <-b.begun:
			b.stop()
			stayed = a
		case <-time.After(time.Minute):
			t.Fatal("nobody keeps")
		}
		select {
		case <-stayed.begun:
		case <-time.After(time.Minute):
			t.Fatal("nobody keeps after the keeper has left")
		}
	})
}

func TestKeep_KilledNode(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		c := kafkatest.Start(t, kind)
		child := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // This binary.
		child.Env = append(os.Environ(), keeperChild+"="+strings.Join([]string{c.Brokers[0], c.Topic, c.Group}, ","))
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil || line != "begun\n" {
			t.Fatalf("the other node says %q: %v", line, err)
		}
		var working atomic.Int32
		b := keep(t, c, &working)
		if err := child.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = child.Wait() // Killed.
		select {
		case <-b.begun:
		case <-time.After(time.Minute):
			t.Fatal("nobody keeps after the keeper was killed")
		}
	})
}
