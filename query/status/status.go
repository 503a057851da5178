package status

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"daybook/pkg/apierror"
	"daybook/pkg/retention"
	"daybook/pkg/tenant"
	"daybook/query/filter"
	"daybook/query/search"
	"daybook/query/statement"
	"daybook/schema"
)

// Topic tells how far the Kafka topic reaches, and how far it is stored.
type Topic interface {
	search.Stored
	// Ends returns, for each partition, the first offset that Kafka still has and
	// the one that the next message gets.
	Ends(ctx context.Context) (first, end []int64, err error)
}

// Status is the answer to GET /api/v1/status.
type Status struct {
	Version   string    `json:"version"`
	Ingest    Ingest    `json:"ingest"`
	Retention Retention `json:"retention"`
	Archive   Archive   `json:"archive"`
}

// Ingest says how far ingest is behind what is published.
type Ingest struct {
	// FreshnessMs is 0 where everything is stored, else the age of the newest
	// message that is; nil where nothing near the committed offsets is.
	FreshnessMs *int64 `json:"freshnessMs"`
	Lag         int64  `json:"lag"` // messages that are not yet confirmed as stored
	// Partitions and Gaps are nil for who sees one tenant alone.
	Partitions []Partition `json:"partitions,omitempty"`
	Gaps       *[]Gap      `json:"gaps,omitempty"`
}

// Partition is one partition of the topic.
type Partition struct {
	Partition int   `json:"partition"`
	Committed int64 `json:"committed"` // every message below is stored
	End       int64 `json:"end"`       // the offset of the next message
	Lag       int64 `json:"lag"`
}

// Gap is a range of offsets that ingest never stored and never will.
type Gap struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	From      int64     `json:"fromOffset"`
	To        int64     `json:"toOffset"` // the first that is not lost
	Messages  int64     `json:"messages"` // at most so many
	Reason    string    `json:"reason"`
	Noticed   time.Time `json:"noticedAt"`
}

// Retention says which time the events reach over; nil where there are none.
type Retention struct {
	Days   int        `json:"days"`
	Oldest *time.Time `json:"oldest"`
	Newest *time.Time `json:"newest"`
	Holds  uint64     `json:"holds"` // legal ones that are not lifted
}

// Archive says whether closed days are kept beyond the retention, and what is
// known of those that are.
type Archive struct {
	Enabled    bool    `json:"enabled"`
	Days       uint64  `json:"days"` // of tenants
	Events     uint64  `json:"events"`
	Bytes      uint64  `json:"bytes"`
	Unverified uint64  `json:"unverified"` // days that were not read back, or that differed
	First      *string `json:"first"`      // 2026-01-31; nil: there is none
	Last       *string `json:"last"`
}

// Service answers how things are.
type Service struct {
	reader  *statement.Reader
	topic   Topic
	kept    retention.Policy
	now     func() time.Time
	version string
	archive bool
}

// New returns a service for a store that keeps events for so long.
func New(reader *statement.Reader, topic Topic, kept retention.Policy, now func() time.Time, version string, archive bool) *Service {
	return &Service{reader: reader, topic: topic, kept: kept, now: now, version: version, archive: archive}
}

// Read returns the status as a tenant's admin may know it. all adds what is of
// every tenant; with tenant.All the times are those of every tenant too.
func (s *Service) Read(ctx context.Context, id tenant.ID, all bool) (*Status, error) {
	partitions, next, err := s.partitions(ctx)
	if err != nil {
		return nil, err
	}
	status := &Status{Version: s.version, Retention: Retention{Days: s.daysOf(id)}, Archive: Archive{Enabled: s.archive}}
	for _, p := range partitions {
		status.Ingest.Lag += p.Lag
	}
	var usage statement.Usage
	if status.Ingest.FreshnessMs, err = s.freshness(ctx, &usage, status.Ingest.Lag, next); err != nil {
		return nil, err
	}
	if status.Retention.Oldest, status.Retention.Newest, err = s.reach(ctx, &usage, id); err != nil {
		return nil, err
	}
	holds, err := statement.Collect(ctx, s.reader, &usage, holdsStatement(id), scanCount)
	if err != nil {
		return nil, err
	}
	status.Retention.Holds = holds[0]
	if err := s.archived(ctx, &usage, id, &status.Archive); err != nil {
		return nil, err
	}
	if all {
		gaps, err := statement.Collect(ctx, s.reader, &usage, gapsStatement(next.Topic), scanGap)
		if err != nil {
			return nil, err
		}
		if gaps == nil {
			gaps = []Gap{}
		}
		status.Ingest.Partitions, status.Ingest.Gaps = partitions, &gaps
	}
	return status, nil
}

// partitions asks Kafka how far each partition is stored, and reaches.
func (s *Service) partitions(ctx context.Context) ([]Partition, search.Log, error) {
	unknown := func(err error) error {
		return &apierror.Error{
			Kind: apierror.KindUnavailable, Detail: "Kafka does not say now how far events are stored; try again shortly", RetryAfter: 2 * time.Second, Cause: err,
		}
	}
	// What is stored is asked for first: the topic only grows meanwhile.
	log, err := s.topic.Stored(ctx)
	if err != nil {
		return nil, log, unknown(err)
	}
	first, end, err := s.topic.Ends(ctx)
	if err != nil {
		return nil, log, unknown(err)
	}
	partitions := make([]Partition, len(end))
	for p := range partitions {
		committed := first[p] // Where nothing is confirmed yet, or Kafka has dropped more than that.
		if p < len(log.Next) {
			committed = max(committed, log.Next[p])
		}
		partitions[p] = Partition{Partition: p, Committed: committed, End: end[p], Lag: max(0, end[p]-committed)}
	}
	return partitions, log, nil
}

// recentOffsets is how far below the committed offsets the newest stored message is looked for.
const recentOffsets = 10_000

// freshness returns how old the newest stored message is, in milliseconds.
func (s *Service) freshness(ctx context.Context, usage *statement.Usage, lag int64, log search.Log) (*int64, error) {
	age := int64(0)
	if lag == 0 {
		return &age, nil
	}
	newest, err := statement.Collect(ctx, s.reader, usage, newestStatement(log), scanTime)
	if err != nil || newest[0] == nil {
		return nil, err
	}
	age = max(0, s.now().Sub(*newest[0]).Milliseconds())
	return &age, nil
}

// newestStatement selects the timestamp of the newest message that is stored,
// or the beginning of 1970. The index on kafka_offset narrows it.
func newestStatement(log search.Log) *filter.Builder {
	from, lowest := make([]int64, len(log.Next)), int64(0)
	for p, next := range log.Next {
		from[p] = max(0, next-recentOffsets)
		if p == 0 || from[p] < lowest {
			lowest = from[p]
		}
	}
	var b filter.Builder
	b.Write("SELECT max(ingested_at) FROM ", schema.Events, " WHERE kafka_topic = ")
	b.Text(log.Topic)
	b.Write(" AND kafka_offset >= ")
	b.Int(lowest)
	b.Write(" AND kafka_offset >= arrayElement(")
	b.Ints(from)
	b.Write(", kafka_partition + 1)")
	return &b
}

// archived fills in what the archive has.
func (s *Service) archived(ctx context.Context, usage *statement.Usage, id tenant.ID, a *Archive) error {
	_, err := statement.Collect(ctx, s.reader, usage, archivedStatement(id), func(rows driver.Rows) (struct{}, error) {
		var first, last time.Time
		err := rows.Scan(&a.Days, &a.Events, &a.Bytes, &a.Unverified, &first, &last)
		if a.Days > 0 {
			from, to := first.Format(time.DateOnly), last.Format(time.DateOnly)
			a.First, a.Last = &from, &to
		}
		return struct{}{}, err
	})
	return err
}

// archivedStatement selects what is known of the bucket's days.
func archivedStatement(id tenant.ID) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT count(), sum(rows), sum(bytes), countIf(toUnixTimestamp64Milli(verified_at) = 0 OR fault != ''), min(day), max(day) FROM ",
		schema.ArchiveDays, " FINAL")
	if id != tenant.All {
		b.Write(" WHERE tenant_id = ")
		b.Text(string(id))
	}
	return &b
}

// daysOf returns for how many days a tenant's events are shown; for every tenant
// the most of any.
func (s *Service) daysOf(id tenant.ID) int {
	if id == tenant.All {
		return s.kept.Longest()
	}
	return s.kept.Of(id)
}

// reach returns the times of the oldest and the newest event.
func (s *Service) reach(ctx context.Context, usage *statement.Usage, id tenant.ID) (oldest, newest *time.Time, err error) {
	since := s.now().Add(-time.Duration(s.daysOf(id)) * 24 * time.Hour)
	one := func(b *filter.Builder) *time.Time {
		var found []*time.Time
		if err == nil {
			found, err = statement.Collect(ctx, s.reader, usage, b, scanTime)
		}
		if len(found) == 0 {
			return nil
		}
		return found[0]
	}
	if id != tenant.All {
		oldest, newest = one(endStatement(id, since, "")), one(endStatement(id, since, " DESC"))
		return oldest, newest, err
	}
	// Without a condition these are known by part, so nothing is read.
	oldest, newest = one(extremeStatement("min", time.Time{})), one(extremeStatement("max", time.Time{}))
	if oldest != nil && oldest.Before(since) { // What has expired leaves in parts.
		oldest = one(extremeStatement("min", since))
	}
	if oldest == nil {
		newest = nil
	}
	return oldest, newest, err
}

// endStatement selects the time of a tenant's first event, or of its last.
func endStatement(id tenant.ID, since time.Time, direction string) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT created_at FROM ", schema.Events, " WHERE ")
	(&filter.Filter{}).Where(&b, filter.Scope{Tenant: id, Oldest: since})
	b.Write(" ORDER BY created_at", direction, " LIMIT 1")
	return &b
}

// extremeStatement selects the least or the greatest time of all events since a
// time, or the beginning of 1970.
func extremeStatement(function string, since time.Time) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT ", function, "(created_at) FROM ", schema.Events)
	if !since.IsZero() {
		b.Write(" WHERE created_at >= ")
		b.Time(since)
	}
	return &b
}

// scanTime reads a time; nil for what ClickHouse makes of no rows.
func scanTime(rows driver.Rows) (*time.Time, error) {
	var at time.Time
	if err := rows.Scan(&at); err != nil {
		return nil, err
	}
	if at.UnixMicro() == 0 {
		return nil, nil //nolint:nilnil // There is none.
	}
	at = at.UTC()
	return &at, nil
}

func holdsStatement(id tenant.ID) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT count() FROM ", schema.LegalHolds, " FINAL WHERE toUnixTimestamp64Milli(lifted_at) = 0")
	if id != tenant.All {
		b.Write(" AND tenant_id = ")
		b.Text(string(id))
	}
	return &b
}

func scanCount(rows driver.Rows) (n uint64, err error) { return n, rows.Scan(&n) }

// maxGaps bounds how many gaps are shown, the newest.
const maxGaps = 100

func gapsStatement(topic string) *filter.Builder {
	var b filter.Builder
	b.Write("SELECT topic, partition, from_offset, to_offset, max(messages), reason, min(noticed_at) AS noticed FROM ", schema.Gaps, " WHERE topic = ")
	b.Text(topic)
	b.Write(" GROUP BY topic, partition, from_offset, to_offset, reason ORDER BY noticed DESC, partition, from_offset LIMIT ")
	b.Int(maxGaps)
	return &b
}

func scanGap(rows driver.Rows) (Gap, error) {
	var g Gap
	err := rows.Scan(&g.Topic, &g.Partition, &g.From, &g.To, &g.Messages, &g.Reason, &g.Noticed)
	g.Noticed = g.Noticed.UTC()
	return g, err
}
