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

	kafkago "github.com/segmentio/kafka-go"
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
		members := []*member{keep(t, c, &working), keep(t, c, &working), keep(t, c, &working)}
		for n := range members {
			// Joining and leaving may move the work from one that goes on to another.
			awaitMembers(t, c, len(members)-n)
			await(t, "one node keeps", func() bool { return working.Load() == 1 })
			members[n].stop()
			members[n].done <- <-members[n].done
		}
		if n := working.Load(); n != 0 {
			t.Errorf("%d nodes keep after the last has left", n)
		}
	})
}

// awaitMembers waits until the keepers' group has so many members that know
// what is theirs.
func awaitMembers(t *testing.T, c kafka.Config, n int) {
	t.Helper()
	client, release, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	await(t, fmt.Sprintf("the group has %d members", n), func() bool {
		answer, err := client.DescribeGroups(t.Context(), &kafkago.DescribeGroupsRequest{GroupIDs: []string{c.Group + ".keeper"}})
		return err == nil && len(answer.Groups) == 1 && answer.Groups[0].GroupState == "Stable" && len(answer.Groups[0].Members) == n
	})
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for !holds() {
		select {
		case <-poll.C:
		case <-deadline.C:
			t.Fatalf("a minute has passed and still not: %s", what)
		}
	}
}

func TestKeep_KilledNode(t *testing.T) {
	kafkatest.Each(t, func(t *testing.T, kind kafkatest.Kind) {
		c := kafkatest.Start(t, kind)
		child := exec.CommandContext(t.Context(), os.Args[0])
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
