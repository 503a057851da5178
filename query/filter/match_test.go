package filter

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/event"
)

var sampleEvents = []*event.Event{
	{
		EventID: "evt_abc123", TenantID: "tenant_xyz", EventType: "payment.received", Category: "billing", Source: "billing",
		Severity: event.Info, ActorType: "SYSTEM", ActorID: "billing-pipeline", TargetType: "INVOICE", TargetID: "inv_def456",
		CorrelationID: "req_jkl012", CreatedAt: time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC),
		Payload: []byte(`{"amount": 450.00, "currency": "USD", "customer": {"id": "cust_1", "a.b": [1, "x", null, true]}, "note": "P\u0159\u00edli\u0161 \"\u017dlu\u0165\"\n"}`),
	},
	{
		EventID: "evt_2", EventType: "login.failed", Category: "auth", Severity: event.Error, ActorID: `DOMAIN\user`, ActorEmail: "Jane@Example.com",
		CreatedAt: time.Date(2026, 4, 16, 0, 0, 0, 1000, time.UTC),
		Payload:   []byte(`{"ip":"203.0.113.9","tries":3,"big":123456789012345678901234567890}`),
	},
}

func TestMatch(t *testing.T) {
	for query, wants := range map[string][2]bool{
		"":                                      {true, true},
		"eventType=payment.received":            {true, false},
		"eventType=login.*":                     {false, true},
		"eventType=*.received&eventType=*a*e*d": {true, true},
		"severity=WARN%2B":                      {false, true},
		"severity=INFO":                         {true, false},
		"actorId=DOMAIN\\user":                  {false, true},
		"q=-target:*":                           {false, true},
		"q=usd":                                 {true, false},
		"q=příliš":                              {true, false},
		`q="\"žluť"`:                            {true, false},
		"q=203.0.113":                           {false, true},
		"q=pay":                                 {false, false},
		"attr.amount=450":                       {true, false},
		"attr.amount=>449.99":                   {true, false},
		"attr.amount=>450":                      {false, false},
		"attr.amount=450..":                     {true, false},
		"attr.currency=usd":                     {false, false},
		"attr.currency=U*":                      {true, false},
		"attr.currency=>UR":                     {true, false},
		"attr.customer.id=cust_1":               {true, false},
		`attr.customer.a\.b=x`:                  {true, false},
		`attr.customer.a\.b=1`:                  {true, false},
		`attr.customer.a\.b=true`:               {true, false},
		`attr.customer.a\.b=null`:               {false, false},
		"attr.customer=*":                       {true, false},
		"attr.tries=3":                          {false, false}, // A number beyond 64 bits makes the payload opaque.
		"from=2026-04-17T14:32:01Z":             {true, false},
		"to=2026-04-17T14:32:01Z":               {false, true},
		"q=createdAt:2026-04-16":                {false, false},
		"q=createdAt:2026-04-16..2026-04-17":    {false, true},
		"q=email:x OR x":                        {},
	} {
		f, err := Parse(parameters(t, query), now)
		if query == "q=email:x OR x" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err, query)
		for i, e := range sampleEvents {
			require.Equal(t, wants[i], f.Match(e), "%s on %s", query, e.EventID)
		}
	}
}

func TestMatch_NoAllocation(t *testing.T) {
	f, err := Parse(url.Values{
		"eventType": {"login.*", "payment.received", "x"}, "severity": {"INFO+"}, "actorId": {"*pipe*"}, "from": {"now-1h"}, "q": {"usd -nothing (450 OR zzz)"},
	}, now)
	require.NoError(t, err)
	var s Subject
	s.Reset(sampleEvents[0])
	require.True(t, f.MatchSubject(&s)) // The buffer is made here.
	require.Zero(t, testing.AllocsPerRun(100, func() {
		s.Reset(sampleEvents[0])
		f.MatchSubject(&s)
	}))
}

func BenchmarkMatch(b *testing.B) {
	for name, query := range map[string]string{
		"header": "eventType=login.*&severity=WARN%2B&actorId=x", "text": "q=nothing", "payload": "attr.amount=>100",
	} {
		f, err := Parse(parameters(b, query), now)
		require.NoError(b, err)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var s Subject
			for b.Loop() {
				s.Reset(sampleEvents[0])
				f.MatchSubject(&s)
			}
		})
	}
}
