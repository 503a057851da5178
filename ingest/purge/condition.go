package purge

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

// condition is a part of a statement: its text, with the values beside it. The
// parameters of Held have names of another kind (filter.Builder's p1, p2, …).
type condition struct {
	text strings.Builder
	args []any
}

func (c *condition) write(parts ...string) {
	for _, p := range parts {
		c.text.WriteString(p)
	}
}

func (c *condition) value(kind string, value any) {
	name := "c" + strconv.Itoa(len(c.args)+1)
	c.args = append(c.args, clickhouse.Named(name, value))
	c.write("{", name, ":", kind, "}")
}

func (c *condition) texts(values []string) { c.value("Array(String)", values) }

// time appends an instant; DateTime64 compares with every kind of time to the
// microsecond.
func (c *condition) time(at time.Time) {
	c.value("DateTime64(6, 'UTC')", at.UTC().Format("2006-01-02 15:04:05.000000"))
}

// cut is the instant before which the rows of some tenants have expired.
type cut struct {
	before  time.Time
	tenants []string // of these, or
	but     bool     // of all but these
}

// midnight returns the beginning of the UTC day that holds the oldest instant
// that is shown: a purge cuts there, so that each day goes at once.
func midnight(p retention.Policy, id tenant.ID, now time.Time) time.Time {
	return p.Oldest(id, now).UTC().Truncate(24 * time.Hour)
}

// cutsOf returns the cuts of every tenant at a time.
func cutsOf(p retention.Policy, now time.Time) []cut {
	var all []string
	byDays := map[int]*cut{}
	for _, id := range p.Named() {
		all = append(all, string(id))
		days := p.Of(id)
		if byDays[days] == nil {
			byDays[days] = &cut{before: midnight(p, id, now)}
		}
		byDays[days].tenants = append(byDays[days].tenants, string(id))
	}
	cuts := []cut{{before: midnight(p, "", now), tenants: all, but: true}}
	for _, c := range byDays {
		cuts = append(cuts, *c)
	}
	slices.SortFunc(cuts[1:], func(a, b cut) int { return a.before.Compare(b.before) })
	return cuts
}

// cutsOfItems returns the cuts of the tenants of a plan.
func cutsOfItems(items []item) []cut {
	var cuts []cut
	for _, i := range items {
		at := slices.IndexFunc(cuts, func(c cut) bool { return c.before.Equal(i.before) })
		if at < 0 {
			cuts = append(cuts, cut{before: i.before})
			at = len(cuts) - 1
		}
		cuts[at].tenants = append(cuts[at].tenants, string(i.tenant))
	}
	return cuts
}

// expired writes the condition that a row is older than its tenant's cut.
func (c *condition) expired(column string, cuts []cut) {
	c.write("(")
	for i, of := range cuts {
		if i > 0 {
			c.write(" OR ")
		}
		c.write(column, " < ")
		c.time(of.before)
		switch {
		case of.but && len(of.tenants) == 0:
			continue
		case of.but:
			c.write(" AND tenant_id NOT IN ")
		default:
			c.write(" AND tenant_id IN ")
		}
		c.texts(of.tenants)
	}
	c.write(")")
}
