package filter

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"daybook/pkg/apierror"
)

// Each form of a parameter that is promised, as a URL has it, and the condition
// in q that is the same.
func TestParameters_Forms(t *testing.T) {
	for query, q := range map[string]string{
		"severity=ERROR":                     "severity:ERROR",
		"severity=error":                     "severity:ERROR",
		"severity=WARN%2B":                   "severity:>=WARN",
		"severity=WARN+":                     "severity:WARN+", // A + that nobody escaped is a space.
		"severity=WARNING%2B":                "severity:WARN+",
		"severity=warning":                   "severity:WARN",
		"severity=INFO%2B":                   "severity:*",
		"severity=*":                         "severity:INFO+",
		"severity=>=ERROR":                   "severity:(ERROR OR CRITICAL)",
		"severity=<WARN&severity=CRITICAL":   "severity:(INFO OR CRITICAL)",
		"severity=":                          "",
		"eventType=login.*":                  "type:login.*",
		"eventType=login.*&eventType=logout": "type:(logout OR login.*)",
		"eventType=a%5C*b":                   `type:"a*b"`,
		"eventType=&eventType=a":             "type:a",
		"category=AUTH":                      "category:auth",
		"actorType=USER&actorId=x":           "actorType:USER actor:x",
		"targetType=INVOICE&targetId=x":      "targetType:INVOICE target:x",
		"source=x&correlationId=y":           "source:x correlation:y",
		"actorId=@me":                        "actor:@me",
		"attr.amount=450":                    "payload.amount:450",
		"attr.amount=450.00":                 "payload.amount:450.00",
		"attr.amount>100":                    "payload.amount:>100",
		"attr.amount=>100":                   "payload.amount:>100",
		"attr.amount>=100":                   "payload.amount:>=100",
		"attr.amount=>=100":                  "payload.amount:>=100",
		"attr.amount<100":                    "payload.amount:<100",
		"attr.amount<=100":                   "payload.amount:<=100",
		"attr.amount%3C%3D100":               "payload.amount:<=100",
		"attr.amount=100..200":               "payload.amount:100..200",
		"attr.amount=100..":                  "payload.amount:>=100",
		"attr.amount=*..200":                 "payload.amount:..200",
		"attr.amount=-5..-1.5":               "payload.amount:-5..-1.5",
		"attr.amount>1&attr.amount<9":        "payload.amount:>1 payload.amount:<9",
		"attr.status=a&attr.status=b":        "payload.status:(a OR b)",
		"attr.status=a=b":                    `payload.status:"a=b"`,
		"attr.status=a>b":                    `payload.status:"a>b"`,
		"attr.a%5C.b.c=x":                    `payload.a\.b.c:x`,
		"attr.a.b=*":                         "payload.a.b:*",
		"attr.id=cust_*":                     "payload.id:cust_*",
		"preset=today":                       "createdAt:>=now/d type:(login.failed OR *.denied)",
		"preset=prague&tz=Asia/Tokyo":        "createdAt:>=2026-04-17T00:00:00%2B02:00",
		"from=now/d&tz=Europe/Prague":        "createdAt:>=2026-04-17T00:00:00%2B02:00",
		"from=2026-04-17&to=2026-04-18&tz=Asia/Kathmandu": "createdAt:>=2026-04-17T00:00:00%2B05:45 createdAt:<2026-04-18T00:00:00%2B05:45",
		"from=2026-04-17T16:32:01+02:00":                  "createdAt:>=2026-04-17T14:32:01Z",
		"from=2026-04-17T14:32:01.123456Z&to=now%2B1d":    "createdAt:>=2026-04-17T14:32:01.123456Z createdAt:<now%2B1d",
		"from=now&to=now":                                 "createdAt:>=now createdAt:<now",
		"from=&to=&tz=&preset=&q=":                        "",
		"q=+card++declined+":                              "card declined",
		"q=a%09AND%0Ab":                                   "a b",
		"q=-%22a+b%22+NOT+c":                              `-"a b" -c`,
		"q=a+OR+b+c":                                      "(b c) OR a",
	} {
		f, err := ParseRequest(asking(t), parameters(t, query), now)
		require.NoError(t, err, query)
		values := url.Values{"q": {parameters(t, "q="+q).Get("q")}}
		if q == "severity:WARN+" || q == "severity:INFO+" {
			values.Set("q", q)
		}
		same, err := ParseRequest(asking(t), values, now)
		require.NoError(t, err, q)
		require.Equal(t, same.Canonical(), f.Canonical(), query)
	}
}

// A fault inside a list of values, or behind letters of several bytes, is where it is.
func TestParse_PositionsInLists(t *testing.T) {
	for q, position := range map[string]int{
		`severity:(ERROR OR LOUD)`:          19,
		`severity:("ERROR" "LOUD")`:         18,
		`žluť severity:LOUD`:                16,
		`"日本" type:(a OR >b)`:               20,
		`payload.a:(1 OR 1..x)`:             16,
		`createdAt:(now-1d OR tomorrow)`:    21,
		`a (b OR (c severity:<)) d`:         21,
		`a (b OR (c nosuch:1)) d`:           11,
		`(a OR b) time:now-1q`:              14,
		`actor:@me target:(x OR >@me)`:      23,
		`a OR (b AND)`:                      8,
		"\t\n severity:LOUD":                12,
		`payload.a:"x" payload.b:(1 OR "y"`: 24,
	} {
		_, err := ParseRequest(asking(t), url.Values{"q": {q}}, now)
		var invalid *apierror.Error
		require.True(t, errors.As(err, &invalid), "%s: %v", q, err)
		require.Len(t, invalid.Fields, 1, q)
		require.Equal(t, "q", invalid.Fields[0].Field)
		require.NotNil(t, invalid.Fields[0].Position, q)
		require.Equal(t, position, *invalid.Fields[0].Position, "%s: %s", q, invalid.Fields[0].Message)
	}
}

// A week is from Monday to Monday as its zone's clocks show them, of 167 or 169
// hours where they change.
func TestClock_WeeksOverClockChanges(t *testing.T) {
	for _, test := range []struct {
		zone, now  string
		week, last string // the beginning of the week, and of the one before
	}{
		{"Europe/Prague", "2026-03-30T00:30:00Z", "2026-03-29T22:00:00Z", "2026-03-22T23:00:00Z"},    // Of 167 hours.
		{"Europe/Prague", "2026-03-29T21:30:00Z", "2026-03-22T23:00:00Z", "2026-03-15T23:00:00Z"},    // Still Sunday.
		{"Europe/Prague", "2026-10-26T12:00:00Z", "2026-10-25T23:00:00Z", "2026-10-18T22:00:00Z"},    // Of 169 hours.
		{"America/New_York", "2026-03-09T03:30:00Z", "2026-03-02T05:00:00Z", "2026-02-23T05:00:00Z"}, // Sunday evening there.
		{"America/New_York", "2026-03-09T04:30:00Z", "2026-03-09T04:00:00Z", "2026-03-02T05:00:00Z"},
		{"Asia/Kathmandu", "2026-04-19T18:14:00Z", "2026-04-12T18:15:00Z", "2026-04-05T18:15:00Z"},
		{"Pacific/Apia", "2026-04-19T10:59:00Z", "2026-04-12T11:00:00Z", "2026-04-05T11:00:00Z"},
		{"Pacific/Apia", "2012-01-02T12:00:00Z", "2012-01-01T10:00:00Z", "2011-12-26T10:00:00Z"}, // A week without its Friday.
	} {
		zone, err := Zone(test.zone)
		require.NoError(t, err)
		at, err := time.Parse(time.RFC3339, test.now)
		require.NoError(t, err)
		clock := Clock{Now: at, Zone: zone}
		for text, want := range map[string]string{"now/w": test.week, "now/w-1w": test.last, "now-1w/w": test.last} {
			m, err := clock.Parse(text)
			require.NoError(t, err)
			require.Equal(t, want, m.Time.Format(time.RFC3339), "%s at %s in %s", text, test.now, test.zone)
		}
	}
}
