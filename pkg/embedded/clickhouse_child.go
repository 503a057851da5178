package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"go.uber.org/zap"

	"daybook/pkg/loopback"
)

const (
	logName   = "clickhouse.log"    // what ClickHouse logs
	errorName = "clickhouse.stderr" // what it says when it can't log

	shutdownTime = 20 * time.Second // for a clean end, before force
)

// What the child does: it opens its ports, then reads standard input to its end.
const (
	listenTCP  = "SYSTEM START LISTEN TCP;"
	listenHTTP = "SYSTEM START LISTEN HTTP;"
	untilEOF   = "SELECT * FROM file('-', 'LineAsString') FORMAT Null"
)

// child is one life of ClickHouse.
type child struct {
	command *exec.Cmd
	stdin   io.Closer
	probe   driver.Conn // straight to it
	logs    *logTail
	started time.Time
	exited  chan struct{} // closed when it has ended and outcome is set
	outcome error
}

// spawn starts ClickHouse, waits until it answers and lets the clients through.
func (c *ClickHouse) spawn(ctx context.Context) (*child, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	// The child of a process that was killed holds the lock, and with it the
	// data, until it has shut down. This one holds it through its own copy.
	lock, err := awaitLock(ctx, filepath.Join(c.config.Dir, "engine.lock"), leftBehind)
	if err != nil {
		return nil, err
	}
	defer func() { _ = lock.Close() }()
	// Held for as long as the child lives: were its port given to another server
	// before it listens there, our probe would be answered by that.
	held, err := loopback.Hold(2)
	if err != nil {
		return nil, err
	}
	started := false
	defer func() {
		if !started {
			held.Release()
		}
	}()
	native, web := held.Take(1)[0], ""
	if c.http != nil {
		web = held.Take(1)[0]
	}
	stderr, err := os.Create(filepath.Join(c.config.Dir, errorName))
	if err != nil {
		return nil, err
	}
	defer func() { _ = stderr.Close() }()
	if err := writePid(lock, 0); err != nil {
		return nil, err
	}

	command := c.command(native, web)
	command.Stdout, command.Stderr = stderr, stderr
	command.ExtraFiles = []*os.File{lock}
	// A group of its own: Ctrl-C in the terminal is for this process, which
	// stops ClickHouse last.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	logs := tailLogs(filepath.Join(c.config.Dir, logName), stderr.Name())
	if err := command.Start(); err != nil {
		return nil, err
	}
	started = true
	one := &child{command: command, stdin: stdin, logs: logs, started: time.Now(), exited: make(chan struct{})}
	go func() {
		one.outcome = command.Wait()
		held.Release()
		close(one.exited)
	}()
	go one.cutCrashShort()
	_ = writePid(lock, command.Process.Pid) // Without it, a hanging orphan is only waited for.
	preferAsVictim(command.Process.Pid)

	one.probe, err = clickhouse.Open(&clickhouse.Options{Addr: []string{native}, DialTimeout: 5 * time.Second, MaxOpenConns: 4, MaxIdleConns: 1})
	if err == nil {
		err = c.awaitAnswer(ctx, one)
	}
	if err != nil {
		one.stop(0)
		return nil, err
	}
	c.native.backend.Store(&backend{native, one.probe})
	if c.http != nil {
		c.http.backend.Store(&backend{web, one.probe})
	}
	c.pid.Store(int64(command.Process.Pid))
	c.config.Log.Info("embedded ClickHouse answers", zap.String("addr", c.Addr()),
		zap.Int("pid", command.Process.Pid), zap.Duration("after", time.Since(one.started)))
	return one, nil
}

// preferAsVictim makes the kernel kill ClickHouse before this process when memory
// runs out: ClickHouse is started again, and the broker lives here.
func preferAsVictim(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("300"), 0) // A hint.
}

// command is the child's command line: clickhouse-local that opens its ports and
// reads its standard input to the end. An empty web leaves HTTP closed.
func (c *ClickHouse) command(native, web string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(native) // Made by loopback.
	args := []string{
		"--config-file=" + c.settings,
		"--path=" + filepath.Join(c.config.Dir, "store"),
		"--log-level=error",
		"--listen_host=" + host,
		"--tcp_port=" + port,
	}
	query := listenTCP
	if web != "" {
		_, port, _ := net.SplitHostPort(web)
		args = append(args, "--http_port="+port)
		query += listenHTTP
	}
	args = append(args, "--query", query+untilEOF)
	program, first := c.config.Engine, []string{"local"}
	if isLibrary(c.config.Engine) {
		program, first = c.config.Executable, []string{"engine", c.config.Engine}
	}
	return exec.Command(program, append(first, args...)...) //nolint:gosec,noctx // Ours or the user's own; it ends by its standard input.
}

// awaitAnswer returns once ClickHouse answers a ping, or the reason why it won't.
func (c *ClickHouse) awaitAnswer(ctx context.Context, one *child) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := one.probe.Ping(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-one.exited:
			return fmt.Errorf("it ended (%w): %s", one.ending(), one.logs.lastLine())
		case <-c.closing:
			return errors.New("it was closed while starting")
		case <-ctx.Done():
			return fmt.Errorf("it didn't answer within %s (%w): %s", time.Since(one.started).Round(time.Second), err, one.logs.lastLine())
		}
	}
}

// cutCrashShort kills a child that has said why it crashes. It would go on to
// write stack traces with names for five seconds, and nobody could use it
// meanwhile.
func (one *child) cutCrashShort() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var seen int64
	for {
		select {
		case <-one.exited:
			return
		case <-tick.C:
		}
		size := one.logs.size()
		if size != seen && one.logs.fatal() {
			_ = one.command.Process.Kill() // It may have ended just now.
			return
		}
		seen = size
	}
}

// stop ends the child: by the end of its standard input, and with force once
// patience is over. It returns whether force was needed.
func (one *child) stop(patience time.Duration) (forced bool) {
	if one.probe != nil {
		_ = one.probe.Close() // Its connections may be dead.
	}
	_ = one.stdin.Close() // Closed already when the child died by itself.
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-one.exited:
		return false
	case <-timer.C:
	}
	_ = one.command.Process.Kill() // It may have ended just now.
	<-one.exited
	return true
}

// ending says how the child ended, which for a server is an error in any case.
func (one *child) ending() error {
	if one.outcome == nil {
		return errors.New("exit status 0")
	}
	return one.outcome
}
