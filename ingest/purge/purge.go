package purge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

// Held is what must not be purged.
type Held struct {
	Tenants []tenant.ID // that have a hold
	SQL     string      // a condition on events, true for what is held; empty for nothing
	Args    []any       // of SQL; their names must not begin with c
}

// Holds tells what is held. An error, and nothing is purged.
type Holds func(ctx context.Context) (Held, error)

// Archive says what of the archive a purge regards.
type Archive struct {
	Enabled  bool
	Required bool // days that are not archived and verified stay
}

// Deps are what purges work with.
type Deps struct {
	Conn     driver.Conn
	Settings retention.Policy
	Holds    Holds
	Archive  Archive
	// Publish puts an event, the JSON of spec/event-log.txt without tenantId, into
	// the tenant's log, and returns once Kafka has it.
	Publish  func(ctx context.Context, id tenant.ID, event []byte) error
	Now      func() time.Time
	Registry prometheus.Registerer
	Log      *zap.Logger
}

// Purger deletes what has expired.
type Purger struct {
	conn     driver.Conn
	settings retention.Policy
	holds    Holds
	archive  Archive
	publish  func(ctx context.Context, id tenant.ID, event []byte) error
	now      func() time.Time
	metrics  *metrics
	log      *zap.Logger
	reached  func(state) error // nil, but in tests: where a process may die

	mu          sync.Mutex
	unconfirmed []Change // guarded by mu
}

// New returns a Purger that has not started.
func New(d Deps) *Purger {
	return &Purger{
		conn: d.Conn, settings: d.Settings, holds: d.Holds, archive: d.Archive, publish: d.Publish, now: d.Now,
		metrics: newMetrics(d.Registry), log: d.Log,
	}
}

const (
	every      = time.Hour
	afterFault = 5 * time.Minute
	checkEvery = time.Minute
)

// Run purges every hour until ctx ends. Run it on one node at a time.
func (p *Purger) Run(ctx context.Context) {
	defer func() { // Another node counts them from now on.
		p.metrics.held.Set(0)
		p.metrics.waiting.Set(0)
	}()
	for {
		pause := every
		if err := p.Purge(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			p.log.Error("a purge failed; the next one goes on from there", zap.Duration("next", afterFault), zap.Error(err))
			pause = afterFault
		}
		if !wait(ctx, pause) {
			return
		}
	}
}

// Watch looks every minute until ctx ends whether the retention of the settings
// is in force, on each node, for Unconfirmed.
func (p *Purger) Watch(ctx context.Context) {
	for {
		if inForce, known, err := InForce(ctx, p.conn); err == nil && known {
			p.compare(inForce)
		}
		if !wait(ctx, checkEvery) {
			return
		}
	}
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// Unconfirmed returns what the settings make shorter than what is in force, as of
// the last look.
func (p *Purger) Unconfirmed() []Change {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.unconfirmed)
}

func (p *Purger) compare(inForce retention.Policy) {
	changes := Unconfirmed(p.settings, inForce)
	p.metrics.unconfirmed.Set(float64(len(changes)))
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(changes) > 0 && !slices.Equal(changes, p.unconfirmed) {
		p.log.Warn("the settings keep events for less time than is in force: they are hidden, and purged only after daybook retention confirm", zap.Any("tenants", changes))
	}
	p.unconfirmed = changes
}

// Purge finishes what an earlier purge has left, then deletes what has expired
// by now. It can be called again after any error.
func (p *Purger) Purge(ctx context.Context) error {
	err := p.purge(ctx)
	if err != nil {
		p.metrics.failures.Inc()
		return err
	}
	p.metrics.success.Set(float64(p.now().UnixMilli()) / 1000)
	return nil
}

func (p *Purger) purge(ctx context.Context) error {
	now := p.now().UTC().Truncate(time.Millisecond)
	inForce, err := Adopt(ctx, p.conn, p.settings)
	if err != nil {
		return err
	}
	p.compare(inForce)
	if err := p.finish(ctx); err != nil {
		return err
	}
	cuts := cutsOf(inForce, now)
	for _, t := range []table{events, deadLetters} {
		held, err := p.holds(ctx)
		if err != nil {
			return fmt.Errorf("read the legal holds: %w", err)
		}
		s, err := p.look(ctx, t, cuts, now, held)
		if err != nil {
			return err
		}
		if t.name == events.name {
			p.observe(s)
		}
		items := plan(t, s, cuts, now)
		if err := p.record(ctx, items); err != nil {
			return err
		}
		if err := p.at(planned); err != nil {
			return err
		}
		if err := p.carryOut(ctx, t, items); err != nil {
			return err
		}
		if err := p.applyMasks(ctx, t); err != nil {
			return err
		}
	}
	return errors.Join(p.purgeRollups(ctx, cuts), p.purgeRestored(ctx, now))
}

func (p *Purger) observe(s *survey) {
	var held, waiting int
	for _, of := range s.tenants {
		if of.held {
			held++
		}
		if of.waiting {
			waiting++
		}
	}
	p.metrics.held.Set(float64(held))
	p.metrics.waiting.Set(float64(waiting))
}

func (p *Purger) at(s state) error {
	if p.reached == nil {
		return nil
	}
	return p.reached(s)
}

// finish carries out the purges that were cut off, each as it was planned.
func (p *Purger) finish(ctx context.Context) error {
	items, err := p.unfinished(ctx)
	if err != nil {
		return err
	}
	for len(items) > 0 {
		of := items[0]
		n := slices.IndexFunc(items, func(i item) bool { return i.table != of.table || !i.planned.Equal(of.planned) })
		if n < 0 {
			n = len(items)
		}
		t := events
		if of.table == deadLetters.name {
			t = deadLetters
		}
		p.log.Info("finishing a purge that was cut off", zap.String("table", of.table), zap.Time("planned", of.planned), zap.Int("tenants", n))
		if err := p.carryOut(ctx, t, items[:n]); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

// carryOut deletes what purges of one table and one time have planned, tells of
// it and marks them as done.
func (p *Purger) carryOut(ctx context.Context, t table, items []item) error {
	var waiting []item
	for _, i := range items {
		if i.state == planned {
			waiting = append(waiting, i)
		}
	}
	gone, err := p.delete(ctx, t, waiting)
	if err != nil {
		return err
	}
	for _, i := range items {
		if i.state == deleted {
			gone = append(gone, i)
		}
	}
	for n := range gone {
		if err := p.announce(ctx, gone[n]); err != nil {
			return err
		}
		gone[n].state = done
	}
	if err := p.at(done); err != nil {
		return err
	}
	return p.record(ctx, gone)
}

// delete deletes what was planned, without what is held by now, and returns the
// items with the number of rows that went.
func (p *Purger) delete(ctx context.Context, t table, items []item) ([]item, error) {
	if len(items) == 0 {
		return nil, nil
	}
	at, cuts := items[0].planned, cutsOfItems(items)
	// Read anew, as late as can be: a hold may have been placed since it was planned.
	held, err := p.holds(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the legal holds: %w", err)
	}
	s, err := p.look(ctx, t, cuts, at, held)
	if err != nil {
		return nil, err
	}
	if len(s.days) > 0 { // Else all of it went before a crash, or is held by now.
		if err := p.erase(ctx, t, func(month string) *condition { return p.doom(t, cuts, at, held, s, month) }); err != nil {
			return nil, err
		}
	}
	left, err := p.left(ctx, t, cuts, at)
	if err != nil {
		return nil, err
	}
	gone := make([]item, len(items))
	var rows uint64
	for n, i := range items {
		i.state = deleted
		// What was found less what is left: also where some of it went before a crash.
		i.rows = i.found - min(i.found, left[i.tenant])
		i.archived = min(i.archived, i.rows)
		rows += i.rows
		gone[n] = i
	}
	p.metrics.rows.WithLabelValues(t.name).Add(float64(rows))
	if err := p.record(ctx, gone); err != nil {
		return nil, err
	}
	p.log.Info("purged what has expired", zap.String("table", t.name), zap.Uint64("rows", rows), zap.Int("tenants", len(items)))
	return gone, p.at(deleted)
}

// doom is the condition for what a purge deletes.
func (p *Purger) doom(t table, cuts []cut, at time.Time, held Held, s *survey, month string) *condition {
	var c condition
	t.reach(&c, cuts, at)
	hold, args := t.hold(held)
	if hold != "" {
		c.write(" AND NOT (", hold, ")")
	}
	if p.archive.Required && t.name == events.name {
		// Only days that are known to be archived, whatever comes in meanwhile.
		var days []string
		for _, day := range s.days {
			if month == "" || day[:4]+day[5:7] == month {
				days = append(days, day)
			}
		}
		c.write(" AND ", fmt.Sprintf(dayKey, t.time), " IN ")
		c.texts(days)
	}
	c.args = append(c.args, args...)
	return &c
}
