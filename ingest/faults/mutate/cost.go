package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// atLeastOnce is the pipeline without what makes it exact: blocks are inserted
// unplanned and never looked for, and their offsets are committed behind them.
var atLeastOnce = mutant{name: "at-least-once", changes: []change{
	{partition, "if err := w.commitPlan(ctx, plan{offset: b.start, end: b.end, last: w.last}); err != nil {", "if err := error(nil); err != nil {"},
	{writer, "if a.doubt {\n\t\tw.metrics.doubts.Inc()", "if a.doubt && a.tries < 0 {\n\t\tw.metrics.doubts.Inc()"},
	noLook,
}}

// cost is what -cost prints. A ratio is that of a pair of runs, one after the
// other, so that a machine whose speed drifts drifts for both.
type cost struct {
	Events      int       `json:"events"`
	ExactlyOnce []float64 `json:"exactlyOnce"` // events/s
	AtLeastOnce []float64 `json:"atLeastOnce"`
	Ratios      []float64 `json:"ratios"` // of exactlyOnce to atLeastOnce
	Median      float64   `json:"medianRatio"`
	// CPU is the processor time of node, broker and ClickHouse together, in seconds: it
	// swings less than the throughput, of which waiting is a part too.
	CPU       cpu     `json:"cpuSeconds"`
	MedianCPU float64 `json:"medianCPURatio"`
}

type cpu struct {
	ExactlyOnce []float64 `json:"exactlyOnce"`
	AtLeastOnce []float64 `json:"atLeastOnce"`
	Ratios      []float64 `json:"ratios"` // of exactlyOnce to atLeastOnce
}

// measure runs `daybook bench ingest` as it is and without the guarantee, in
// turn, and prints what it costs.
func measure(runs, events int) error {
	dir, err := os.MkdirTemp("", "daybook-cost-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := atLeastOnce.overlay(dir)
	if err != nil {
		return err
	}
	exact, bare := filepath.Join(dir, "exactly-once"), filepath.Join(dir, "at-least-once")
	if err := errors.Join(build(exact), build(bare, "-overlay="+overlay)); err != nil {
		return err
	}
	c := cost{Events: events}
	for run := range runs {
		// Who is first has a cooler machine: they take turns at that too.
		order := []string{exact, bare}
		if run%2 == 1 {
			slices.Reverse(order)
		}
		rates, used := map[string]float64{}, map[string]float64{}
		for _, program := range order {
			if rates[program], used[program], err = rate(program, events); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "run %d of %d: %s %.0f events/s, %.1f s of CPU\n", run+1, runs, filepath.Base(program), rates[program], used[program])
		}
		c.ExactlyOnce, c.AtLeastOnce = append(c.ExactlyOnce, rates[exact]), append(c.AtLeastOnce, rates[bare])
		c.Ratios = append(c.Ratios, rates[exact]/rates[bare])
		c.CPU.ExactlyOnce, c.CPU.AtLeastOnce = append(c.CPU.ExactlyOnce, used[exact]), append(c.CPU.AtLeastOnce, used[bare])
		c.CPU.Ratios = append(c.CPU.Ratios, used[exact]/used[bare])
	}
	c.Median, c.MedianCPU = median(c.Ratios), median(c.CPU.Ratios)
	fmt.Fprintf(os.Stderr, "exactly once has %.3f of the throughput of at least once (%.3f to %.3f) and takes %.3f of its CPU (%.3f to %.3f)\n",
		c.Median, slices.Min(c.Ratios), slices.Max(c.Ratios), c.MedianCPU, slices.Min(c.CPU.Ratios), slices.Max(c.CPU.Ratios))
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(c)
}

func median(of []float64) float64 {
	ordered := slices.Sorted(slices.Values(of))
	return (ordered[(len(ordered)-1)/2] + ordered[len(ordered)/2]) / 2
}

func build(path string, flags ...string) error {
	command := exec.Command("go", append(append([]string{"build", "-o", path}, flags...), "./cmd/daybook")...) //nolint:gosec,noctx // Our own flags; a build ends.
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", filepath.Base(path), err, out)
	}
	return nil
}

// rate returns the events a second of one run, and its seconds of CPU with
// those of the ClickHouse that it starts and waits for.
func rate(program string, events int) (perSecond, used float64, err error) {
	command := exec.Command(program, "bench", "ingest", "--only", "daybook", "--runs", "1", "--json", "--events", strconv.Itoa(events)) //nolint:gosec,noctx // Built above; it bounds itself.
	out, err := command.Output()
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", filepath.Base(program), err)
	}
	var report struct {
		Results []struct {
			Median float64 `json:"median"`
		} `json:"results"`
	}
	if err := json.Unmarshal(out, &report); err != nil || len(report.Results) != 1 {
		return 0, 0, fmt.Errorf("%s printed no result: %w", filepath.Base(program), errors.Join(err, errors.New(string(out))))
	}
	used = (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
	return report.Results[0].Median, used, nil
}
