package main

import "slices"

// mutant is ingest with one mechanism switched off.
type mutant struct {
	name    string
	off     string   // what is off
	tests   []string // regular expressions: the tests that guard it; of each at least one must fail
	changes []change
}

// change replaces a text that stands once in a file.
type change struct{ file, old, replacement string }

const (
	writer    = "ingest/writer.go"
	partition = "ingest/partition.go"
	recovery  = "ingest/recover.go"
	duplicate = "ingest/duplicate.go"
)

var noLook = change{
	writer, "verified := a.doubt\n\tif a.doubt {", "verified := false\n\tif a.doubt && a.tries < 0 {",
}

// noticedLate has a worker go on with its block whatever has become of its
// generation. By itself it changes nothing: a plan that is refused ends the
// worker as well.
var noticedLate = []change{
	{partition, "attempt, cancel := context.WithTimeout(ctx, 10*time.Second)", "attempt, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)"},
	{partition, "if err := w.in.writer.write(ctx, b); err != nil {", "if err := w.in.writer.write(context.WithoutCancel(ctx), b); err != nil {"},
}

var noToken = change{
	writer, `"insert_deduplication_token":                         token,`, `"insert_deduplication_token": fmt.Sprint(token, rand.Uint64()),`,
}

var mutants = []mutant{
	{"no-plan", "blocks are inserted without a plan in Kafka", []string{"Fault07_Zombie"}, []change{{partition,
		"if err := w.commitPlan(ctx, plan{offset: b.start, end: b.end, last: w.last}); err != nil {", "if err := error(nil); err != nil {"}}},
	{"no-fence", "a refused plan counts as committed, where the end of the generation is noticed late", []string{"Fault07_Zombie$/before_the_plan"}, append(slices.Clone(noticedLate),
		change{partition, "if err == nil || errors.Is(err, errFenced) {\n\t\t\treturn err", "if err == nil || errors.Is(err, errFenced) {\n\t\t\treturn nil"})},
	{"acknowledge-first", "the offset moves before the block is stored", []string{"Fault01_KilledAtEveryPoint", "Fault02"}, []change{{partition,
		"plan{offset: b.start, end: b.end, last: w.last}); err", "plan{offset: b.end + 1, end: b.end, last: w.last}); err"}}},
	{"plan-unread", "what a plan says is on its way is ignored", []string{"Fault07_ZombieWakesDuringTakeover"}, []change{{"ingest/plan.go",
		"p.end = max(n, offset-1)", "_ = n"}}},
	{"no-token", "every attempt has a deduplication token of its own", []string{"Fault07_Zombie$"}, []change{noToken}},
	{"no-verify", "a block in doubt is inserted again without a look at the table", []string{"Fault09", "Fault12_PartOfABlock"}, []change{noLook}},
	{"no-doubt", "an insert that failed is taken for not done", []string{"Fault09_TokensForgotten/lost"}, []change{{writer,
		"a.doubt = a.doubt || clickhouse.IsUnknownOutcome(err)", "a.doubt = a.doubt || clickhouse.IsUnknownOutcome(nil)"}}},
	{"token-believed", "an insert that succeeded after a doubt is believed", []string{"Fault10"}, []change{{writer,
		"if len(lacking) > 0 {\n\t\ta.round++", "if len(lacking) < 0 {\n\t\ta.round++"}}},
	{"no-wait", "the table is looked at while inserts of the partition run", []string{"Fault11|Fault07_ZombieWakes"}, []change{{writer,
		"if running == 0 {\n\t\t\treturn nil", "if running >= 0 {\n\t\t\treturn nil"}}},
	{"silence-allowed", "the server waits five minutes for the rest of an insert", []string{"Fault07_Zombie$/in_mid"}, []change{{writer,
		`"receive_timeout":                                    int(insertSilence.Seconds()),`, ""}}},
	{"no-watch", "nobody notices that an answer is lost", []string{"Fault03_AnswerLostForGood"}, []change{{"ingest/watch.go",
		"if absent++; absent == watchAbsent {", "if absent++; absent == -1 {"}}},
	{"table-end-unasked", "offsets that were set back are believed", []string{"Fault13_OffsetsSetBack"}, []change{{recovery,
		"from.doubtBelow = max(from.doubtBelow, min(top, end))", "_ = top"}}},
	{"expired-believed", "a group without offsets begins as if the table were empty", []string{"Fault13_OffsetsExpired"}, []change{{recovery,
		"from := resume{offset: first, forced: -1, doubtBelow: min(top, end)}", "from := resume{offset: first, forced: -1, doubtBelow: first}"}}},
	{"skips-unsaid", "offsets that were set forward are not reported", []string{"Fault13_OffsetsSetForward"}, []change{{"ingest/gap.go",
		"if !p.foreign {", "if true || !p.foreign {"}}},
	{"gap-unsaid", "what retention took is not reported", []string{"Fault21_RetentionPassed"}, []change{{"ingest/gap.go",
		"if gone <= 0 {", "if gone <= 1<<40 {"}}},
	{"never-anew", "a topic that was made anew is taken for the old one", []string{"Fault21_TopicMadeAnew/longer"}, []change{{recovery,
		"m.Time.UnixMilli() != p.last.UnixMilli(), nil", "m.Time.UnixMilli() == 0, nil"}}},
	{"anew-believed", "a log that was cut short is inserted again", []string{"Fault21_LogCutShort"}, []change{{recovery,
		"return resume{offset: first, forced: -1, doubtBelow: end}, err", "return resume{offset: first, forced: -1, doubtBelow: first}, err"}}},
	{"same-place-same-event", "ids made of offsets are one event in two topics", []string{"Fault21_TopicMadeAnew"}, []change{
		{"ingest/verify.go", "if !ok || at == (position{b.partition, b.pos[i]}) {", "if _ = at; !ok {"},
		{"pkg/event/decode.go", "text = strconv.AppendInt(append(text, 0), m.Time.UnixMilli(), 10)", "text = strconv.AppendInt(append(text, 0), 0, 10)"},
	}},
	{"no-rollup-repair", "rollups are not compared after a doubt", []string{"Fault12_RollupNeverWritten|Fault10"}, []change{{"ingest/rollup.go",
		"if len(b.rows) == 0 {", "if len(b.rows) >= 0 {"}}},
	{"no-deduplication", "producers' repetitions are stored", []string{"Fault14_ProducersSendTwice$"}, []change{{writer,
		"a.unique = len(a.claim.suspects) == 0", "a.unique = len(a.claim.suspects) >= 0"}}},
	{"no-turns", "blocks with the same id do not wait for each other", []string{"Fault14_ProducersSendTwiceAtOnce"}, []change{{duplicate,
		"for _, other := range c.earlier {", "for _, other := range c.earlier[:0] {"}}},
	{"memory-believed", "what the memory of recent ids has seen is dropped unasked", []string{"Fault15"}, []change{{duplicate,
		"case stored && at != (position{b.partition, b.pos[i]}):", "case (stored || true) && at != (position{b.partition, b.pos[i]}):"}}},
	{"strangers-unknown", "a node that takes a partition over does not read what others have stored", []string{"Fault14_ProducersSendTwice$"}, []change{{partition,
		"if err := w.warmPartition(generation, from.offset); err != nil {", "if err := error(nil); err != nil {"}}},
	{"no-isolation", "a block with a row that the server refuses is tried for ever", []string{"Fault17"}, []change{{writer,
		"if clickhouse.IsData(err) {\n\t\t\treturn w.isolate", "if clickhouse.IsData(nil) {\n\t\t\treturn w.isolate"}}},
	{"table-blamed-on-rows", "rows become dead letters because a column is missing", []string{"Fault19_SchemaChangesLive/column_dropped"}, []change{{"pkg/clickhouse/errors.go",
		"codeCannotParseText, codeCannotParseInput, codeCannotReadAllData,", "16, 60, codeCannotParseText, codeCannotParseInput, codeCannotReadAllData,"}}},
	{"dead-unverified", "dead letters are inserted again without a look at their table", []string{"Fault09_TokensForgotten/node"}, []change{{"ingest/deadletter.go",
		"if a.doubt {\n\t\tvar err error", "if a.doubt && a.tries < 0 {\n\t\tvar err error"}}},
	{"dead-dropped", "messages that are no events are dropped", []string{"Fault16_Poison", "Fault16_EveryCodec"}, []change{{"ingest/deadletter.go",
		"if len(b.dead) == 0 {", "if len(b.dead) >= 0 {"}}},
	{"no-budget", "fetching goes on while blocks hold all the memory they may", []string{"Fault20_ClickHouseDown"}, []change{{partition,
		"for b.in.budget.full() {", "for b.in.budget.inUse() < 0 {"}}},
	{"server-defaults", "inserts leave async_insert to the server", []string{"Fault23"}, []change{
		{writer, `"async_insert":                                       0,`, ""},
		{"pkg/clickhouse/open.go", `clickhouse.Settings{"async_insert": 0},`, `clickhouse.Settings{"async_insert": 1},`},
	}},
	{"unguarded", "no plan, no look at the table, no token", []string{
		"Fault01_KilledAtRandomMoments", "Fault02", "Fault03_WayToClickHouseFails", "Fault03_SpottyNetwork", "Fault04_BrokerPausedDuringCommit",
		"Fault04_SpottyWayToBroker", "Fault05_BrokerRestarted", "Fault05_LeadersAndCoordinatorMove", "Fault05_LeaderAndCoordinatorKilled",
		"Fault06", "Fault08", "TestNodes_ComeAndGo", "Fault24_Soak",
	}, append(slices.Clone(atLeastOnce.changes), noToken)},
	{"rows-given-up", "whatever the server refuses is taken for a fault of the rows", []string{"Fault22"}, []change{{writer,
		"if clickhouse.IsData(err) {\n\t\t\treturn w.isolate", "if true {\n\t\t\treturn w.isolate"}}},
	{"replay-unpublished", "dead letters count as replayed and are not published", []string{"TestReplay_DeadLetters"}, []change{{"ingest/deadletterstore.go",
		"if err := d.Writer.WriteMessages(ctx, messages...); err != nil {", "if err := error(nil); err != nil {"}}},
	{"canaries-stored", "canaries are events", []string{"TestIngest_LeavesCanariesOut"}, []change{{"ingest/block.go",
		"if e.EventType == event.CanaryType &&", "if false && e.EventType == event.CanaryType &&"}}},
	{"member-mixed-up", "a column has another member", []string{"TestIngest_KeepsEveryMember"}, []change{{"ingest/block.go",
		"return e.ActorName }", "return e.ActorEmail }"}}},
	{"empty-is-skipped", "a leader's answer that was cut short ends the partition's work", []string{"Fault18"}, []change{{"pkg/kafka/reader.go",
		"r.disconnect() // What was read whole is good; the next fetch starts on a fresh connection.", "f.Next++"}}},
}
