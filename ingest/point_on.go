//go:build faultpoints

package ingest

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"daybook/pkg/bytesize"
	"daybook/pkg/event"
)

// hooks has what a test of this process wants to do at points, by topic.
var hooks sync.Map // string → func(point, int32)

// AtPoint calls hook whenever this process comes to a point with a block of the
// topic, until the returned function is called.
func AtPoint(topic string, hook func(at string, partition int32)) (remove func()) {
	hooks.Store(topic, func(p point, partition int32) { hook(string(p), partition) })
	return func() { hooks.Delete(topic) }
}

// LeaveBehind does what an owner of a partition does that dies in the middle of
// an insert: of the block that the messages make it inserts the rows for which
// keep is true, with the block's own token. It returns the metadata of the plan.
func LeaveBehind(conn driver.Conn, decoder *event.Decoder, messages []event.Message, keep func(i int) bool) (metadata string, err error) {
	prepared, err := Prepare(Config{MaxRows: len(messages) + 1, MaxBytes: bytesize.GiB}, decoder, messages)
	if err != nil {
		return "", err
	}
	b := prepared.blocks[0]
	w := &writer{conn: conn, inserts: make(chan struct{}, 1), metrics: newMetrics(prometheus.NewRegistry()), log: zap.NewNop()}
	if part := b.subset(keep); len(part.rows) > 0 {
		err = w.insert(part, b.token(), 1)
	}
	return plan{offset: b.start, end: b.end}.metadata(), err
}

// reach is called by every goroutine that comes to a point.
func reach(p point, topic string, partition int32) {
	if hook, ok := hooks.Load(topic); ok {
		hook.(func(point, int32))(p, partition)
	}
	for _, f := range faultsOfProcess() {
		f.reach(p)
	}
}

// faultsVariable asks a process for faults: point:n:action[:after], separated by
// commas. When it comes to the point for the n-th time, the process sends itself
// the signal of the action (kill, stop), at once or so much later.
const faultsVariable = "FAULTPOINTS"

type processFault struct {
	at      point
	nth     int64
	signal  syscall.Signal
	after   time.Duration
	reached atomic.Int64
}

var faultsOfProcess = sync.OnceValue(func() []*processFault {
	var faults []*processFault
	for text := range strings.SplitSeq(os.Getenv(faultsVariable), ",") {
		if text == "" {
			continue
		}
		f, err := parseFault(text)
		if err != nil {
			panic(err)
		}
		faults = append(faults, f)
	}
	return faults
})

func parseFault(text string) (*processFault, error) {
	parts := strings.Split(text, ":")
	if len(parts) < 3 {
		return nil, fmt.Errorf("%s: %q is not point:n:action[:after]", faultsVariable, text)
	}
	f := &processFault{at: point(parts[0])}
	var err error
	if f.nth, err = strconv.ParseInt(parts[1], 10, 64); err != nil {
		return nil, fmt.Errorf("%s: %w", faultsVariable, err)
	}
	switch parts[2] {
	case "kill":
		f.signal = syscall.SIGKILL
	case "stop":
		f.signal = syscall.SIGSTOP
	default:
		return nil, fmt.Errorf("%s: action %q is not kill or stop", faultsVariable, parts[2])
	}
	if len(parts) > 3 {
		if f.after, err = time.ParseDuration(parts[3]); err != nil {
			return nil, fmt.Errorf("%s: %w", faultsVariable, err)
		}
	}
	return f, nil
}

func (f *processFault) reach(p point) {
	if p != f.at || f.reached.Add(1) != f.nth {
		return
	}
	strike := func() {
		if err := syscall.Kill(os.Getpid(), f.signal); err != nil {
			panic(err)
		}
	}
	if f.after > 0 {
		time.AfterFunc(f.after, strike)
		return
	}
	strike() // The kernel delivers a signal to oneself before the call returns.
}
