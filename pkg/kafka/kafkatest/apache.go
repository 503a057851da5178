package kafkatest

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/segmentio/kafka-go"

	daybookkafka "daybook/pkg/kafka"
)

// StartApache returns settings with topics of the test's own on an Apache Kafka
// that the tests of this binary share. Where Apache Kafka was not fetched
// (scripts/kafka.sh) or there is no Java, the test is skipped; with CI=true in
// the environment it fails.
func StartApache(t testing.TB) daybookkafka.Config {
	t.Helper()
	return sharedApache(t).Config(t)
}

func sharedApache(t testing.TB) *Apache {
	t.Helper()
	lib := needApache(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.broker == nil && shared.err == nil {
		var nodes []*Apache
		if shared.dir, shared.err = os.MkdirTemp("", "daybook-kafkatest-"); shared.err == nil { //nolint:usetesting // It outlives the test.
			nodes, _, shared.err = newNodes(shared.dir, lib, 1, nil) // The ports are held to the end of the process.
		}
		if shared.err == nil {
			shared.broker = nodes[0]
			shared.err = shared.broker.Start()
		}
	}
	if shared.err != nil {
		t.Fatalf("start Apache Kafka: %v", shared.err)
	}
	return shared.broker
}

// ApacheServer starts an Apache Kafka of the test's own, which it may kill and
// start again, and ends it with the test.
func ApacheServer(t testing.TB) *Apache {
	t.Helper()
	broker := makeNodes(t, 1, nil)[0]
	if err := broker.Start(); err != nil {
		t.Fatalf("start Apache Kafka: %v", err)
	}
	return broker
}

// makeNodes makes the nodes of a cluster, which end with the test.
func makeNodes(t testing.TB, count int, locks *secured) []*Apache {
	t.Helper()
	nodes, release, err := newNodes(t.TempDir(), needApache(t), count, locks)
	if err != nil {
		t.Fatalf("make the nodes of an Apache Kafka: %v", err)
	}
	t.Cleanup(func() {
		for _, node := range nodes {
			node.Kill()
		}
		release()
	})
	return nodes
}

// Config returns settings with topics of the test's own.
func (a *Apache) Config(t testing.TB) daybookkafka.Config {
	t.Helper()
	config := Fresh(t, a.addr, 1)
	awaitCoordinator(t, config)
	return config
}

// awaitCoordinator waits until the group's offsets can be read: the first group
// makes Apache Kafka create the topic that it keeps them in.
func awaitCoordinator(t testing.TB, config daybookkafka.Config) {
	t.Helper()
	client, done := connect(config)
	defer done()
	poll(t, "the group's coordinator is ready", func(ctx context.Context) bool {
		offsets, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: config.Group, Topics: map[string][]int{config.Topic: {0}}})
		return err == nil && offsets.Error == nil && len(offsets.Topics[config.Topic]) == 1 && offsets.Topics[config.Topic][0].Error == nil
	})
}

// shared is the broker of this test binary.
var shared struct {
	sync.Mutex // guards all of it
	dir        string
	broker     *Apache
	err        error // of the start: every test after it fails at once
}

// Runner is what a *testing.M is to TestMain.
type Runner interface{ Run() int }

// Main wraps what TestMain is given: after the tests it ends the shared Apache
// Kafka and removes its files. Without it the broker still ends with the test
// binary, but leaves its files.
func Main(m Runner) Runner { return runner{m} }

type runner struct{ tests Runner }

func (r runner) Run() int {
	code := r.tests.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.broker != nil {
		shared.broker.Kill()
	}
	if shared.dir != "" {
		_ = os.RemoveAll(shared.dir)
	}
	return code
}

func needApache(t testing.TB) (lib string) {
	t.Helper()
	cache := os.Getenv("XDG_CACHE_HOME")
	if !filepath.IsAbs(cache) {
		cache = filepath.Join(os.Getenv("HOME"), ".cache")
	}
	lib = filepath.Join(cache, "daybook", "kafka-"+apacheVersion, "lib")
	_, err := os.Stat(lib)
	if err == nil {
		_, err = exec.LookPath("java")
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no Apache Kafka to test with; run scripts/kafka.sh: %v", err)
		}
		t.Skipf("SKIP: no Apache Kafka to test with; run scripts/kafka.sh: %v", err)
	}
	return lib
}
