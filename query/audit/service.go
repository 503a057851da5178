package audit

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"daybook/pkg/event"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/archived"
	"daybook/query/filter"
	"daybook/query/record"
	"daybook/query/statement"
)

// Service reads the audit log.
type Service struct {
	reader  *statement.Reader
	kept    retention.Policy
	now     func() time.Time
	publish record.Publish
	archive *archived.Archive
}

// New returns a service that shows the audit log of the given days, and
// publishes each read of it.
func New(reader *statement.Reader, kept retention.Policy, now func() time.Time, publish record.Publish) *Service {
	return &Service{reader: reader, kept: kept, now: now, publish: publish}
}

// WithArchive makes the service show what is older than the retention to the requests
// that ask for it.
func (s *Service) WithArchive(a *archived.Archive) *Service {
	s.archive = a
	return s
}

// within runs a read with what it is confined to, and fails where that was the archive and
// has changed meanwhile.
func (s *Service) within(ctx context.Context, archive bool, read func(filter.Scope) error) error {
	var usage statement.Usage
	scope, err := s.archive.Include(ctx, filter.ScopeOf(tenant.FromContext(ctx), s.kept, s.now()), archive, &usage)
	if err != nil {
		return err
	}
	if err := read(scope); err != nil {
		return err
	}
	return archived.Of(scope).Unchanged(ctx, &usage)
}

// askedOf reads the parameters of a call that takes include alone, and what its record says.
func askedOf(r *http.Request) (archive bool, of read, err error) {
	of.what = r.URL.EscapedPath()
	if archive, err = archived.Only(r); archive {
		of.what += "?" + archived.Parameter + "=" + archived.Value
	}
	return archive, of, err
}

// whereAudit writes the condition of a statement on the events of the audit
// log.
func whereAudit(b *filter.Builder, scope filter.Scope, from, to time.Time) {
	(&filter.Filter{From: filter.Moment{Time: from}, To: filter.Moment{Time: to}}).Where(b, scope)
	b.Write(" AND category = '", event.CategoryAuth, "'")
}

// tableAudit writes what such a statement reads from.
func tableAudit(b *filter.Builder, scope filter.Scope, from, to time.Time) {
	(&filter.Filter{From: filter.Moment{Time: from}, To: filter.Moment{Time: to}}).Table(b, scope)
}

// recorded runs a read while it is published, and fails where either does: a
// read that could not be recorded is not answered.
func (s *Service) recorded(w http.ResponseWriter, r *http.Request, of read, run func(context.Context) error) error {
	both, ctx := errgroup.WithContext(r.Context())
	both.Go(func() error { return s.record(ctx, w, r, of) })
	both.Go(func() error { return run(ctx) })
	return both.Wait()
}

// ServeEvent answers GET /api/audit/{id}.
func (s *Service) ServeEvent(w http.ResponseWriter, r *http.Request) error {
	archive, of, err := askedOf(r)
	if err != nil {
		return err
	}
	var found *entry
	err = s.recorded(w, r, of, func(ctx context.Context) error {
		return s.within(ctx, archive, func(scope filter.Scope) (err error) {
			found, err = s.event(ctx, scope, r.PathValue("id"))
			return err
		})
	})
	if err != nil {
		return err
	}
	found.UserID, found.UserEmail, found.UserName = &found.user.id, &found.user.email, &found.user.name
	return writeJSON(w, found)
}

// ServeEventTypes answers GET /api/audit/events.
func (s *Service) ServeEventTypes(w http.ResponseWriter, r *http.Request) error {
	archive, of, err := askedOf(r)
	if err != nil {
		return err
	}
	answer := struct {
		EventTypes []typeCount `json:"event_types"`
	}{}
	err = s.recorded(w, r, of, func(ctx context.Context) error {
		return s.within(ctx, archive, func(scope filter.Scope) (err error) {
			answer.EventTypes, err = s.eventTypes(ctx, scope)
			return err
		})
	})
	if err != nil {
		return err
	}
	return writeJSON(w, answer)
}

// ServeList answers GET /api/audit.
func (s *Service) ServeList(w http.ResponseWriter, r *http.Request) error {
	l, err := parseListing(r, "event_type", "user_id", "start_date", "end_date")
	if err != nil {
		return err
	}
	answer := struct {
		AuditLogs  []entry    `json:"audit_logs"`
		Pagination pagination `json:"pagination"`
	}{}
	err = s.recorded(w, r, l.read(), func(ctx context.Context) error {
		return s.within(ctx, l.archive, func(scope filter.Scope) (err error) {
			answer.AuditLogs, answer.Pagination, err = s.list(ctx, scope, l)
			return err
		})
	})
	if err != nil {
		return err
	}
	for i := range answer.AuditLogs {
		e := &answer.AuditLogs[i]
		e.UserID, e.UserEmail = &e.user.id, &e.user.email
	}
	return writeJSON(w, answer)
}

// ServeUser answers GET /api/users/{id}/audit.
func (s *Service) ServeUser(w http.ResponseWriter, r *http.Request) error {
	l, err := parseListing(r)
	if err != nil {
		return err
	}
	if l.userID = r.PathValue("id"); l.userID == "" {
		return noUser()
	}
	answer := struct {
		User struct {
			ID    string `json:"id"`
			Email text   `json:"email"`
		} `json:"user"`
		AuditLogs  []entry    `json:"audit_logs"`
		Pagination pagination `json:"pagination"`
	}{}
	answer.User.ID = l.userID
	err = s.recorded(w, r, l.read(), func(ctx context.Context) error {
		return s.within(ctx, l.archive, func(scope filter.Scope) error {
			both, ctx := errgroup.WithContext(ctx)
			both.Go(func() (err error) {
				answer.User.Email, err = s.userEmail(ctx, scope, l.userID)
				return err
			})
			both.Go(func() (err error) {
				answer.AuditLogs, answer.Pagination, err = s.list(ctx, scope, l)
				return err
			})
			return both.Wait()
		})
	})
	if err != nil {
		return err
	}
	return writeJSON(w, answer)
}
