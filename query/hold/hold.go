package hold

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/record"
	"daybook/query/statement"
)

// Bounds of holds.
const (
	maxReasonRunes = 1000
	maxFilterBytes = 16 << 10
	maxPerTenant   = 100 // that are not lifted
)

// Hold keeps a tenant's events that its filter accepts.
type Hold struct {
	ID           string          `json:"id"`
	Filter       json.RawMessage `json:"filter"` // an object with the names of the query parameters; {}: every event
	Reason       string          `json:"reason"`
	PlacedAt     time.Time       `json:"placedAt"`
	PlacedBy     string          `json:"placedBy"` // the id of the key
	PlacedByName string          `json:"placedByName"`
	LiftedAt     *time.Time      `json:"liftedAt"` // nil: it holds
	LiftedBy     *string         `json:"liftedBy"`
	LiftedByName *string         `json:"liftedByName"`
	LiftReason   *string         `json:"liftReason"`

	tenant tenant.ID
}

// Service keeps the holds of all tenants.
type Service struct {
	conn    driver.Conn
	reader  *statement.Reader
	now     func() time.Time
	publish record.Publish
}

// New returns a service over the table legal_holds.
func New(conn driver.Conn, reader *statement.Reader, now func() time.Time, publish record.Publish) *Service {
	return &Service{conn: conn, reader: reader, now: now, publish: publish}
}

// List returns a tenant's holds, lifted ones included, the newest first.
func (s *Service) List(ctx context.Context, id tenant.ID) ([]Hold, error) {
	return read(ctx, s.reader, id)
}

// Place places a hold. An empty filter holds the whole tenant.
func (s *Service) Place(ctx context.Context, by record.Event, reason string, object json.RawMessage) (*Hold, error) {
	reason, fault := checkReason(reason)
	normal, err := s.normalizeFilter(object) //nolint:contextcheck // What is held does not depend on who asks.
	if err != nil {
		return nil, apierror.Join(fault, apierror.From(err))
	}
	if fault != nil {
		return nil, fault
	}
	holds, err := read(ctx, s.reader, by.Tenant)
	if err != nil {
		return nil, err
	}
	live := 0
	for _, h := range holds {
		if h.LiftedAt == nil {
			live++
		}
	}
	if live >= maxPerTenant {
		return nil, apierror.New(apierror.KindConflict, "the tenant has %d holds, which is as many as it may have: lift some first, or place one that is wider", live)
	}
	h := &Hold{
		ID: "hold_" + strings.ToLower(rand.Text()[:20]), Filter: normal, Reason: reason, tenant: by.Tenant,
		PlacedAt: s.now().UTC().Truncate(time.Millisecond), PlacedBy: by.ActorID, PlacedByName: by.ActorName,
	}
	if err := write(ctx, s.conn, h); err != nil {
		return nil, unsaid(err, "placed")
	}
	if err := s.tell(ctx, by, placedType, h); err != nil {
		return nil, &apierror.Error{
			Kind: apierror.KindUnavailable, RetryAfter: 2 * time.Second, Cause: err,
			Detail: "the hold " + h.ID + " is placed and holds, but Kafka did not take the event that records it: lift it and place it again",
		}
	}
	return h, nil
}

// Lift ends a hold. What is under it and older than the retention goes with
// the next purge.
func (s *Service) Lift(ctx context.Context, by record.Event, id, reason string) (*Hold, error) {
	reason, fault := checkReason(reason)
	if fault != nil {
		return nil, fault
	}
	holds, err := read(ctx, s.reader, by.Tenant)
	if err != nil {
		return nil, err
	}
	for _, h := range holds {
		switch {
		case h.ID != id:
			continue
		case h.LiftedAt != nil:
			return nil, apierror.New(apierror.KindConflict, "the hold was lifted at %s", h.LiftedAt.Format(time.RFC3339))
		}
		at := s.now().UTC().Truncate(time.Millisecond)
		h.LiftedAt, h.LiftedBy, h.LiftedByName, h.LiftReason = &at, &by.ActorID, &by.ActorName, &reason
		// Told first: nothing is let go unrecorded.
		if err := s.tell(ctx, by, liftedType, &h); err != nil {
			return nil, &apierror.Error{
				Kind: apierror.KindUnavailable, RetryAfter: 2 * time.Second, Cause: err,
				Detail: "lifting a hold is recorded, and Kafka did not take the record now: the hold stays; try again shortly",
			}
		}
		if err := write(ctx, s.conn, &h); err != nil {
			return nil, unsaid(err, "lifted")
		}
		return &h, nil
	}
	return nil, apierror.New(apierror.KindNotFound, "the tenant has no hold with this id")
}

func unsaid(err error, what string) error {
	return &apierror.Error{
		Kind: apierror.KindUnavailable, Cause: err, RetryAfter: 2 * time.Second,
		Detail: "the event store did not say whether the hold was " + what + ": list the holds before you try again",
	}
}

func checkReason(reason string) (string, *apierror.Error) {
	reason = strings.Join(strings.Fields(reason), " ")
	switch {
	case reason == "":
		return "", apierror.Invalid("reason", "must not be empty: say why, for those who ask later")
	case utf8.RuneCountInString(reason) > maxReasonRunes:
		return "", apierror.Invalid("reason", "has at most %d characters", maxReasonRunes)
	case strings.ContainsFunc(reason, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "", apierror.Invalid("reason", "must be text without control characters")
	}
	return reason, nil
}

// normalizeFilter returns the object with its members in order and each of them
// once. It must mean the same whenever and by whomever it is read.
func (s *Service) normalizeFilter(object json.RawMessage) (json.RawMessage, error) {
	if len(bytes.TrimSpace(object)) == 0 || string(bytes.TrimSpace(object)) == "null" {
		object = json.RawMessage("{}")
	}
	normal, err := filter.NormalizeObject(object, maxFilterBytes, `{"actorId": "jane"}`)
	if err != nil {
		return nil, err
	}
	now := s.now()
	today, err := filter.ParseObject(normal, "filter", now, nil)
	if err != nil {
		return nil, err
	}
	later, err := filter.ParseObject(normal, "filter", now.Add(1001*time.Hour), nil)
	if err != nil || later.Canonical() != today.Canonical() {
		return nil, apierror.Invalid("filter", "has times relative to now: what is held must not change with the clock; write them like 2026-04-17T14:32:01Z")
	}
	return normal, nil
}
