package filter

import (
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"daybook/query/querytest"

	"github.com/stretchr/testify/require"
)

var now = time.Date(2026, 4, 17, 14, 32, 1, 0, time.UTC) // A Friday.

// golden are the filters whose SQL and canonical text testdata/filters.golden
// holds: those below, each form of q, and each field as a parameter and in q.
var golden = func() []string {
	all := slices.Clone(goldenCases)
	for _, f := range Forms {
		all = append(all, "q="+escaped(f.Write))
	}
	for _, f := range Fields {
		all = append(all, f.Name+"="+escaped(f.Example), "q="+f.Name+":"+escaped(f.Example))
		if f.Short != "" {
			all = append(all, "q="+f.Short+":"+escaped(f.Example))
		}
	}
	return all
}()

// escaped writes a value for a URL, only as far as it must.
func escaped(value string) string {
	return strings.NewReplacer("%", "%25", "+", "%2B", "&", "%26", "=", "%3D", "#", "%23").Replace(value)
}

// goldenCases have one at least for each kind of leaf and each form it takes.
var goldenCases = []string{
	"",
	"eventType=payment.received",
	"eventType=login.*&eventType=api_key.created&eventType=api_key.revoked&eventType=*.failed",
	"category=Auth",
	"severity=ERROR",
	"severity=WARN%2B",
	"severity=WARNING+",
	"severity=INFO&severity=CRITICAL",
	"severity=<INFO",
	"actorType=SYSTEM&actorId=billing-pipeline",
	"targetType=INVOICE&targetId=inv_def456",
	"source=billing&correlationId=req_jkl012",
	"actorId=*",
	"actorId=DOMAIN\\user",
	"actorId=a\\*b",
	"userAgent=*Mozilla*50%25*",
	"from=2026-04-17T14:32:01Z&to=2026-04-18T00:00:00%2B02:00",
	"from=now-15m",
	"from=now/d&tz=Europe/Prague",
	"from=now/w-1w&to=now/w-1s",
	"from=now/M-1M&to=now/M&tz=America/New_York",
	"attr.currency=USD",
	"attr.amount=450",
	"attr.amount=>100",
	"attr.amount>100",
	"attr.amount>=100",
	"attr.amount<100.5",
	"attr.amount=100..200",
	"attr.amount=..200",
	"attr.day=>2026-01-01",
	"attr.paid=true",
	"attr.customer.id=cust_*",
	"attr.customer.id=*",
	`attr.a\.b=x`,
	"q=refund",
	"q=refund jane@example.com -test",
	`q="Jane Doe" OR Žluťoučký`,
	"q=a b OR c d",
	"q=(a OR b) -(c d)",
	`q="say \"hi\" C:\dir"`,
	"q=https://example.com/x?y=1 10:30",
	"q=type:login.* severity:WARN%2B",
	"q=severity:>=ERROR -actor:*",
	`q=eventType:("a b" OR c* d)`,
	"q=payload.amount:>100 payload.currency:(USD OR EUR)",
	`q=payload.amount:"450"`,
	"q=payload.amount:100..200",
	"q=createdAt:>now-1d",
	"q=createdAt:2026-04-17T14:32:01Z",
	"q=createdAt:now-2d..now-1d",
	"q=createdAt:*",
	"preset=today&severity=ERROR",
	"q=NOT a AND NOT (b OR -c)",
	"q=-(-a)",
	`q=targetId:"" id:evt_1`,
	"q=x' OR '1'%3D'1&actorId='; DROP TABLE events --&correlationId={p1:String}",
}

func parameters(t testing.TB, raw string) url.Values {
	t.Helper()
	values, err := Values(raw)
	require.NoError(t, err)
	return values
}

var testScope = Scope{Tenant: "tenant_xyz", Oldest: now.AddDate(0, 0, -365)}

func TestGolden(t *testing.T) {
	var out querytest.Golden
	for _, raw := range golden {
		f, err := ParseRequest(asking(t), parameters(t, raw), now)
		require.NoError(t, err, raw)
		var b Builder
		f.Where(&b, testScope)
		out.Add(raw, &b, "canonical: "+f.Canonical(), "identity:  "+f.Identity())
	}
	out.Check(t, "filters.golden")
}

// The canonical text is a q that means the same.
func TestCanonical_IsQuery(t *testing.T) {
	for _, raw := range golden {
		f, err := ParseRequest(asking(t), parameters(t, raw), now)
		require.NoError(t, err)
		again, err := Parse(url.Values{"q": {f.Canonical()}}, now)
		require.NoError(t, err, f.Canonical())
		require.Equal(t, f.Canonical(), again.Canonical())
	}
}

func TestCanonical_EqualFilters(t *testing.T) {
	for _, pair := range [][2]string{
		{"q=a b", "q=b a a"},
		{"q=a OR b", "q=(b OR a)"},
		{"eventType=x&eventType=y", "q=type:(y OR x OR x)"},
		{"severity=WARN%2B", "q=severity:(CRITICAL OR warning OR ERROR)"},
		{"attr.amount=>100", "q=payload.amount:>100"},
		{"attr.amount>100", "q=payload.amount:>100"},
		{"q=REFUND", "q=refund"},
		{"category=auth", "q=category:Auth"},
		{"from=now-1h", "from=2026-04-17T13:32:01Z"},
	} {
		a, err := Parse(parameters(t, pair[0]), now)
		require.NoError(t, err)
		b, err := Parse(parameters(t, pair[1]), now)
		require.NoError(t, err)
		require.Equal(t, a.Canonical(), b.Canonical(), "%v", pair)
	}
	for _, pair := range [][2]string{
		{"q=a b", "q=a OR b"},
		{"q=a", "q=-a"},
		{"q=payload.a.b:x", `q=payload.a\.b:x`},
		{`q=id:"a*"`, "q=id:a*"},
		{"from=now-1h", "to=now-1h"},
	} {
		a, err := Parse(parameters(t, pair[0]), now)
		require.NoError(t, err)
		b, err := Parse(parameters(t, pair[1]), now)
		require.NoError(t, err)
		require.NotEqual(t, a.Canonical(), b.Canonical(), "%v", pair)
	}
}

func TestIdentity_RelativeTimesStay(t *testing.T) {
	early, err := Parse(parameters(t, "from=now-15m&q=createdAt:<now"), now)
	require.NoError(t, err)
	late, err := Parse(parameters(t, "from=now-15m&q=createdAt:<now"), now.Add(time.Minute))
	require.NoError(t, err)
	require.Equal(t, early.Identity(), late.Identity())
	require.NotEqual(t, early.Canonical(), late.Canonical())
}
