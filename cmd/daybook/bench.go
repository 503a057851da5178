package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) benchCommand() *cobra.Command {
	return group("bench", "Measure Daybook beside its baselines, on this machine", a.benchIngestCommand(), a.benchQueryCommand(), a.benchStreamCommand(),
		a.benchStreamClientsCommand(), a.benchStreamIdleCommand())
}

// benchReport is what a benchmark prints with --json.
type benchReport struct {
	Bench   string        `json:"bench"`
	Machine benchMachine  `json:"machine"`
	Date    time.Time     `json:"date"`
	Events  int           `json:"events"`
	Results []benchResult `json:"results"`
}

type benchMachine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	OS     string `json:"os"`
	Go     string `json:"go"`
}

// benchResult is one figure: the median of its runs.
type benchResult struct {
	Name   string    `json:"name"`
	Unit   string    `json:"unit"`
	Median float64   `json:"median"`
	Min    float64   `json:"min"`
	Max    float64   `json:"max"`
	Runs   int       `json:"runs"`
	Raw    []float64 `json:"raw"`
	Note   string    `json:"note,omitempty"`
}

func summarize(name, unit string, raw []float64) benchResult {
	r := benchResult{Name: name, Unit: unit, Runs: len(raw), Raw: raw}
	if len(raw) == 0 {
		return r
	}
	sorted := slices.Sorted(slices.Values(raw))
	r.Min, r.Max = sorted[0], sorted[len(sorted)-1]
	r.Median = (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
	return r
}

func machine() benchMachine {
	return benchMachine{CPU: procValue("/proc/cpuinfo", "model name"), Cores: runtime.NumCPU(),
		Memory: procValue("/proc/meminfo", "MemTotal"), OS: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version()}
}

// procValue reads the first "name : value" of a file of the kernel's; "" where there is none.
func procValue(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func (r benchReport) write(w io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	fmt.Fprintf(w, "%s, %d events; %d cores, %s, %s\n", r.Bench, r.Events, r.Machine.Cores, r.Machine.CPU, r.Machine.Memory)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tmedian\tmin\tmax\truns\tunit\t")
	for _, one := range r.Results {
		if one.Runs == 0 {
			fmt.Fprintf(table, "%s\t-\t-\t-\t0\t%s\t %s\n", one.Name, one.Unit, one.Note)
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t %s\n", one.Name, round(one.Median), round(one.Min), round(one.Max), one.Runs, one.Unit, one.Note)
	}
	return table.Flush()
}

func round(x float64) string {
	if math.Abs(x) >= 100 {
		return fmt.Sprintf("%.0f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
