package schema

import "strings"

// Tables of the store.
const (
	Events            = "events"
	Events1m          = "events_1m"
	Events15m         = "events_15m"
	DeadLetters       = "dead_letters"
	DeadLetterReplays = "dead_letter_replays"
	Gaps              = "gaps"
	APIKeys           = "api_keys"
	Presets           = "presets"
	ArchiveDays       = "archive_days"
	EventsRestored    = "events_restored"
	Restores          = "restores"
	Retention         = "retention"
	Purges            = "purges"
	LegalHolds        = "legal_holds"
	Backups           = "backups"
)

// EventColumns are the columns of events that ingest writes, in the order in
// which it writes them. Computed columns are not among them.
var EventColumns = []string{
	"tenant_id", "created_at", "event_id", "event_type", "category", "source", "severity",
	"actor_type", "actor_id", "actor_name", "actor_email", "target_type", "target_id",
	"correlation_id", "ip_address", "user_agent", "payload", "payload_text", "extra",
	"ingested_at", "kafka_topic", "kafka_partition", "kafka_offset",
}

// Numbers is the column of the payload's own members that are numbers, as
// event.AppendNumbers has them. Ingest writes it after EventColumns; for rows that are written
// without it, ClickHouse makes it of the payload. The table of restored events does not have it.
const Numbers = "payload_numbers"

// DeadLetterColumns are the columns of dead_letters that ingest writes, in
// the order in which it writes them.
var DeadLetterColumns = []string{
	"topic", "partition", "offset", "message_time", "key", "value", "header_names", "header_values",
	"error_class", "error_field", "error", "tenant_id",
}

// Insert returns the statement that inserts a native block of the columns.
func Insert(table string, columns []string) string {
	return "INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ")"
}
