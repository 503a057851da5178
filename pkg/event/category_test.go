package event_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

// Every example of both specs is in the category that the spec gives it.
func TestCategories_Specs(t *testing.T) {
	c, err := event.NewCategories(nil)
	require.NoError(t, err)
	for category, types := range map[string]string{
		event.CategoryAPI:     "request.success request.error rate_limit.hit",
		event.CategoryBilling: "invoice.created payment.received subscription.changed",
		event.CategoryAuth: "login.success login.failed api_key.created api_key.revoked user_login user_logout session_revoked " +
			"session_revoked_all client_created client_deleted role_assigned role_removed idp_created audit.read",
		event.CategorySystem:  "service.started deploy.completed health_check.failed",
		event.CategoryUsage:   "event.ingested threshold.exceeded anomaly.detected",
		event.CategorySupport: "ticket.created ticket.escalated ticket.resolved",
		event.CategoryOther:   "order.shipped payment invoice. .created user_logins Payment.received *",
	} {
		for eventType := range strings.FieldsSeq(types) {
			want := category
			if eventType == "invoice." {
				want = event.CategoryBilling // The family's name, a dot, and an empty rest.
			}
			require.Equal(t, want, c.Of(eventType), eventType)
		}
	}
}

func TestCategories_LongestMatchWins(t *testing.T) {
	c, err := event.NewCategories(map[string]string{
		"order.*": "billing", "order.eu.*": "support", "order.eu.shipped": "system", "payment.received": "usage", "user_login": "other", "*": "api",
	})
	require.NoError(t, err)
	for eventType, want := range map[string]string{
		"order.created": "billing", "order.eu": "billing", "order.eu.x": "support", "order.eu.x.y.z": "support", "order.eu.shipped": "system",
		"order.eu.shipped.late": "support", "payment.received": "usage", "payment.failed": "billing", "user_login": "other",
		"unheard.of": "api", "order": "api", strings.Repeat("a.", 120): "api",
	} {
		require.Equal(t, want, c.Of(eventType), eventType)
	}
}

func TestCategories_Refuses(t *testing.T) {
	for _, pattern := range []string{"", ".*", "order*", "*.created", "or*der.*", "order.**", "**"} {
		_, err := event.NewCategories(map[string]string{pattern: "billing"})
		require.ErrorContains(t, err, "write an event type", pattern)
	}
	_, err := event.NewCategories(map[string]string{"a": "Billing", "b": "", "c": "api"})
	require.ErrorContains(t, err, `"a": "Billing" is no category`)
	require.ErrorContains(t, err, `"b": "" is no category`)
}
