package audit

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"daybook/pkg/apierror"
	"daybook/pkg/auth"
	"daybook/query/record"
)

// ReadType is the event type of a read of the audit log.
const ReadType = "audit.read"

// targetType is what such an event is about.
const targetType = "AUDIT_LOG"

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
	type payload struct {
		Request string `json:"request"`
		Page    int64  `json:"page,omitempty"`
		Limit   int64  `json:"limit,omitempty"`
	}
	e := record.By(w, r)
	e.EventType, e.TargetType, e.TargetID = ReadType, targetType, target(of.what)
	e.Payload = payload{Request: of.what, Page: of.page, Limit: of.limit}
	if err := e.Write(ctx, s.publish); err != nil {
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
