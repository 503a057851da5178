package embedded

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// orphanGrace is how long an engine whose parent died may take to shut down.
const orphanGrace = 20 * time.Second

// RunEngine is the body of the hidden command `daybook engine LIBRARY ARGS…`,
// the child process that StartClickHouse starts: it runs ClickHouse out of
// libchdb.so with the arguments of clickhouse-local until its standard input
// ends, and returns the exit code.
//
// It takes over the process: ClickHouse installs signal handlers, starts
// hundreds of threads and aborts on its own faults, so nothing else may run
// beside it.
func RunEngine(args []string) int {
	if len(args) < 1 {
		fmt.Fprintln(os.Stderr, "daybook engine: internal command, started by daybook serve")
		return 2
	}
	// The parent decides when to stop, in its own order, by closing our
	// standard input. A signal to the whole group or service must not stop
	// ClickHouse before what writes to it has stopped.
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	go dieWithParent(os.Getppid())

	runtime.LockOSThread()
	library, err := purego.Dlopen(args[0], purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		fmt.Fprintf(os.Stderr, "daybook engine: load %s: %v\n", args[0], err)
		return 1
	}
	var run func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	var failure func(result unsafe.Pointer) string
	for name, function := range map[string]any{"chdb_query_cmdline": &run, "chdb_result_error": &failure} {
		symbol, err := purego.Dlsym(library, name)
		if err != nil {
			fmt.Fprintf(os.Stderr, "daybook engine: %s: %v\n", args[0], err)
			return 1
		}
		purego.RegisterFunc(function, symbol)
	}

	argv, unpin := cStrings(append([]string{"clickhouse"}, args[1:]...))
	defer unpin()
	result := run(int32(len(args)), argv)
	if result == nil {
		return 0
	}
	if text := failure(result); text != "" {
		fmt.Fprintf(os.Stderr, "daybook engine: %s\n", text)
		return 1
	}
	return 0
}

// dieWithParent ends this process for certain once its parent is gone. The end
// of standard input should have done so before; this is for an engine that
// hangs in its shutdown, or in its start, where it doesn't read yet.
func dieWithParent(parent int) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for os.Getppid() == parent {
		<-tick.C
	}
	<-time.After(orphanGrace)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// cStrings returns a C argument vector: NUL-terminated strings, ended by a nil.
// It stays valid until the returned function is called.
func cStrings(args []string) (unsafe.Pointer, func()) {
	var pin runtime.Pinner
	argv := make([]*byte, len(args)+1)
	for i, a := range args {
		text := append([]byte(a), 0)
		pin.Pin(&text[0])
		argv[i] = &text[0]
	}
	pin.Pin(&argv[0])
	return unsafe.Pointer(&argv[0]), pin.Unpin //nolint:gosec // C takes a pointer; it is pinned.
}
