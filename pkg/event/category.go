package event

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The categories of spec/event-log.txt, and Other for every type that the
// table does not name.
const (
	CategoryAPI     = "api"
	CategoryBilling = "billing"
	CategoryAuth    = "auth"
	CategorySystem  = "system"
	CategoryUsage   = "usage"
	CategorySupport = "support"
	CategoryOther   = "other"
)

// CanaryType is the type of the canaries that Daybook's own tenant publishes to
// measure the live stream. Ingest leaves them out of the store.
const CanaryType = "daybook.canary"

// CategoryNames lists every category in the order of the spec.
var CategoryNames = [...]string{
	CategoryAPI, CategoryBilling, CategoryAuth, CategorySystem, CategoryUsage, CategorySupport, CategoryOther,
}

// defaultCategories has the families of both specs. A family covers the types
// that the spec shows as examples and their siblings.
var defaultCategories = map[string]string{
	"request.*": CategoryAPI, "rate_limit.*": CategoryAPI, "api.*": CategoryAPI, "webhook.*": CategoryAPI,

	"invoice.*": CategoryBilling, "payment.*": CategoryBilling, "subscription.*": CategoryBilling,
	"billing.*": CategoryBilling, "refund.*": CategoryBilling, "credit.*": CategoryBilling,

	"login.*": CategoryAuth, "logout.*": CategoryAuth, "api_key.*": CategoryAuth, "auth.*": CategoryAuth,
	"session.*": CategoryAuth, "password.*": CategoryAuth, "mfa.*": CategoryAuth, "role.*": CategoryAuth,

	// The types of spec/audit-log.txt, with their siblings ("client modifications, and more").
	"user_login": CategoryAuth, "user_logout": CategoryAuth, "user_login_failed": CategoryAuth,
	"session_revoked": CategoryAuth, "session_revoked_all": CategoryAuth,
	"client_created": CategoryAuth, "client_updated": CategoryAuth, "client_deleted": CategoryAuth,
	"role_assigned": CategoryAuth, "role_removed": CategoryAuth,
	"idp_created": CategoryAuth, "idp_updated": CategoryAuth, "idp_deleted": CategoryAuth,
	"audit.*": CategoryAuth, // audit.read: who has read that log.
	"hold.*":  CategoryAuth, // hold.placed, hold.lifted: who has kept what from being purged.

	"service.*": CategorySystem, "deploy.*": CategorySystem, "health_check.*": CategorySystem, "system.*": CategorySystem,
	"retention.*": CategorySystem, // retention.purged

	"event.*": CategoryUsage, "threshold.*": CategoryUsage, "anomaly.*": CategoryUsage, "usage.*": CategoryUsage,
	"quota.*": CategoryUsage,

	"ticket.*": CategorySupport, "support.*": CategorySupport,
}

// Categories finds the category of an event type. It never changes after
// NewCategories, so it needs neither lock nor cache: a lookup costs one map
// access, and one more for each dot of the type up to the deepest family.
type Categories struct {
	exact    map[string]string
	families map[string]string // "a.b" for the pattern "a.b.*"
	maxDots  int               // of the deepest family's pattern
	fallback string            // the pattern "*"
}

// NewCategories returns the default table with overrides on top: exact types,
// families ("order.*") and "*". It reports every pattern that is none of these and
// every name that is no category.
func NewCategories(overrides map[string]string) (*Categories, error) {
	c := &Categories{exact: map[string]string{}, families: map[string]string{}, fallback: CategoryOther}
	for pattern, name := range defaultCategories {
		c.add(pattern, name)
	}
	var faults []error
	for _, pattern := range slices.Sorted(maps.Keys(overrides)) {
		name := overrides[pattern]
		i := slices.Index(CategoryNames[:], name)
		if i < 0 {
			faults = append(faults, fmt.Errorf("categories: %q: %q is no category; the categories are %s",
				pattern, name, strings.Join(CategoryNames[:], ", ")))
			continue
		}
		if !validPattern(pattern) {
			faults = append(faults, fmt.Errorf("categories: %q: write an event type (order.shipped), a family (order.*) or *", pattern))
			continue
		}
		c.add(pattern, CategoryNames[i])
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c, nil
}

func validPattern(pattern string) bool {
	if pattern == "*" {
		return true
	}
	base := strings.TrimSuffix(pattern, ".*")
	return base != "" && !strings.Contains(base, "*") && len(pattern) <= maxIDBytes
}

func (c *Categories) add(pattern, name string) {
	family, isFamily := strings.CutSuffix(pattern, ".*")
	switch {
	case pattern == "*":
		c.fallback = name
	case isFamily:
		c.families[family] = name
		c.maxDots = max(c.maxDots, strings.Count(pattern, "."))
	default:
		c.exact[pattern] = name
	}
}

// Of returns the category of an event type: that of its own entry, else of its
// longest family, else of "*", else other.
func (c *Categories) Of(eventType string) string {
	if name, ok := c.exact[eventType]; ok {
		return name
	}
	found, dots := c.fallback, 0
	for i := range len(eventType) {
		if eventType[i] != '.' {
			continue
		}
		if dots++; dots > c.maxDots {
			break
		}
		if name, ok := c.families[eventType[:i]]; ok {
			found = name
		}
	}
	return found
}
