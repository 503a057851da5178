// Package retention says for how long the events of each tenant are kept and
// shown.
package retention

import (
	"maps"
	"slices"
	"time"

	"daybook/pkg/tenant"
)

// Policy has a number of days for every tenant. The zero Policy keeps nothing.
type Policy struct {
	days    int
	tenants map[tenant.ID]int
}

// Days is the same for every tenant.
func Days(days int) Policy { return Policy{days: days} }

// Except returns the policy with other days for some tenants.
func (p Policy) Except(tenants map[tenant.ID]int) Policy {
	p.tenants = maps.Clone(tenants)
	return p
}

// Of returns for how many days after createdAt the events of a tenant are kept.
func (p Policy) Of(id tenant.ID) int {
	if days, ok := p.tenants[id]; ok {
		return days
	}
	return p.days
}

// Default is for the tenants that are not named.
func (p Policy) Default() int { return p.days }

// Named returns the tenants that have days of their own, in order.
func (p Policy) Named() []tenant.ID { return slices.Sorted(maps.Keys(p.tenants)) }

// Longest is the most of any tenant: what is accepted from producers, who are
// known only once an event is read.
func (p Policy) Longest() int {
	longest := p.days
	for _, days := range p.tenants {
		longest = max(longest, days)
	}
	return longest
}

// Oldest returns the instant before which no event of a tenant is shown.
func (p Policy) Oldest(id tenant.ID, now time.Time) time.Time {
	return now.Add(-time.Duration(p.Of(id)) * 24 * time.Hour)
}
