package audit

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/query/filter"
	"daybook/schema"
)

// Each page that is read adds an event on top of the log. Were it counted, it
// would move all events behind it by one, and each next page would begin with the last
// event of the page before. So from the second page on a listing leaves out the reads
// that it consists of: those of the same key with the same filters since that
// key last read the first page. Everybody else, and the first page, sees them.

// listingAge is how long the pages of a listing belong together.
const listingAge = time.Hour

// ownReads are the reads of one listing by one key.
type ownReads struct {
	caller, target string
	since          time.Time // of the first page; zero: none is left out
}

func (o ownReads) where(b *filter.Builder) {
	b.Write("event_type = '", ReadType, "' AND actor_id = ")
	b.Text(o.caller)
	b.Write(" AND target_id = ")
	b.Text(o.target)
}

// ownReads returns which reads a page leaves out.
func (s *Service) ownReads(ctx context.Context, scope filter.Scope, l listing) (ownReads, error) {
	own := ownReads{caller: l.caller, target: target(l.what())}
	if l.page == 1 || l.eventType != "" && l.eventType != ReadType || l.userID != "" && l.userID != l.caller {
		return own, nil // None of them can be in this listing, or all are meant to be.
	}
	found, err := collect(ctx, s, ownReadsStatement(scope, own, s.now()), func(rows driver.Rows) (t time.Time, err error) {
		return t, rows.Scan(&t)
	})
	if err != nil || len(found) == 0 {
		return own, err
	}
	own.since = found[0].UTC()
	return own, nil
}

func ownReadsStatement(scope filter.Scope, own ownReads, now time.Time) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT created_at FROM ", schema.Events, " WHERE ")
	whereAudit(&b, scope, now.Add(-listingAge), time.Time{})
	b.Write(" AND ")
	own.where(&b)
	b.Write(" AND JSONExtractInt(payload, 'page') = 1 ORDER BY tenant_id DESC, created_at DESC LIMIT 1")
	return &b
}
