//go:build faultpoints

package faults

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"daybook/pkg/kafka/kafkatest"
)

// program is `daybook` with fault points, built once for all tests.
var program struct {
	sync.Mutex // guards what follows
	dir, path  string
	err        error
}

// buildOnce wraps what TestMain is given: after the tests the program is removed.
func buildOnce(m kafkatest.Runner) kafkatest.Runner { return builtOnce{m} }

type builtOnce struct{ tests kafkatest.Runner }

func (b builtOnce) Run() int {
	code := b.tests.Run()
	program.Lock()
	defer program.Unlock()
	if program.dir != "" {
		_ = os.RemoveAll(program.dir)
	}
	return code
}

// daybook returns the path of the program.
func daybook(t testing.TB) string {
	t.Helper()
	program.Lock()
	defer program.Unlock()
	if program.path == "" && program.err == nil {
		program.dir, program.err = os.MkdirTemp("", "daybook-faults-") //nolint:usetesting // It outlives the test.
		program.path = filepath.Join(program.dir, "daybook")
		if program.err == nil {
			build := exec.Command("go", "build", "-tags", "faultpoints", "-o", program.path, "daybook/cmd/daybook")
			if out, err := build.CombinedOutput(); err != nil {
				program.err = fmt.Errorf("build daybook: %w\n%s", err, out)
			}
		}
	}
	if program.err != nil {
		t.Fatal(program.err)
	}
	return program.path
}

// process is `daybook serve` with the role ingest.
type process struct {
	stack   *stack
	command *exec.Cmd
	log     *lockedLog
	exited  chan struct{}
}

// startProcess starts a node as a process. faults is what its environment asks
// of it (../point_on.go); "" for nothing.
func (s *stack) startProcess(faults string, env ...string) *process {
	s.Helper()
	p := &process{stack: s, log: &lockedLog{}, exited: make(chan struct{})}
	p.command = exec.Command(daybook(s), "serve", "--roles", "ingest")
	p.command.Env = append(os.Environ(), append([]string{
		"FAULTPOINTS=" + faults,
		"DAYBOOK_KAFKA_BROKERS=" + strings.Join(s.kafka.Brokers, ","), "DAYBOOK_KAFKA_TOPIC=" + s.kafka.Topic,
		"DAYBOOK_KAFKA_GROUP=" + s.kafka.Group, "DAYBOOK_KAFKA_DEAD_LETTER_TOPIC=" + s.kafka.DeadLetterTopic,
		"DAYBOOK_CLICKHOUSE_ADDRS=" + strings.Join(s.store.Addrs, ","), "DAYBOOK_CLICKHOUSE_DATABASE=" + s.store.Database,
		"DAYBOOK_INGEST_MAX_ROWS=" + strconv.Itoa(s.config.MaxRows), "DAYBOOK_INGEST_MAX_AGE=" + s.config.MaxAge.String(),
		"DAYBOOK_INGEST_SESSION_TIMEOUT=" + s.config.SessionTimeout.String(),
		"DAYBOOK_ADMIN_ADDR=127.0.0.1:0", "DAYBOOK_LOG_LEVEL=warn", "DAYBOOK_LOG_FORMAT=console",
	}, env...)...)
	p.command.Dir = s.TempDir()
	p.command.Stdout, p.command.Stderr = p.log, p.log
	p.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.command.Start(); err != nil {
		s.Fatal(err)
	}
	go func() {
		_ = p.command.Wait() // Killed, as a rule.
		close(p.exited)
	}()
	s.Cleanup(func() {
		p.kill()
		if s.Failed() {
			s.Logf("the log of process %d:\n%s", p.command.Process.Pid, p.log.String())
		}
	})
	return p
}

// signal sends a signal to the process, unless it has ended.
func (p *process) signal(signal syscall.Signal) {
	select {
	case <-p.exited:
	default:
		if err := p.command.Process.Signal(signal); err != nil && !p.ended() {
			p.stack.Errorf("signal %s: %v", signal, err)
		}
	}
}

func (p *process) ended() bool {
	select {
	case <-p.exited:
		return true
	case <-time.After(time.Second):
		return false
	}
}

func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.exited
}

// stop ends the process as an operator would.
func (p *process) stop() {
	p.stack.Helper()
	p.signal(syscall.SIGTERM)
	p.awaitExit()
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		p.stack.Errorf("the process ended with %d", code)
	}
}

// awaitExit waits until the process has ended.
func (p *process) awaitExit() {
	p.stack.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.stack.Fatalf("process %d does not end", p.command.Process.Pid)
	}
}

// awaitStopped waits until a fault point has stopped the process.
func (p *process) awaitStopped() {
	p.stack.Helper()
	p.stack.until("the process to be stopped", func() (bool, string) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.command.Process.Pid))
		if err != nil {
			return false, err.Error()
		}
		fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
		return fields[0] == "T", fields[0]
	})
}

// lockedLog is what a process says.
type lockedLog struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text.Len() < 256<<10 {
		l.text.Write(p)
	}
	return len(p), nil
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
