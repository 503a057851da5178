// Command mutate shows that the fault suite can fail: it switches one mechanism
// of ingest off at a time, by a change of the source that only the compiler
// sees (go build -overlay), and expects the tests that guard it to fail.
//
//	go run ./ingest/faults/mutate [-only NAME] [-broker embedded|apache] [-list]
//	go run ./ingest/faults/mutate -cost [-runs N] [-events N] > cost.json
//
// With -cost it measures instead what the guarantee costs (cost.go).
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	only := flag.String("only", "", "the mutant of this name alone")
	broker := flag.String("broker", "embedded", "the broker to run the tests on; empty: both")
	list := flag.Bool("list", false, "list the mutants")
	cost := flag.Bool("cost", false, "measure ingest beside ingest without plan and verification")
	runs := flag.Int("runs", 10, "of -cost: how many pairs")
	events := flag.Int("events", 1_000_000, "of -cost: events of each run")
	flag.Parse()
	if *cost {
		if err := measure(*runs, *events); err != nil {
			fmt.Fprintln(os.Stderr, "mutate:", err)
			os.Exit(2)
		}
		return
	}
	survivors, err := run(*only, *broker, *list)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(2)
	}
	if survivors > 0 {
		fmt.Fprintf(os.Stdout, "%d mutants were not caught\n", survivors)
		os.Exit(1)
	}
}

func run(only, broker string, list bool) (survivors int, err error) {
	known := false
	for _, m := range mutants {
		if only != "" && only != m.name {
			continue
		}
		known = true
		if list {
			fmt.Fprintf(os.Stdout, "%-28s %s\n%-28s   caught by %s\n", m.name, m.off, "", strings.Join(m.tests, ", "))
			continue
		}
		for _, tests := range m.tests {
			began := time.Now()
			caught, output, err := m.try(tests, broker)
			verdict := "caught"
			switch {
			case err != nil:
				verdict = "ERROR"
				output = "_test.go:" + err.Error() + "\n" + output
				survivors++
			case !caught:
				verdict = "SURVIVED"
				survivors++
			}
			fmt.Fprintf(os.Stdout, "%-22s %-36s %-8s %5.1fs  %s\n", m.name, tests, verdict, time.Since(began).Seconds(), reason(output))
		}
	}
	if !known {
		return 0, fmt.Errorf("there is no mutant %q (see -list)", only)
	}
	return survivors, nil
}

// try runs tests that guard the mechanism, with the mechanism off.
func (m mutant) try(tests, broker string) (caught bool, output string, err error) {
	dir, err := os.MkdirTemp("", "daybook-mutate-")
	if err != nil {
		return false, "", err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := m.overlay(dir)
	if err != nil {
		return false, "", err
	}
	test := exec.Command("go", "test", "-tags", "faultpoints", "-count=1", "-failfast", "-timeout", "10m", "-run", tests, "./ingest/faults") //nolint:gosec,noctx // Bounded by its own timeout.
	// In the environment, so that the tests build their nodes with it as well.
	test.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay, "FAULTS_PATIENCE=60s", "KAFKATEST_ONLY="+broker)
	out, err := test.CombinedOutput()
	output = string(out)
	var failed *exec.ExitError
	switch {
	case strings.Contains(output, "build daybook:"), strings.Contains(output, "[build failed]"):
		return false, output, errors.New("it does not compile")
	case err == nil && strings.Contains(output, "no tests to run"):
		return false, output, errors.New("no test has that name")
	case err == nil:
		return false, output, nil
	case errors.As(err, &failed) && strings.Contains(output, "--- FAIL"):
		return true, output, nil
	default:
		return false, output, err
	}
}

// overlay writes the changed files and returns the path of what tells the compiler.
func (m mutant) overlay(dir string) (string, error) {
	files := map[string]string{}
	for i, c := range m.changes {
		path, err := filepath.Abs(c.file)
		if err != nil {
			return "", err
		}
		from := path
		if changed, ok := files[path]; ok {
			from = changed
		}
		text, err := os.ReadFile(from) //nolint:gosec // Our own sources.
		if err != nil {
			return "", err
		}
		if n := strings.Count(string(text), c.old); n != 1 {
			return "", fmt.Errorf("%s has %d places that read %q, want one: the mutant is out of date", c.file, n, c.old)
		}
		files[path] = filepath.Join(dir, fmt.Sprintf("%d.go", i))
		if err := os.WriteFile(files[path], []byte(strings.Replace(string(text), c.old, c.replacement, 1)), 0o600); err != nil { //nolint:gosec // A name of ours in a folder of ours.
			return "", err
		}
	}
	text, err := json.Marshal(map[string]any{"Replace": files})
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// reason returns the first line with which a test said what was wrong.
func reason(output string) string {
	for line := range strings.Lines(output) {
		if _, says, ok := strings.Cut(line, "_test.go:"); ok {
			if len(says) > 110 {
				says = says[:110]
			}
			return strings.TrimSpace(says)
		}
	}
	return ""
}
