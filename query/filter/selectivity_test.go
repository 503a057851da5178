package filter

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSelectivity(t *testing.T) {
	for query, wants := range map[string]Selectivity{
		"":                               Everything,
		"from=now-1h":                    Everything,
		"severity=ERROR&eventType=x":     Common,
		"q=createdAt:>now-1d":            Common,
		"eventType=login.*":              Unknown,
		"q=refund":                       Unknown,
		"q=-refund":                      Unknown,
		"attr.amount=>1":                 Unknown,
		"correlationId=x":                Rare,
		"actorId=x&q=refund severity:*":  Repeated,
		"actorId=x&correlationId=y":      Rare,
		"actorId=x*":                     Unknown,
		"q=-actorId:x":                   Unknown,
		"q=actorId:x OR severity:ERROR":  Unknown,
		`q=actorId:"" targetId:(a OR b)`: Repeated,
		`q=actorId:""`:                   Unknown,
	} {
		f, err := Parse(parameters(t, query), now)
		require.NoError(t, err)
		require.Equal(t, wants, f.Selectivity(), query)
	}
}
