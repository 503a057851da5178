package audit

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/pkg/tenant"
)

// ReadType is the event type of a read of the audit log.
const ReadType = "audit.read"

// targetType is what such an event is about.
const targetType = "AUDIT_LOG"

// publishTimeout bounds how long an answer waits for Kafka.
const publishTimeout = 5 * time.Second

// Publish puts an event, the JSON of spec/event-log.txt without tenantId,
// into the tenant's log. It returns once all in-sync replicas have it.
type Publish func(ctx context.Context, id tenant.ID, event []byte) error

// read is what somebody read.
type read struct {
	what        string // path and filters, as they stand in a URL
	page, limit int64  // 0: not a listing
}

func (l listing) read() read {
	return read{what: l.what(), page: l.page, limit: l.limit}
}

func (l listing) what() string {
	path := l.path
	if l.query != "" {
		path += "?" + l.query
	}
	return path
}

// maxTarget is the length that an event's targetId may have.
const maxTarget = 256

// target returns what as an id: cut, with a hash of it all, where it is longer
// than ids may be.
func target(what string) string {
	if len(what) <= maxTarget {
		return what
	}
	hash := "#" + strconv.FormatUint(xxhash.Sum64String(what), 36)
	return what[:maxTarget-len(hash)] + hash
}

func callerOf(r *http.Request) auth.Principal {
	caller, _ := auth.FromContext(r.Context()) // Always there: the route needs a scope.
	return caller
}

// record publishes a read.
func (s *Service) record(ctx context.Context, w http.ResponseWriter, r *http.Request, of read) error {
	caller := callerOf(r)
	ip, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		ip = "" // Not TCP.
	}
	type payload struct {
		Request string `json:"request"`
		Page    int64  `json:"page,omitempty"`
		Limit   int64  `json:"limit,omitempty"`
	}
	text, err := json.Marshal(struct {
		EventType     string  `json:"eventType"`
		Source        string  `json:"source"`
		Severity      string  `json:"severity"`
		ActorType     string  `json:"actorType"`
		ActorID       string  `json:"actorId"`
		ActorName     string  `json:"actorName,omitempty"`
		TargetType    string  `json:"targetType"`
		TargetID      string  `json:"targetId"`
		CorrelationID string  `json:"correlationId,omitempty"`
		IPAddress     string  `json:"ipAddress,omitempty"`
		UserAgent     string  `json:"userAgent,omitempty"`
		Payload       payload `json:"payload"`
	}{
		EventType: ReadType, Source: "daybook", Severity: "INFO", ActorType: "API_KEY", ActorID: caller.KeyID, ActorName: caller.Name,
		TargetType: targetType, TargetID: target(of.what), CorrelationID: w.Header().Get("X-Request-Id"), IPAddress: ip,
		UserAgent: cut(r.UserAgent()), Payload: payload{Request: of.what, Page: of.page, Limit: of.limit},
	})
	if err != nil {
		return err
	}
	bounded, cancel := context.WithTimeout(ctx, publishTimeout)
	defer cancel()
	if err := s.publish(bounded, tenant.FromContext(ctx), text); err != nil {
		if ctx.Err() != nil {
			return errors.Join(ctx.Err(), err) // The caller has left, or what was asked for failed.
		}
		return &apierror.Error{
			Kind: apierror.KindUnavailable, RetryAfter: 2 * time.Second, Cause: err,
			Detail: "reads of the audit log are recorded, and Kafka did not take the record now; try again shortly",
		}
	}
	return nil
}

// maxAgent bounds what a caller can put into a record as its name.
const maxAgent = 512

func cut(agent string) string { return agent[:min(len(agent), maxAgent)] }
