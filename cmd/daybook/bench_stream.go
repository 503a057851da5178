package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) benchStreamCommand() *cobra.Command {
	b := &streamBench{a: a}
	var asJSON bool
	c := &cobra.Command{
		Use: "stream", Short: "The live stream beside a bare net/http loop that writes the same bytes", Args: cobra.NoArgs,
		Long: `Serve the live stream on loopback to clients in a process of their own, and beside it a bare net/http loop that writes the same bytes to the same
clients; the two take turns. Deliveries are counted at the clients and divided by the seconds of a core that the server has used.

  broadcast_500, broadcast_1500  every client gets every event, so many a second
  own_events      each client gets events of its own
  latency         from Kafka's acknowledgement to the client's read, ten clients for each tenant
  stalled         p99 of the others while one client in ten reads nothing for some seconds, and what those lack in the end
  idle_memory     bytes of the server for each idle client
  return_storm    seconds until all clients that were away for a minute are served, from memory
  catchup_kafka, catchup_store  events a second for a client that is far behind, beside reading the same messages or rows alone`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if b.runs < 1 || b.clients < 20 || b.events < 1000 || b.seconds < 1 || b.idle < 20 {
				return usagef("--runs must be at least 1, --clients and --idle at least 20, --events at least 1000, --seconds at least 1")
			}
			for _, name := range b.only {
				if !slices.Contains(streamBenchNames(), name) {
					return usagef("--only: there is no %q; there are %s", name, strings.Join(streamBenchNames(), ", "))
				}
			}
			report, err := b.run(cmd.Context())
			return errors.Join(err, report.write(a.stdout, asJSON))
		},
	}
	c.Flags().IntVar(&b.events, "events", 1_000_000, "how far behind a client catches up")
	c.Flags().IntVar(&b.runs, "runs", 5, "how many runs of each")
	c.Flags().IntVar(&b.clients, "clients", 1000, "how many clients")
	c.Flags().IntVar(&b.idle, "idle", 10_000, "how many idle clients")
	c.Flags().IntVar(&b.seconds, "seconds", 5, "how long a run publishes")
	c.Flags().StringSliceVar(&b.only, "only", nil, "these `figures` alone")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// streamBench is one benchmark.
type streamBench struct {
	a                                    *app
	events, runs, clients, idle, seconds int
	only                                 []string
}

// streamReport is what bench stream prints with --json.
type streamReport struct {
	Bench   string         `json:"bench"`
	Machine benchMachine   `json:"machine"`
	Date    time.Time      `json:"date"`
	Clients int            `json:"clients"`
	Events  int            `json:"events"`
	Results []streamResult `json:"results"`
}

// streamResult is one figure: the median of its runs beside its baseline's.
type streamResult struct {
	Name     string   `json:"name"`
	Value    float64  `json:"value"`
	Unit     string   `json:"unit"`
	Baseline *float64 `json:"baseline"` // null: there is nothing to compare with
	Min      float64  `json:"min"`
	Max      float64  `json:"max"`
	Runs     int      `json:"runs"`
	Target   float64  `json:"target"`
	Met      bool     `json:"met"`
	Note     string   `json:"note,omitempty"`
}

// streamFigures collects the runs of a measurement's figures by name.
type streamFigures struct {
	order    []string
	values   map[string][]float64
	baseline map[string][]float64
}

func (f *streamFigures) add(name string, value float64) {
	if f.values == nil {
		f.values, f.baseline = map[string][]float64{}, map[string][]float64{}
	}
	if !slices.Contains(f.order, name) {
		f.order = append(f.order, name)
	}
	f.values[name] = append(f.values[name], value)
}

func (f *streamFigures) addBaseline(name string, value float64) {
	f.add(name, math.NaN())
	f.values[name] = f.values[name][:len(f.values[name])-1]
	f.baseline[name] = append(f.baseline[name], value)
}

// streamTarget is what a figure has to reach.
type streamTarget struct {
	unit   string
	target float64
	most   bool // the figure may not exceed it; else it must reach it
	note   string
}

var streamTargets = map[string]streamTarget{
	"broadcast_500":        {"deliveries/s/core", 500_000, false, ""},
	"broadcast_500_share":  {"of the bare loop", 0.8, false, ""},
	"broadcast_1500":       {"deliveries/s/core", 1_000_000, false, ""},
	"broadcast_1500_share": {"of the bare loop", 0.8, false, ""},
	"own_events":           {"deliveries/s/core", 50_000, false, ""},
	"own_events_share":     {"of the bare loop", 0.8, false, ""},
	"latency_p50":          {"ms", 15, true, "2,000 events/s"},
	"latency_p99":          {"ms", 100, true, "2,000 events/s"},
	"stalled_p99_rise":     {"of the p99 without", 0.1, true, ""},
	"stalled_lost":         {"events", 0, true, ""},
	"idle_memory":          {"bytes/client", 25 << 10, true, ""},
	"return_storm":         {"s", 5, true, ""},
	"catchup_kafka":        {"events/s", 100_000, false, ""},
	"catchup_store":        {"events/s", 100_000, false, ""},
}

// measurement is a part of the benchmark. One run of it adds to the figures.
type measurement struct {
	name string
	once func(b *streamBench, ctx context.Context, figures *streamFigures) error
}

func streamMeasurements() []measurement {
	return []measurement{
		{"broadcast_500", func(b *streamBench, ctx context.Context, f *streamFigures) error {
			return b.deliver(ctx, f, "broadcast_500", 1, 500)
		}},
		{"broadcast_1500", func(b *streamBench, ctx context.Context, f *streamFigures) error {
			return b.deliver(ctx, f, "broadcast_1500", 1, 1500)
		}},
		{"own_events", func(b *streamBench, ctx context.Context, f *streamFigures) error {
			return b.deliver(ctx, f, "own_events", b.clients, 20*b.clients)
		}},
		{"latency", (*streamBench).latency},
		{"stalled", (*streamBench).stalled},
		{"idle_memory", (*streamBench).idleMemory},
		{"return_storm", (*streamBench).returnStorm},
		{"catchup_kafka", (*streamBench).catchupKafka},
		{"catchup_store", (*streamBench).catchupStore},
	}
}

func streamBenchNames() []string {
	var names []string
	for _, m := range streamMeasurements() {
		names = append(names, m.name)
	}
	return names
}

func (b *streamBench) run(ctx context.Context) (streamReport, error) {
	report := streamReport{Bench: "stream", Machine: machine(), Date: time.Now().UTC(), Clients: b.clients, Events: b.events}
	var figures streamFigures
	var err error
	for run := range b.runs {
		for _, m := range streamMeasurements() {
			if len(b.only) > 0 && !slices.Contains(b.only, m.name) {
				continue
			}
			if err = m.once(b, ctx, &figures); err != nil {
				err = fmt.Errorf("%s: %w", m.name, err)
				break
			}
			fmt.Fprintf(b.a.stderr, "run %d of %d: %s\n", run+1, b.runs, m.name)
		}
		if err != nil {
			break
		}
	}
	for _, name := range figures.order {
		if len(figures.values[name]) > 0 {
			report.Results = append(report.Results, figures.result(name))
		}
	}
	return report, err
}

func (f *streamFigures) result(name string) streamResult {
	target := streamTargets[name]
	s := summarize(name, target.unit, f.values[name])
	r := streamResult{Name: name, Value: s.Median, Unit: target.unit, Min: s.Min, Max: s.Max, Runs: s.Runs, Target: target.target, Note: target.note}
	if len(f.baseline[name]) > 0 {
		median := summarize(name, target.unit, f.baseline[name]).Median
		r.Baseline = &median
	}
	r.Met = r.Value >= r.Target
	if target.most {
		r.Met = r.Value <= r.Target
	}
	return r
}

func (r streamReport) write(w io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	fmt.Fprintf(w, "%s, %d clients; %d cores, %s, %s\n", r.Bench, r.Clients, r.Machine.Cores, r.Machine.CPU, r.Machine.Memory)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tvalue\tbaseline\tmin\tmax\truns\ttarget\t\tunit\t")
	for _, one := range r.Results {
		baseline, met := "-", "met"
		if one.Baseline != nil {
			baseline = round(*one.Baseline)
		}
		if !one.Met {
			met = "missed"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t %s\n", one.Name, round(one.Value), baseline, round(one.Min), round(one.Max), one.Runs, round(one.Target), met, one.Unit, one.Note)
	}
	return table.Flush()
}
