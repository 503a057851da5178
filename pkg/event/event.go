// Package event defines the event that Daybook stores, streams and returns:
// its model, its JSON, its bounds and its categories. Decoding the same Kafka
// message always gives the same event, whatever the clock says, so that a
// replayed block is the same block.
package event

import (
	"strings"
	"time"
)

// Severity grades an event. The numbers are those of the severity column.
type Severity uint8

// The four severities, least first.
const (
	Info     Severity = 1
	Warn     Severity = 2
	Error    Severity = 3
	Critical Severity = 4
)

// Severities lists every severity, least first.
var Severities = [...]Severity{Info, Warn, Error, Critical}

var severityNames = [...]string{Info: "INFO", Warn: "WARN", Error: "ERROR", Critical: "CRITICAL"}

// String returns the name as JSON and SQL spell it, and "" for an unknown severity.
func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return ""
}

// ParseSeverity reads a severity's name in any case, WARNING as WARN.
func ParseSeverity(name string) (Severity, bool) {
	for _, s := range Severities {
		if strings.EqualFold(name, severityNames[s]) {
			return s, true
		}
	}
	if strings.EqualFold(name, "WARNING") {
		return Warn, true
	}
	return 0, false
}

// Event is one thing that happened. Absent strings are empty.
type Event struct {
	EventID       string
	TenantID      string
	EventType     string
	Category      string // from the event type, see Categories
	Source        string
	Severity      Severity
	ActorType     string
	ActorID       string
	ActorName     string
	ActorEmail    string
	TargetType    string
	TargetID      string
	CorrelationID string
	IPAddress     string
	UserAgent     string
	Payload       []byte    // a JSON object, the producer's bytes verbatim; never empty ("{}" where absent)
	Extra         []byte    // a JSON object of the members Daybook doesn't know, verbatim values; nil where none
	CreatedAt     time.Time // UTC, whole microseconds
	IngestedAt    time.Time // UTC, whole milliseconds: the Kafka message's own timestamp
	Archived      bool      // it is older than the retention; of an answer with include=archive alone
}

// Position is where an event stands in Kafka.
type Position struct {
	Partition int32
	Offset    int64
}

// Header is one Kafka record header.
type Header struct {
	Key   string
	Value []byte
}

// Message is the Kafka record that carries an event. A decoded event may
// point into Value and the headers: they must not change afterwards.
type Message struct {
	Topic string
	Position
	Time    time.Time // the record's own timestamp
	Key     []byte
	Value   []byte // nil: a tombstone
	Headers []Header
}
