package schema_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	daybookch "daybook/pkg/clickhouse"
	"daybook/pkg/clickhouse/clickhousetest"
	"daybook/pkg/event"
	"daybook/pkg/generate"
)

// BenchmarkChoice is how the keys, the payload's copy and the indexes of
// events were chosen: the same generated events in tables that differ in one
// thing, written in blocks as ingest writes them, and read as users read. The
// tables take turns with each question, so that a noisy machine is as noisy
// for all. It prints, a line for each table: seconds of CPU for the insert
// with its merges, bytes a row, parts; then the medians in milliseconds.
//
// DAYBOOK_TABLES chooses tables by a part of their names.
//
//	DAYBOOK_EVENTS=5000000 go test ./schema -run '^$' -bench Choice -benchtime 1x -timeout 2h
func BenchmarkChoice(b *testing.B) {
	events := 200_000
	if n, err := strconv.Atoi(os.Getenv("DAYBOOK_EVENTS")); err == nil {
		events = n
	}
	config := clickhousetest.Start(b)
	conn, err := daybookch.Open(b.Context(), config)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	lab := laboratory{b, conn}
	lab.run("CREATE TABLE base (" + baseColumns + ") ENGINE = MergeTree ORDER BY tuple()")
	lab.load(events)
	variants = slices.DeleteFunc(variants, func(v variant) bool { return !strings.Contains(v.name, os.Getenv("DAYBOOK_TABLES")) })
	for b.Loop() {
		for i, v := range variants {
			lab.build(i, v)
		}
		lab.ask()
	}
}

const baseColumns = `tenant_id LowCardinality(String), created_at DateTime64(6, 'UTC') CODEC(Delta(8), ZSTD(1)), event_id String CODEC(ZSTD(1)),
	event_type LowCardinality(String), category LowCardinality(String), source LowCardinality(String),
	severity Enum8('INFO' = 1, 'WARN' = 2, 'ERROR' = 3, 'CRITICAL' = 4), actor_type LowCardinality(String), actor_id String CODEC(ZSTD(1)),
	target_type LowCardinality(String), target_id String CODEC(ZSTD(1)), correlation_id String CODEC(ZSTD(1)),
	payload String CODEC(ZSTD(1)), payload_text String CODEC(ZSTD(1)), kafka_offset Int64 CODEC(Delta(8), ZSTD(1))`

const baseNames = `tenant_id, created_at, event_id, event_type, category, source, severity, actor_type, actor_id,
	target_type, target_id, correlation_id, payload, payload_text, kafka_offset`

// variant is one way to lay out the table.
type variant struct {
	name  string
	extra string // columns and indexes beyond baseColumns
	order string
	// substring is the predicate that finds the text $; position() where empty.
	substring string
	// number reads the payload's amount; JSONExtractFloat where empty.
	number string
	rows   int // a granule's; 8192 where zero
}

const (
	keyTime = "(tenant_id, created_at, event_id)"
	keyType = "(tenant_id, toStartOfHour(created_at), event_type, created_at, event_id)"
	blooms  = `, INDEX ix_event event_id TYPE bloom_filter(0.01) GRANULARITY 1, INDEX ix_correlation correlation_id TYPE bloom_filter(0.01) GRANULARITY 1,
		INDEX ix_actor actor_id TYPE bloom_filter(0.01) GRANULARITY 1, INDEX ix_target target_id TYPE bloom_filter(0.01) GRANULARITY 1`
)

var variants = []variant{
	{name: "plain", order: keyTime},
	{name: "key with hour and type", order: keyType},
	{name: "bloom on ids", order: keyTime, extra: blooms},
	{name: "JSON 64 paths", order: keyTime, number: "CAST(attrs.amount, 'Nullable(Float64)')",
		extra: `, attrs JSON(max_dynamic_paths=64) MATERIALIZED ifNull(accurateCastOrNull(payload, 'JSON(max_dynamic_paths=64)'), '{}'::JSON(max_dynamic_paths=64)) CODEC(ZSTD(1))`},
	{name: "Map of strings", order: keyTime, number: "toFloat64OrNull(attrs['amount'])",
		extra: `, attrs Map(LowCardinality(String), String) MATERIALIZED CAST(JSONExtractKeysAndValues(payload, 'String'), 'Map(LowCardinality(String), String)') CODEC(ZSTD(1))`},
	{name: "words", order: keyTime, extra: ", INDEX ix_text payload_text TYPE text(tokenizer = 'splitByNonAlpha')"},
	{name: "words, LIKE", order: keyTime, extra: ", INDEX ix_text payload_text TYPE text(tokenizer = 'splitByNonAlpha')", substring: "payload_text LIKE '%$%'"},
	{name: "ngrams(3)", order: keyTime, extra: ", INDEX ix_text payload_text TYPE text(tokenizer = ngrams(3))", substring: "payload_text LIKE '%$%'"},
	{name: "ngrams(4)", order: keyTime, extra: ", INDEX ix_text payload_text TYPE text(tokenizer = ngrams(4))", substring: "payload_text LIKE '%$%'"},
	{name: "bloom of 3-grams, 32 KiB", order: keyTime, extra: ", INDEX ix_text payload_text TYPE ngrambf_v1(3, 32768, 3, 0) GRANULARITY 1", substring: "payload_text LIKE '%$%'"},
	{name: "bloom of 4-grams, 32 KiB", order: keyTime, extra: ", INDEX ix_text payload_text TYPE ngrambf_v1(4, 32768, 3, 0) GRANULARITY 1", substring: "payload_text LIKE '%$%'"},
	{name: "bloom of 4-grams, 128 KiB", order: keyTime, extra: ", INDEX ix_text payload_text TYPE ngrambf_v1(4, 131072, 3, 0) GRANULARITY 1", substring: "payload_text LIKE '%$%'"},
	{name: "bloom of 5-grams, 64 KiB", order: keyTime, extra: ", INDEX ix_text payload_text TYPE ngrambf_v1(5, 65536, 2, 0) GRANULARITY 1", substring: "payload_text LIKE '%$%'"},
	{name: "granules of 8192 rows", order: keyTime, extra: blooms + ", INDEX ix_text payload_text TYPE ngrambf_v1(4, 32768, 3, 0) GRANULARITY 1", substring: "payload_text LIKE '%$%'"},
	{name: "granules of 2048 rows", rows: 2048, order: keyTime, extra: blooms + ", INDEX ix_text payload_text TYPE ngrambf_v1(4, 16384, 3, 0) GRANULARITY 1", substring: "payload_text LIKE '%$%'"},
	{name: "granules of 1024 rows", rows: 1024, order: keyTime, extra: blooms + ", INDEX ix_text payload_text TYPE ngrambf_v1(4, 8192, 3, 0) GRANULARITY 1", substring: "payload_text LIKE '%$%'"},
	{name: "granules of 1024 rows, text by 8", rows: 1024, order: keyTime, extra: blooms + ", INDEX ix_text payload_text TYPE ngrambf_v1(4, 32768, 3, 0) GRANULARITY 8", substring: "payload_text LIKE '%$%'"},
}

type laboratory struct {
	*testing.B
	conn driver.Conn
}

func (l laboratory) run(statement string) {
	l.Helper()
	if err := l.conn.Exec(context.Background(), statement); err != nil {
		l.Fatalf("%s: %v", statement, err)
	}
}

// load fills base with generated events of 90 days, decoded as ingest does.
func (l laboratory) load(events int) {
	l.Helper()
	decoder, err := event.NewDecoder(event.DefaultConfig())
	if err != nil {
		l.Fatal(err)
	}
	end := time.Now()
	g := generate.New(generate.Config{Seed: 1, Events: events, Days: 90, End: end})
	insert := func(from, to int) {
		batch, err := l.conn.PrepareBatch(context.Background(), "INSERT INTO base")
		if err != nil {
			l.Fatal(err)
		}
		defer func() { _ = batch.Close() }()
		for n := from; n < to; n++ {
			value, _, _, _ := g.Next(nil)
			var e event.Event
			m := event.Message{Topic: "t", Position: event.Position{Offset: int64(n)}, Time: end, Value: value}
			if err := decoder.Decode(&m, &e); err != nil {
				l.Fatal(err)
			}
			if err := batch.Append(e.TenantID, e.CreatedAt, e.EventID, e.EventType, e.Category, e.Source, int8(e.Severity), e.ActorType, e.ActorID,
				e.TargetType, e.TargetID, e.CorrelationID, string(e.Payload), string(event.SearchText(nil, e.Payload)), int64(n)); err != nil {
				l.Fatal(err)
			}
		}
		if err := batch.Send(); err != nil {
			l.Fatal(err)
		}
	}
	for n := 0; n < events; n += 100_000 {
		insert(n, min(n+100_000, events))
	}
}

// build fills the table of one variant.
func (l laboratory) build(i int, v variant) {
	l.Helper()
	table := tableOf(i)
	l.run("DROP TABLE IF EXISTS " + table)
	l.run("CREATE TABLE " + table + " (" + baseColumns + v.extra + ") ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(created_at) ORDER BY " + v.order +
		fmt.Sprintf(" SETTINGS index_granularity = %d", cmp.Or(v.rows, 8192)))
	cpu := l.cpu()
	l.run("INSERT INTO " + table + " (" + baseNames + ") SELECT " + baseNames + ` FROM base SETTINGS max_threads = 2, max_insert_threads = 2,
		max_block_size = 50000, max_insert_block_size = 50000, min_insert_block_size_rows = 50000, min_insert_block_size_bytes = 0, optimize_on_insert = 0`)
	l.settle()
	cpu = l.cpu() - cpu
	var rows, bytes, parts uint64
	if err := l.conn.QueryRow(context.Background(), `SELECT sum(rows), sum(bytes_on_disk), count() FROM system.parts
		WHERE active AND table = ? AND database = currentDatabase()`, table).Scan(&rows, &bytes, &parts); err != nil {
		l.Fatal(err)
	}
	fmt.Printf("| %s | %.0f | %d | %d |\n", v.name, cpu, bytes/max(rows, 1), parts)
}

func tableOf(i int) string { return fmt.Sprintf("v%d", i) }

// cpu returns the seconds of CPU that the server has used for queries and merges.
func (l laboratory) cpu() float64 {
	l.Helper()
	var micros uint64
	if err := l.conn.QueryRow(context.Background(), "SELECT sum(value) FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'").Scan(&micros); err != nil {
		l.Fatal(err)
	}
	return float64(micros) / 1e6
}

const rounds = 9

// ask puts each question to each table in turn, and prints the medians.
func (l laboratory) ask() {
	l.Helper()
	took := make([]map[string][]float64, len(variants))
	var names []string
	for round := range rounds {
		for i, v := range variants {
			if took[i] == nil {
				took[i] = map[string][]float64{}
			}
			for _, q := range l.questions(i, v) {
				if round == 0 && i == 0 {
					names = append(names, q.name)
				}
				took[i][q.name] = append(took[i][q.name], l.time(q.sql))
			}
		}
	}
	fmt.Println("| table | " + strings.Join(names, " | ") + " |")
	for i, v := range variants {
		var line strings.Builder
		for _, name := range names {
			slices.Sort(took[i][name])
			fmt.Fprintf(&line, " | %.1f", took[i][name][rounds/2])
		}
		fmt.Println("| " + v.name + line.String() + " |")
	}
}

// settle waits until the server has no merge to do.
func (l laboratory) settle() {
	quiet := 0
	for deadline := time.Now().Add(10 * time.Minute); quiet < 4 && time.Now().Before(deadline); {
		var merges uint64
		if err := l.conn.QueryRow(context.Background(), "SELECT count() FROM system.merges").Scan(&merges); err != nil {
			l.Fatal(err)
		}
		if quiet++; merges > 0 {
			quiet = 0
		}
		<-time.After(250 * time.Millisecond)
	}
}

type question struct{ name, sql string }

func (l laboratory) questions(i int, v variant) []question {
	l.Helper()
	table := tableOf(i)
	var id, correlation, actor, target string
	if err := l.conn.QueryRow(context.Background(), `SELECT event_id, correlation_id, actor_id, target_id FROM base
		WHERE tenant_id = 'tenant_0000' AND correlation_id != '' AND target_id != '' LIMIT 1 OFFSET 5000 SETTINGS max_threads = 1`).Scan(&id, &correlation, &actor, &target); err != nil {
		l.Fatal(err)
	}
	number := v.number
	if number == "" {
		number = "JSONExtractFloat(payload, 'amount')"
	}
	text := func(needle string) string {
		if v.substring == "" {
			return "position(payload_text, '" + needle + "') > 0"
		}
		return strings.ReplaceAll(v.substring, "$", strings.ReplaceAll(needle, "_", `\\_`))
	}
	newest := func(where string) string {
		return "SELECT * FROM " + table + " WHERE tenant_id = 'tenant_0000'" + where + " ORDER BY tenant_id DESC, created_at DESC, event_id DESC LIMIT 50"
	}
	middle := correlation[len(correlation)/3 : len(correlation)-2]
	return []question{
		{"newest", newest("")},
		{"7 days", newest(" AND created_at > now() - INTERVAL 7 DAY")},
		{"type+severity", newest(" AND event_type = 'login.failed' AND severity >= 'WARN'")},
		{"event id", newest(" AND event_id = '" + id + "'")},
		{"correlation", newest(" AND correlation_id = '" + correlation + "'")},
		{"actor", newest(" AND actor_id = '" + actor + "'")},
		{"target", newest(" AND target_id = '" + target + "'")},
		{"rare word", newest(" AND " + text(generate.Rare.Text))},
		{"part of word", newest(" AND " + text(generate.Inside.Text[1:]))},
		{"part of id", newest(" AND " + text(strings.ToLower(middle)))},
		{"common word", newest(" AND " + text(generate.Common.Text))},
		{"p95 tenant", "SELECT event_type, quantileTDigest(0.95)(" + number + ") FROM " + table + " WHERE tenant_id = 'tenant_0000' AND created_at > now() - INTERVAL 30 DAY GROUP BY event_type"},
		{"count by type", "SELECT event_type, count() FROM " + table + " GROUP BY event_type"},
		{"hour x severity", "SELECT toStartOfHour(created_at) h, severity, count() FROM " + table + " WHERE tenant_id = 'tenant_0000' GROUP BY h, severity"},
	}
}

// time runs a statement and returns the milliseconds.
func (l laboratory) time(statement string) float64 {
	l.Helper()
	ctx := clickhouse.Context(context.Background(), clickhouse.WithSettings(clickhouse.Settings{"use_query_condition_cache": 0}))
	started := time.Now()
	rows, err := l.conn.Query(ctx, statement)
	if err != nil {
		l.Fatalf("%s: %v", statement, err)
	}
	for rows.Next() { // The rows are read, nothing else.
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		l.Fatalf("%s: %v", statement, err)
	}
	return float64(time.Since(started).Microseconds()) / 1000
}
