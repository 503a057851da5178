package config

import (
	"errors"
	"fmt"

	"daybook/pkg/retention"
	"daybook/pkg/tenant"
)

// Retention says how long events are kept and shown.
type Retention struct {
	Days    int               `mapstructure:"days"`    // after createdAt; from 1 to 36500
	Tenants []TenantRetention `mapstructure:"tenants"` // with days of their own
}

// TenantRetention is the retention of one tenant.
type TenantRetention struct {
	Tenant tenant.ID `mapstructure:"tenant"`
	Days   int       `mapstructure:"days"`
}

// Policy returns the settings as the program's parts use them.
func (c Retention) Policy() retention.Policy {
	p := retention.Days(c.Days)
	if len(c.Tenants) == 0 {
		return p
	}
	named := make(map[tenant.ID]int, len(c.Tenants))
	for _, t := range c.Tenants {
		named[t.Tenant] = t.Days
	}
	return p.Except(named)
}

// Validate returns every fault of the settings.
func (c Retention) Validate() error {
	return errors.Join(
		checkDays("retention.days", c.Days),
		eachTenant("retention.tenants", c.Tenants, func(t TenantRetention) tenant.ID { return t.Tenant }, func(key string, t TenantRetention) error {
			return checkDays(key+"days", t.Days)
		}),
	)
}

// eachTenant checks a list of what tenants have of their own: names are valid, and
// none stands twice. check gets the beginning of the entry's keys, like
// retention.tenants[0]. with its dot.
func eachTenant[T any](list string, entries []T, of func(T) tenant.ID, check func(key string, entry T) error) error {
	var errs []error
	named := map[tenant.ID]bool{}
	for i, entry := range entries {
		key, id := fmt.Sprintf("%s[%d].", list, i), of(entry)
		if err := id.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%stenant: %w", key, err))
		}
		if named[id] {
			errs = append(errs, fmt.Errorf("%stenant: %q is named twice", key, id))
		}
		named[id] = true
		errs = append(errs, check(key, entry))
	}
	return errors.Join(errs...)
}

func checkDays(key string, days int) error {
	if days < 1 || days > 36500 {
		return fmt.Errorf("%s: %d is not between 1 and 36500", key, days)
	}
	return nil
}
