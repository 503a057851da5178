package search

import (
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/event"
)

// Columns are what ScanEvent reads, in its order.
const Columns = `tenant_id, created_at, event_id, event_type, category, source, severity, actor_type, actor_id, actor_name, ` +
	`actor_email, target_type, target_id, correlation_id, ip_address, user_agent, payload, extra, ingested_at`

// ScanEvent reads a row of Columns.
func ScanEvent(rows driver.Rows) (event.Event, error) { return scanEvent(rows) }

// ScanEventAnd reads a row of Columns and what was selected after them.
func ScanEventAnd(rows driver.Rows, more ...any) (event.Event, error) {
	return scanEvent(rows, more...)
}

func scanEvent(rows driver.Rows, more ...any) (event.Event, error) {
	var e event.Event
	var severity, payload, extra string
	err := rows.Scan(append([]any{
		&e.TenantID, &e.CreatedAt, &e.EventID, &e.EventType, &e.Category, &e.Source, &severity, &e.ActorType, &e.ActorID, &e.ActorName,
		&e.ActorEmail, &e.TargetType, &e.TargetID, &e.CorrelationID, &e.IPAddress, &e.UserAgent, &payload, &extra, &e.IngestedAt,
	}, more...)...)
	if err != nil {
		return e, fmt.Errorf("read an event's row: %w", err)
	}
	var ok bool
	if e.Severity, ok = event.ParseSeverity(severity); !ok {
		return e, fmt.Errorf("read an event's row: unknown severity %q", severity)
	}
	e.Payload = []byte(payload)
	if extra != "" {
		e.Extra = []byte(extra)
	}
	e.CreatedAt, e.IngestedAt = e.CreatedAt.UTC(), e.IngestedAt.UTC()
	return e, nil
}

// at is where an event stands by time. Tenant, source and id name an event, as
// producers choose ids by themselves; rows with equal positions are copies of one.
type at struct {
	created time.Time
	id      string
	source  string
}

func position(e *event.Event) at { return at{e.CreatedAt, e.EventID, e.Source} }

func (p at) equal(other at) bool {
	return p.id == other.id && p.source == other.source && p.created.Equal(other.created)
}
