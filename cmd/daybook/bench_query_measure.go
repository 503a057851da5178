package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"

	"daybook/pkg/auth"
	"daybook/pkg/tenant"
	"daybook/query/export"
)

// queryReport is what the benchmark prints with --json.
type queryReport struct {
	Bench       string        `json:"bench"`
	Machine     benchMachine  `json:"machine"`
	Date        time.Time     `json:"date"`
	Events      int           `json:"events"`
	Days        int           `json:"days"`
	Parts       uint64        `json:"parts"`
	UnderIngest bool          `json:"under_ingest"`
	IngestRate  float64       `json:"ingest_rate,omitempty"` // events a second meanwhile
	Results     []queryResult `json:"results"`
}

// queryResult is one query: medians of its runs, in milliseconds, with least
// and greatest.
type queryResult struct {
	Name         string    `json:"name"`
	TenantEvents uint64    `json:"tenant_events"`
	Bound        float64   `json:"bound,omitempty"` // milliseconds; of an export, rows a second
	HTTP         float64   `json:"http_ms"`
	HTTPMin      float64   `json:"http_ms_min"`
	HTTPMax      float64   `json:"http_ms_max"`
	SQL          float64   `json:"sql_ms"`
	SQLMin       float64   `json:"sql_ms_min"`
	SQLMax       float64   `json:"sql_ms_max"`
	Added        float64   `json:"added_ms"` // median of what HTTP took longer
	Statements   float64   `json:"statements"`
	RowsRead     float64   `json:"rows_read"`
	RowsPerS     float64   `json:"rows_per_s,omitempty"` // of an export
	Runs         int       `json:"runs"`
	HTTPRaw      []float64 `json:"http_ms_raw"`
	SQLRaw       []float64 `json:"sql_ms_raw"`
}

// queryRuns is what the runs of one query have measured so far.
type queryRuns struct {
	http, sql, added, statements, rowsRead, rate []float64
}

// readKey makes the key that the calls carry. It reads for every tenant and works
// for a day.
func readKey(ctx context.Context, keys *auth.Store) (string, error) {
	expires := time.Now().Add(24 * time.Hour)
	_, text, err := keys.Create(ctx, auth.NewKey{Name: "bench", Tenant: tenant.All, Scopes: []auth.Scope{auth.ScopeEventsRead}, ExpiresAt: &expires})
	return text, err
}

func (b *queryBench) measure(ctx context.Context, report *queryReport) error {
	tenants, err := b.tenants(ctx)
	if err != nil {
		return err
	}
	values := map[string]*benchValues{}
	for _, of := range []benchTenant{tenants.largest, tenants.around1m, tenants.around100k} {
		if values[of.id] == nil {
			if values[of.id], err = b.values(ctx, of); err != nil {
				return err
			}
		}
	}
	if report.Parts, err = b.parts(ctx); err != nil {
		return err
	}
	cases := slices.Clone(queryCases)
	if len(b.only) > 0 {
		cases = slices.DeleteFunc(cases, func(c queryCase) bool { return !slices.Contains(b.only, c.name) })
	}
	all := make([]queryRuns, len(cases))
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	for run := range b.runs {
		fmt.Fprintf(b.a.stderr, "run %d of %d\n", run+1, b.runs)
		for i, c := range cases {
			if err := b.feed.await(ctx); err != nil {
				return err
			}
			of := c.of(tenants)
			if err := b.ask(ctx, client, of, c.call(values[of.id], run), run%2 == 0, &all[i]); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
	}
	if report.IngestRate, err = b.feed.rate(ctx); err != nil {
		return err
	}
	for i, c := range cases {
		r := all[i].result(c.name, c.bound, b.underIngest)
		r.TenantEvents = c.of(tenants).events
		report.Results = append(report.Results, r)
	}
	return nil
}

// ask puts one question both ways.
func (b *queryBench) ask(ctx context.Context, client *http.Client, of benchTenant, call benchCall, httpFirst bool, into *queryRuns) error {
	b.conn.take()
	if _, err := b.call(ctx, client, of, call); err != nil { // To learn its statements, and to have read what it reads.
		return err
	}
	statements := b.conn.take()
	var rowsRead uint64
	straight := func() (err error) { //nolint:contextcheck // Each statement has its own.
		took, err := timed(func() (err error) { rowsRead, err = b.conn.again(statements); return err })
		into.sql = append(into.sql, milliseconds(took))
		return err
	}
	overHTTP := func() error {
		var rows int64
		took, err := timed(func() (err error) { rows, err = b.call(ctx, client, of, call); return err })
		into.http = append(into.http, milliseconds(took))
		into.rate = append(into.rate, float64(rows)/took.Seconds())
		return err
	}
	order := []func() error{straight, overHTTP}
	if httpFirst {
		slices.Reverse(order)
	}
	for _, way := range order {
		if err := way(); err != nil {
			return err
		}
	}
	last := len(into.http) - 1
	into.added = append(into.added, into.http[last]-into.sql[last])
	into.statements = append(into.statements, float64(len(statements)))
	into.rowsRead = append(into.rowsRead, float64(rowsRead))
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// call reads an answer to its end. It returns how many rows an export had.
func (b *queryBench) call(ctx context.Context, client *http.Client, of benchTenant, call benchCall) (rows int64, err error) {
	body, err := call.encoded()
	if err != nil {
		return 0, err
	}
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	request, err := http.NewRequestWithContext(ctx, method, b.url+call.path+"?"+call.query.Encode(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+b.key)
	request.Header.Set("X-Tenant-Id", of.id)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		var problem struct{ Detail string }
		_ = json.NewDecoder(response.Body).Decode(&problem)
		return 0, fmt.Errorf("%s %s: %s: %s", method, call.path, response.Status, problem.Detail)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0, err
	}
	if text := response.Trailer.Get(export.RowsTrailer); text != "" {
		return strconv.ParseInt(text, 10, 64)
	}
	return 0, nil
}

func (q *queryRuns) result(name string, bound float64, underIngest bool) queryResult {
	median := func(raw []float64) float64 { return summarize("", "", raw).Median }
	overHTTP, straight := summarize("", "", q.http), summarize("", "", q.sql)
	r := queryResult{
		Name: name, Bound: bound, Runs: len(q.http), HTTPRaw: q.http, SQLRaw: q.sql,
		HTTP: overHTTP.Median, HTTPMin: overHTTP.Min, HTTPMax: overHTTP.Max,
		SQL: straight.Median, SQLMin: straight.Min, SQLMax: straight.Max,
		Added: median(q.added), Statements: median(q.statements), RowsRead: median(q.rowsRead),
	}
	if name == exportCase {
		r.RowsPerS = median(q.rate)
	}
	if underIngest && name == exportCase {
		r.Bound /= 2
	} else if underIngest {
		r.Bound *= 2
	}
	return r
}

// verdict says whether a result keeps its bound.
func (r queryResult) verdict() string {
	switch {
	case r.Bound == 0:
		return ""
	case r.Name == exportCase && r.RowsPerS >= r.Bound, r.Name != exportCase && r.HTTP <= r.Bound:
		return "kept"
	default:
		return "missed"
	}
}

func (r queryReport) write(w io.Writer, asJSON bool) error {
	if asJSON {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	fmt.Fprintf(w, "%s, %d events of %d days in %d parts; %d cores, %s, %s\n", r.Bench, r.Events, r.Days, r.Parts, r.Machine.Cores, r.Machine.CPU, r.Machine.Memory)
	if r.UnderIngest {
		fmt.Fprintf(w, "meanwhile %.0f events/s were ingested\n", r.IngestRate)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\tof events\thttp ms\tmin\tmax\tsql ms\tmin\tmax\tadded\tstatements\trows read\tbound\t\truns\t")
	for _, one := range r.Results {
		bound := round(one.Bound)
		if one.RowsPerS > 0 {
			bound = fmt.Sprintf("%.0f of %s rows/s", one.RowsPerS, bound)
		}
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%.0f\t%.0f\t%s\t%s\t%d\t\n", one.Name, one.TenantEvents, round(one.HTTP), round(one.HTTPMin), round(one.HTTPMax),
			round(one.SQL), round(one.SQLMin), round(one.SQLMax), round(one.Added), one.Statements, one.RowsRead, bound, one.verdict(), one.Runs)
	}
	return table.Flush()
}
