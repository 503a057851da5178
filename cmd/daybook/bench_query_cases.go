package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"daybook/pkg/generate"
	"daybook/schema"
)

// queryCase is a question that the benchmark asks.
type queryCase struct {
	name  string
	bound float64 // what we aim at for 10 M events, in milliseconds; of an export, events a second; 0: none
	of    func(t *benchTenants) benchTenant
	call  func(v *benchValues, run int) benchCall
}

// benchCall is one call of the API.
type benchCall struct {
	path  string
	query url.Values
	body  any // nil: it is a GET
}

// queryCases are asked of the largest tenant, unless the issue names a size.
var queryCases = []queryCase{
	{"newest", 15, largest, func(_ *benchValues, run int) benchCall { return searchCall(nil) }},
	{"newest_type_severity", 20, largest, func(_ *benchValues, run int) benchCall {
		kind := [...][2]string{{"login.failed", "WARN+"}, {"request.error", "ERROR"}, {"payment.failed", "ERROR+"}, {"health_check.failed", "CRITICAL"}}[run%4]
		return searchCall(url.Values{"eventType": {kind[0]}, "severity": {kind[1]}})
	}},
	{"rare_word", 15, largest, func(v *benchValues, run int) benchCall { return textCall(v.words, run) }},
	{"planted_word", 15, largest, func(*benchValues, int) benchCall { return searchCall(url.Values{"q": {generate.Rare.Text}}) }},
	{"substring_100k", 40, around100k, func(v *benchValues, run int) benchCall { return textCall(v.parts, run) }},
	{"substring_1m", 120, around1m, func(v *benchValues, run int) benchCall { return textCall(v.parts, run) }},
	{"correlation_id", 15, largest, func(v *benchValues, run int) benchCall { return idCall("correlationId", v.correlations, run) }},
	{"actor", 15, largest, func(v *benchValues, run int) benchCall { return idCall("actorId", v.actors, run) }},
	{"target", 15, largest, func(v *benchValues, run int) benchCall { return idCall("targetId", v.targets, run) }},
	{"target_scattered", 15, largest, func(v *benchValues, run int) benchCall { return idCall("targetId", v.scattered, run) }},
	{"histogram_90d", 15, largest, func(v *benchValues, _ int) benchCall {
		return benchCall{path: "/api/v1/events/histogram", query: url.Values{"from": {v.since(90)}}}
	}},
	{"counts_by_type_rollup", 10, largest, func(v *benchValues, _ int) benchCall {
		return aggregateCall(v.since(90), nil, nil)
	}},
	{"counts_by_type_raw", 120, largest, func(v *benchValues, run int) benchCall {
		return aggregateCall(v.since(90), map[string]string{"actorType": [...]string{"USER", "API_KEY", "SYSTEM"}[run%3]}, nil)
	}},
	{"p95_by_type_30d_100k", 30, around100k, func(v *benchValues, _ int) benchCall { return p95Call(v) }},
	{"p95_by_type_30d_1m", 30, around1m, func(v *benchValues, _ int) benchCall { return p95Call(v) }},
	{"facets", 60, largest, func(v *benchValues, _ int) benchCall {
		return benchCall{path: "/api/v1/events/facets", query: url.Values{"from": {v.since(90)}}}
	}},
	{"export_ndjson", 150_000, around1m, func(v *benchValues, _ int) benchCall {
		return benchCall{path: "/api/v1/events/export", query: url.Values{"from": {v.since(20)}}}
	}},
}

const exportCase = "export_ndjson"

func queryNames() []string {
	names := make([]string, len(queryCases))
	for i, c := range queryCases {
		names[i] = c.name
	}
	return names
}

func searchCall(filter url.Values) benchCall { return benchCall{path: "/api/v1/events", query: filter} }

func textCall(texts []string, run int) benchCall {
	return searchCall(url.Values{"q": {`"` + texts[run%len(texts)] + `"`}})
}

func idCall(parameter string, ids []string, run int) benchCall {
	return searchCall(url.Values{parameter: {ids[run%len(ids)]}})
}

// aggregateCall groups by type. Without metrics it counts.
func aggregateCall(from string, filter map[string]string, metrics []map[string]string) benchCall {
	body := map[string]any{"from": from, "bucket": nil, "groupBy": []string{"eventType"}}
	if filter != nil {
		body["filter"] = filter
	}
	if metrics != nil {
		body["metrics"] = metrics
	}
	return benchCall{path: "/api/v1/events/aggregate", body: body}
}

func p95Call(v *benchValues) benchCall {
	return aggregateCall(v.since(30), nil, []map[string]string{{"op": "p95", "field": "payload.latency_ms"}})
}

func (c benchCall) encoded() ([]byte, error) {
	if c.body == nil {
		return nil, nil
	}
	return json.Marshal(c.body)
}

// benchTenant is a tenant of the stored events.
type benchTenant struct {
	id     string
	events uint64
}

// benchTenants are those that are asked about.
type benchTenants struct{ largest, around1m, around100k benchTenant }

func largest(t *benchTenants) benchTenant    { return t.largest }
func around1m(t *benchTenants) benchTenant   { return t.around1m }
func around100k(t *benchTenants) benchTenant { return t.around100k }

func (b *queryBench) tenants(ctx context.Context) (*benchTenants, error) {
	rows, err := b.conn.Conn.Query(ctx, "SELECT tenant_id, toUInt64(sum(events)) AS n FROM "+schema.Events15m+" GROUP BY tenant_id ORDER BY n DESC, tenant_id")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var t benchTenants
	nearer := func(best *benchTenant, one benchTenant, size float64) {
		if best.id == "" || distance(one.events, size) < distance(best.events, size) {
			*best = one
		}
	}
	for rows.Next() {
		var one benchTenant
		if err := rows.Scan(&one.id, &one.events); err != nil {
			return nil, err
		}
		if t.largest.id == "" {
			t.largest = one
		}
		nearer(&t.around1m, one, 1e6)
		nearer(&t.around100k, one, 1e5)
	}
	return &t, rows.Err()
}

func distance(events uint64, size float64) float64 {
	return max(float64(events)/size, size/float64(events))
}

// benchValues are what is looked for among a tenant's events: one for each run,
// taken from events at random, so that what is frequent comes more often.
type benchValues struct {
	end                                      time.Time
	words, parts                             []string
	correlations, actors, targets, scattered []string
}

func (v *benchValues) since(days int) string {
	return v.end.AddDate(0, 0, -days).Format(time.RFC3339)
}

func (b *queryBench) values(ctx context.Context, of benchTenant) (*benchValues, error) {
	v := &benchValues{end: b.end}
	for _, wanted := range []struct {
		into             *[]string
		value, condition string
	}{
		{&v.correlations, "correlation_id", "correlation_id != ''"},
		{&v.actors, "actor_id", "actor_id != ''"},
		{&v.targets, "target_id", "target_id != ''"},
		{&v.scattered, "target_id", "target_type = 'PRODUCT'"},
		// A text of twelve letters and digits that stands in one event alone: a trace, a reference of a payment.
		{&v.words, `extract(payload_text, '"([0-9a-z]{12})"')`, "match(payload_text, '\"[0-9a-z]{12}\"')"},
	} {
		rows, err := b.conn.Conn.Query(ctx, fmt.Sprintf("SELECT %s FROM %s WHERE tenant_id = ? AND created_at <= ? AND %s ORDER BY cityHash64(event_id) LIMIT %d",
			wanted.value, schema.Events, wanted.condition, b.runs), of.id, b.end)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var value string
			if err := rows.Scan(&value); err != nil {
				return nil, errors.Join(err, rows.Close())
			}
			*wanted.into = append(*wanted.into, value)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
		if len(*wanted.into) == 0 {
			return nil, fmt.Errorf("%s has no events with %s: ask for more --events", of.id, wanted.value)
		}
	}
	for _, word := range v.words {
		v.parts = append(v.parts, word[3:10])
	}
	return v, nil
}
