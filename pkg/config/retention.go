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
	errs := []error{checkDays("retention.days", c.Days)}
	named := map[tenant.ID]bool{}
	for i, t := range c.Tenants {
		key := fmt.Sprintf("retention.tenants[%d]", i)
		if err := t.Tenant.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("%s.tenant: %w", key, err))
		}
		if named[t.Tenant] {
			errs = append(errs, fmt.Errorf("%s.tenant: %q is named twice", key, t.Tenant))
		}
		named[t.Tenant] = true
		errs = append(errs, checkDays(key+".days", t.Days))
	}
	return errors.Join(errs...)
}

func checkDays(key string, days int) error {
	if days < 1 || days > 36500 {
		return fmt.Errorf("%s: %d is not between 1 and 36500", key, days)
	}
	return nil
}
