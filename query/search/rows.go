package search

import (
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/event"
)

// Columns are what an EventScanner reads, in its order.
const Columns = `tenant_id, created_at, event_id, event_type, category, source, severity, actor_type, actor_id, actor_name, ` +
	`actor_email, target_type, target_id, correlation_id, ip_address, user_agent, payload, extra, ingested_at`

// EventScanner reads rows of Columns, one after the other. It is for one goroutine.
type EventScanner struct {
	event          event.Event
	severity       string
	payload, extra []byte
	into           []any
}

// NewEventScanner returns a scanner of rows of Columns and, after them, of what more
// points to.
func NewEventScanner(more ...any) *EventScanner {
	s := &EventScanner{}
	e := &s.event
	s.into = append([]any{
		&e.TenantID, &e.CreatedAt, &e.EventID, &e.EventType, &e.Category, &e.Source, &s.severity, &e.ActorType, &e.ActorID, &e.ActorName,
		&e.ActorEmail, &e.TargetType, &e.TargetID, &e.CorrelationID, &e.IPAddress, &e.UserAgent, &s.payload, &s.extra, &e.IngestedAt,
	}, more...)
	return s
}

// Scan reads a row. The next one overwrites the event, but nothing that it points to:
// a copy of it stays as it is.
func (s *EventScanner) Scan(rows driver.Rows) (*event.Event, error) {
	if err := rows.Scan(s.into...); err != nil {
		return nil, fmt.Errorf("read an event's row: %w", err)
	}
	e := &s.event
	var ok bool
	if e.Severity, ok = event.ParseSeverity(s.severity); !ok {
		return nil, fmt.Errorf("read an event's row: unknown severity %q", s.severity)
	}
	e.Payload, e.Extra = s.payload, nil
	if len(s.extra) > 0 {
		e.Extra = s.extra
	}
	e.CreatedAt, e.IngestedAt = e.CreatedAt.UTC(), e.IngestedAt.UTC()
	return e, nil
}

// Events returns a function that reads a row of Columns, for statement.Collect.
func Events() func(driver.Rows) (event.Event, error) {
	s := NewEventScanner()
	return func(rows driver.Rows) (event.Event, error) {
		e, err := s.Scan(rows)
		if err != nil {
			return event.Event{}, err
		}
		return *e, nil
	}
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
