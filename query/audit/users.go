package audit

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/query/filter"
)

// knownUser is what the events of a user say of them.
type knownUser struct {
	events uint64
	email  string
}

// userEmail returns the address that the user's newest event with one has.
// There is no list of users: whoever did anything within the retention is known.
func (s *Service) userEmail(ctx context.Context, scope filter.Scope, id string) (text, error) {
	found, err := collect(ctx, s, userStatement(scope, id), func(rows driver.Rows) (u knownUser, err error) {
		return u, rows.Scan(&u.events, &u.email)
	})
	if err != nil {
		return "", err
	}
	if len(found) == 0 || found[0].events == 0 {
		return "", noUser()
	}
	return text(found[0].email), nil
}

func noUser() error {
	return apierror.New(apierror.KindNotFound, "there is no event of a user with this id, or they are older than the retention")
}

func userStatement(scope filter.Scope, id string) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT count(), argMaxIf(actor_email, (created_at, event_id), actor_email != '') FROM ")
	tableAudit(&b, scope, time.Time{}, time.Time{})
	b.Write(" WHERE ")
	(&filter.Filter{}).Where(&b, scope)
	b.Write(" AND actor_id = ")
	b.Text(id)
	return &b
}
