package kafkatest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/template"
	"time"

	"github.com/segmentio/kafka-go"

	daybookkafka "daybook/pkg/kafka"
)

// apacheVersion is the one that scripts/kafka.sh fetches.
const apacheVersion = "4.1.0"

// Apache is an Apache Kafka of one node on a data folder.
type Apache struct {
	dir      string
	lib      string // folder of jars
	addr     string
	settings string // file

	mu      sync.Mutex // guards process
	process *process
}

// process is one life of the broker.
type process struct {
	command *exec.Cmd
	output  *lockedBuffer
	exited  chan struct{}
}

// StartApache returns settings with topics of the test's own on an Apache Kafka
// that the tests of this binary share. Where Apache Kafka was not fetched
// (scripts/kafka.sh) or there is no Java, the test is skipped; with CI=true in
// the environment it fails.
func StartApache(t testing.TB) daybookkafka.Config {
	t.Helper()
	lib := needApache(t)
	shared.Lock()
	defer shared.Unlock()
	if shared.broker == nil && shared.err == nil {
		if shared.dir, shared.err = os.MkdirTemp("", "daybook-kafkatest-"); shared.err == nil { //nolint:usetesting // It outlives the test.
			shared.broker, shared.err = newApache(shared.dir, lib)
		}
		if shared.err == nil {
			shared.err = shared.broker.Start()
		}
	}
	if shared.err != nil {
		t.Fatalf("start Apache Kafka: %v", shared.err)
	}
	return shared.broker.Config(t)
}

// ApacheServer starts an Apache Kafka of the test's own, which it may kill and
// start again, and ends it with the test.
func ApacheServer(t testing.TB) *Apache {
	t.Helper()
	broker, err := newApache(t.TempDir(), needApache(t))
	if err == nil {
		err = broker.Start()
	}
	if err != nil {
		t.Fatalf("start Apache Kafka: %v", err)
	}
	t.Cleanup(broker.Kill)
	return broker
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
	client, done, err := config.Client()
	if err != nil {
		t.Fatal(err)
	}
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

var settings = template.Must(template.New("").Parse(`
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{{.Controller}}
listeners=PLAINTEXT://{{.Addr}},CONTROLLER://{{.Controller}}
advertised.listeners=PLAINTEXT://{{.Addr}}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={{.Dir}}/data
num.partitions=4
auto.create.topics.enable=false
message.max.bytes=16777216
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
`))

// newApache makes a data folder and takes addresses that stay over restarts.
func newApache(dir, lib string) (*Apache, error) {
	a := &Apache{dir: dir, lib: lib, settings: filepath.Join(dir, "server.properties")}
	var addrs []string
	for range 2 { // Both held until both are known, so that they differ.
		listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }()
		addrs = append(addrs, listener.Addr().String())
	}
	a.addr = addrs[0]
	var text bytes.Buffer
	if err := settings.Execute(&text, map[string]string{"Dir": dir, "Addr": addrs[0], "Controller": addrs[1]}); err != nil {
		return nil, err
	}
	if err := os.WriteFile(a.settings, text.Bytes(), 0o600); err != nil {
		return nil, err
	}
	const clusterID = "ZGF5Ym9vay1pbi10ZXN0cw" // 16 bytes, as Kafka wants them.
	if out, err := a.java("kafka.tools.StorageTool", "format", "-t", clusterID, "-c", a.settings).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("format the data folder: %w\n%s", err, out)
	}
	return a, nil
}

func (a *Apache) java(args ...string) *exec.Cmd {
	args = append([]string{"-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", filepath.Join(a.lib, "*")}, args...)
	return exec.Command("java", args...) //nolint:gosec,noctx // It ends by Kill, or with this process.
}

// Addr is where clients reach the broker, whether it runs or not.
func (a *Apache) Addr() string { return a.addr }

// Start starts the broker and waits until it answers.
func (a *Apache) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process != nil {
		return errors.New("it runs already")
	}
	p := &process{command: a.java("kafka.Kafka", a.settings), output: &lockedBuffer{}, exited: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = p.output, p.output
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func() {
		// The kernel takes the thread that started the child for its parent, so
		// that thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.command.Start()
		started <- err
		if err == nil {
			_ = p.command.Wait() // Killed, as a rule.
			close(p.exited)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	a.process = p
	if err := a.awaitAnswer(p); err != nil {
		a.kill()
		return fmt.Errorf("%w\n%s", err, p.output.String())
	}
	return nil
}

// awaitAnswer waits until topics can be created, which is later than the port.
func (a *Apache) awaitAnswer(p *process) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(a.addr), Transport: transport, Timeout: 5 * time.Second}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
		if err == nil && len(metadata.Brokers) == 1 && metadata.Controller.Host != "" {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			return errors.New("it has ended")
		case <-ctx.Done():
			return fmt.Errorf("it doesn't answer: %w", errors.Join(err, ctx.Err()))
		}
	}
}

// Kill ends the broker as the loss of its machine would. What it has
// acknowledged is in the page cache, so it comes back with Start.
func (a *Apache) Kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kill()
}

// Signal sends a signal to the broker: SIGSTOP and SIGCONT make it hang and go
// on, SIGTERM shuts it down.
func (a *Apache) Signal(signal syscall.Signal) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.process == nil {
		return errors.New("it doesn't run")
	}
	return a.process.command.Process.Signal(signal)
}

func (a *Apache) kill() {
	if a.process == nil {
		return
	}
	_ = a.process.command.Process.Kill() // It may have ended.
	<-a.process.exited
	a.process = nil
}

// lockedBuffer keeps the first part of what a process says.
type lockedBuffer struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.text.Len() < 64<<10 {
		b.text.Write(p)
	}
	return len(p), nil
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
