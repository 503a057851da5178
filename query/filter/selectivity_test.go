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
		"eventType=login.*":              Scanned,
		"q=refund":                       Unknown,
		"q=ref":                          Scanned,
		"q=refund OR ref":                Scanned,
		"q=refund -ref eventType:a*":     Unknown,
		"q=-refund":                      Scanned,
		"attr.amount=>1":                 Scanned,
		"correlationId=x":                Rare,
		"actorId=x&q=refund severity:*":  Repeated,
		"actorId=x&correlationId=y":      Rare,
		"actorId=x*":                     Scanned,
		"q=-actorId:x":                   Scanned,
		"q=actorId:x OR severity:ERROR":  Scanned,
		`q=actorId:"" targetId:(a OR b)`: Repeated,
		`q=actorId:""`:                   Scanned,
	} {
		f, err := Parse(parameters(t, query), now)
		require.NoError(t, err)
		require.Equal(t, wants, f.Selectivity(), query)
	}
}
