package main

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	kafkago "github.com/segmentio/kafka-go"

	"daybook/pkg/clickhouse"
	"daybook/pkg/embedded"
	"daybook/pkg/generate"
	"daybook/pkg/kafka"
	"daybook/schema"
)

// TestServe_KilledAtRandom kills a whole node, broker and ClickHouse included,
// with -9 while events are published at full speed. DAYBOOK_KILL_EVENTS and
// DAYBOOK_KILL_SEED ask for another length and another course.
func TestServe_KilledAtRandom(t *testing.T) {
	if _, err := embedded.EnginePath(); err != nil {
		missing(t, err.Error())
	}
	const kills = 5
	events := setting(t, "DAYBOOK_KILL_EVENTS", 150_000)
	seed := uint64(setting(t, "DAYBOOK_KILL_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("DAYBOOK_KILL_SEED=%d DAYBOOK_KILL_EVENTS=%d", seed, events)
	random := rand.New(rand.NewPCG(seed, 0))

	n := newNodeProcess(t)
	n.start()
	published := make(chan error, 1)
	var acknowledged int
	go func() {
		var err error
		acknowledged, err = publishThrough(t.Context(), n.kafka, generate.Config{Seed: seed, Events: events, Days: 30, End: time.Now()})
		published <- err
	}()
	for range kills {
		// Publishing to a stopped node stops too, so each wait is a time of work.
		pauseFor(t, time.Duration(500+random.IntN(4000))*time.Millisecond)
		n.kill()
		n.start()
	}
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	if acknowledged != events {
		t.Fatalf("%d events acknowledged, want %d", acknowledged, events)
	}

	deadline := time.Now().Add(3 * time.Minute)
	for n.count("SELECT count() FROM "+schema.Events) < uint64(events) && time.Now().Before(deadline) {
		pauseFor(t, 200*time.Millisecond)
	}
	pauseFor(t, 2*time.Second) // What comes too much comes now.
	for what, query := range map[string]string{
		"rows":         "SELECT count() FROM " + schema.Events,
		"distinct ids": "SELECT uniqExact(tenant_id, event_id) FROM " + schema.Events,
		"1m rollup":    "SELECT toUInt64(sum(events)) FROM " + schema.Events1m,
		"15m rollup":   "SELECT toUInt64(sum(events)) FROM " + schema.Events15m,
	} {
		if got := n.count(query); got != uint64(events) {
			t.Errorf("%s: %d, want %d (seed %d)", what, got, events, seed)
		}
	}
	if t.Failed() {
		t.Logf("the node's log:\n%s", n.log.String())
	}
}

func setting(t *testing.T, name string, fallback int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return fallback
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

func pauseFor(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
		t.Fatal("the test was cut off")
	}
}

// nodeProcess is `daybook serve` as a process, on a data folder of its own.
type nodeProcess struct {
	t       *testing.T
	program string
	env     []string
	kafka   kafka.Config
	store   clickhouse.Config
	process *exec.Cmd
	log     bytes.Buffer
}

func newNodeProcess(t *testing.T) *nodeProcess {
	t.Helper()
	program := filepath.Join(t.TempDir(), "daybook")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	n := &nodeProcess{t: t, program: program, kafka: kafka.DefaultConfig(), store: clickhouse.DefaultConfig()}
	n.kafka.Brokers, n.store.Addrs = []string{free(t)}, []string{free(t)}
	n.env = append(os.Environ(),
		"DAYBOOK_EMBEDDED_DIR="+filepath.Join(t.TempDir(), "data"), "DAYBOOK_LOG_LEVEL=warn",
		"DAYBOOK_EMBEDDED_KAFKA_ADDR="+n.kafka.Brokers[0], "DAYBOOK_EMBEDDED_CLICKHOUSE_ADDR="+n.store.Addrs[0],
		"DAYBOOK_HTTP_ADDR="+free(t), "DAYBOOK_ADMIN_ADDR="+free(t))
	t.Cleanup(func() {
		if n.process != nil {
			n.kill()
		}
	})
	return n
}

// start starts the node and returns when its broker answers.
func (n *nodeProcess) start() {
	n.t.Helper()
	n.process = exec.Command(n.program, "serve") // Ended by kill.
	n.process.Env, n.process.Stdout, n.process.Stderr = n.env, &n.log, &n.log
	n.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.process.Start(); err != nil {
		n.t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; pauseFor(n.t, 50*time.Millisecond) {
		if conn, err := net.DialTimeout("tcp", n.kafka.Brokers[0], time.Second); err == nil {
			_ = conn.Close()
			return
		} else if time.Now().After(deadline) {
			n.t.Fatalf("the node does not start: %v\n%s", err, n.log.String())
		}
	}
}

func (n *nodeProcess) kill() {
	n.t.Helper()
	if err := n.process.Process.Kill(); err != nil {
		n.t.Fatal(err)
	}
	_ = n.process.Wait() // Its error is the kill.
	n.process = nil
}

// await waits until the query's number is at least so much.
func (n *nodeProcess) await(least uint64, query string) {
	n.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); n.count(query) < least; pauseFor(n.t, 50*time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatalf("%s: it is not %d within 3 minutes\n%s", query, least, n.log.String())
		}
	}
}

func (n *nodeProcess) count(query string) uint64 {
	n.t.Helper()
	var count uint64
	for deadline := time.Now().Add(time.Minute); ; pauseFor(n.t, 200*time.Millisecond) {
		conn, err := clickhouse.Open(n.t.Context(), n.store)
		if err == nil {
			err = errors.Join(conn.QueryRow(n.t.Context(), query).Scan(&count), conn.Close())
		}
		if err == nil {
			return count
		}
		if time.Now().After(deadline) {
			n.t.Fatalf("%s: %v\n%s", query, err, n.log.String())
		}
	}
}

// publishThrough publishes generated events until every one is acknowledged,
// however often the broker goes away: what was not acknowledged is sent again.
func publishThrough(ctx context.Context, c kafka.Config, of generate.Config) (int, error) {
	writer, err := c.Writer(c.Topic)
	if err != nil {
		return 0, err
	}
	defer func() { _ = writer.Close() }()
	g := generate.New(of)
	acknowledged := 0
	for {
		var batch []kafkago.Message
		for len(batch) < 5000 {
			value, key, _, ok := g.Next(nil)
			if !ok {
				break
			}
			batch = append(batch, message(key, value))
		}
		if len(batch) == 0 {
			return acknowledged, nil
		}
		acknowledged += len(batch)
		for len(batch) > 0 {
			err := writer.WriteMessages(ctx, batch...)
			if ctx.Err() != nil {
				return acknowledged, ctx.Err()
			}
			batch = unacknowledged(batch, err)
		}
	}
}

// unacknowledged returns the messages that a write has left in doubt.
func unacknowledged(batch []kafkago.Message, err error) []kafkago.Message {
	if err == nil {
		return nil
	}
	var each kafkago.WriteErrors
	if !errors.As(err, &each) {
		return batch
	}
	var left []kafkago.Message
	for i := range batch {
		if each[i] != nil {
			left = append(left, batch[i])
		}
	}
	return left
}
